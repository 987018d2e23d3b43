"""Scans for values: a first one, and the next ones among what was found."""
