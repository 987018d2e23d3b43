"""The search: patterns, values, chains of pointers, and what all of them go over memory with."""
