"""Manifests in files: read, checked, judged, and kept in order."""
