"""Memory as it was at one moment, and what changed since.

:meth:`MemoryView.snapshot <memaccess.MemoryView.snapshot>` gives these; whoever only uses them imports
nothing from here. The names are for annotations and ``isinstance``.
"""

from memaccess._changes import ByteChange, ValueChange
from memaccess._snapshots import Snapshot

__all__ = ["ByteChange", "Snapshot", "ValueChange"]
