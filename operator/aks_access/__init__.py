"""Keeps AKS clusters' authorized IP ranges equal to what `ApiAccessGrant` objects say."""

__version__ = "0.1.0"
