"""What ctypes aligns to in this Python."""

from __future__ import annotations

import ctypes

import pytest

as_windows_aligns = pytest.mark.skipif(
    ctypes.alignment(ctypes.c_uint64) != 8, reason="this Python aligns as i386 Linux does"
)
"""For tests that take ctypes for what compilers do for Windows: 32-bit Pythons on Linux align 8 bytes to 4."""
