"""Searching a program's memory: for chains of pointers that lead to an address."""
