"""Structures: what a class declares, what that means in a program, and live access to it.

A declaration (``String(16)``) is turned into a *form* for the data model of a program: a size, an
alignment, the way from bytes to a value and back. A *live* object is a place in a program and reads
or writes it anew each time.
"""
