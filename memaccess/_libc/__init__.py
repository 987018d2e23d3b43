"""A dictionary of Linux: its C library's functions, and the numbers that they take."""
