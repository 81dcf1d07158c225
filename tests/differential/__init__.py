"""Argosy beside the real Argus on the same packets."""
