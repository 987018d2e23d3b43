"""A dictionary of Windows: types, constants, structures and call tables, in Windows' own words.

Declarations only. Types, constants and structures can be imported on any system; the call tables
(one module per DLL) on Windows alone.
"""
