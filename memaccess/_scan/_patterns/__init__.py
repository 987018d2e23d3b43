"""Patterns: bytes of which not all are known."""
