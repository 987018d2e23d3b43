"""The search: patterns, values, and what both go over memory with."""
