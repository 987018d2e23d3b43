"""Memory as it was at one moment, and what changed since.

:meth:`MemoryView.snapshot <memaccess.MemoryView.snapshot>` and
:meth:`MemoryView.hexdump <memaccess.MemoryView.hexdump>` give these; whoever only uses them imports
nothing from here. The names are for annotations and ``isinstance``.
"""

from memaccess._changes import ByteChange, ValueChange
from memaccess._hexdump import HexDump
from memaccess._snapshots import Snapshot

__all__ = ["ByteChange", "HexDump", "Snapshot", "ValueChange"]
