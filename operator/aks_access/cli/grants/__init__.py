"""Grants that people make, extend and revoke: judged before, written, and waited for."""
