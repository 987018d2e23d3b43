"""What memaccess needs of an operating system, as Protocols.

Whatever implements :class:`System` and :class:`Process` can stand below a ``MemoryView``: Windows,
or the in-memory :mod:`memaccess.testing`. Every call that the system refuses raises
:class:`~memaccess._errors.SystemFailure`; callers know what was attempted and explain it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from memaccess._errors import Cause, SystemFailure
    from memaccess._records import Access, AddressSpace, Module, ProcessInfo, Region, SourceLine, WindowInfo
    from memaccess._types import DataModel


class MemoryReader(Protocol):
    """What can be read from."""

    def read(self, size: int, address: int, /) -> bytes:
        """Exactly *size* bytes, or a failure that carries what did arrive."""
        ...

    def read_into(self, buffer: memoryview, address: int, /) -> None:
        """Fill *buffer*, which is writable, contiguous; its items may have any size."""
        ...

    def read_each(self, places: Sequence[tuple[int, int]], /) -> Iterable[bytes | None]:
        """The bytes of each place ``(size, address)``, in as few calls as the system can do it.

        None for a place that could not be read: :meth:`read` is asked about it again, and says why.
        """
        ...


class MemoryWriter(Protocol):
    """What can be written to."""

    def write(self, data: bytes | memoryview, address: int, /) -> None:
        """Write all of *data*, contiguous; the protection stays as it is."""
        ...

    def write_forced(self, data: bytes | memoryview, address: int, /) -> None:
        """Write all of *data* whatever the protection, and leave the protection as it was."""
        ...


class MemoryMap(Protocol):
    """What can say what its memory is."""

    def region_at(self, address: int, /) -> Region | None:
        """The region from *address*'s page on; None above the highest address of programs."""
        ...

    def regions_from(self, address: int, /) -> Iterable[Region]:
        """The regions from *address*'s page on, as many as one question to the system tells.

        None above the highest address of programs.
        """
        ...

    def modules(self) -> list[Module]:
        """The programs and DLLs that are loaded, in the order in which they were: the program first."""
        ...

    def api_sets(self) -> int | None:
        """Where the table is that says for which DLLs API sets stand; None where there is none."""
        ...

    def stack_base(self, thread: int, /) -> int | None:
        """Where a thread's stack begins, which grows down from there.

        Threads count from 0, in the order in which they were made. None where there is no such thread, or
        it has no stack yet.
        """
        ...

    def mapped_file(self, address: int, /) -> str | None:
        """The path of the file that is mapped there; None where the memory is no file's."""
        ...


class MemoryOwner(Protocol):
    """What can be given memory, and other rights to it. *rights* are those of ``Region.rights``."""

    def protect(self, rights: str, size: int, address: int, /) -> tuple[Region, ...]:
        """Give the pages of a range those rights; what :meth:`put_back` takes to undo it."""
        ...

    def put_back(self, changed: tuple[Region, ...], /) -> None:
        """Give pages the protection back that they had."""
        ...

    def allocate(self, size: int, rights: str, near: int | None, /) -> int:
        """Give the program *size* bytes of new memory, less than 2 GiB from *near*; where it begins."""
        ...

    def free(self, address: int, /) -> None:
        """Take away what was allocated at that address."""
        ...


class Hold(Protocol):
    """What has all threads of a program stand still. Several of one program may overlap."""

    def begin(self) -> None:
        """Have them stand still: when it returns they do, and none of them does if it fails."""
        ...

    def release(self) -> None:
        """Let them go on, where no other hold is left; nothing where that was done, or nothing was begun.

        It needs no open :class:`Process`, and may be called again where something has interrupted it.
        """
        ...


class DebugInfo(Protocol):
    """The debug symbols of a program's modules. Several threads may ask at once."""

    def find(self, module: Module, name: str) -> Collection[int]:
        """Where that name of the module is; several places where its source has it more than once."""
        ...

    def name_at(self, module: Module, address: int) -> tuple[str, int] | None:
        """The name at or before an address in the module, and where that name is."""
        ...

    def line_at(self, module: Module, address: int) -> SourceLine | None:
        """The line of source code that the code at an address in the module comes from."""
        ...

    def close(self) -> None:
        """Let go of what was loaded; a second call does nothing, and nothing is found after it."""
        ...


class Process(MemoryReader, MemoryWriter, MemoryMap, MemoryOwner, Protocol):
    """One opened program. Sizes are in bytes; addresses and ranges were checked by the caller.

    A size of 0 succeeds wherever it is.
    Several threads may call it at once, and one of them may close it: a call under way then
    finishes on its own handle, a later one fails with :attr:`Cause.CLOSED
    <memaccess._errors.Cause.CLOSED>`.
    """

    @property
    def pid(self) -> int: ...

    @property
    def name(self) -> str:
        """File name of the program, or ``''``."""
        ...

    @property
    def model(self) -> DataModel:
        """How wide the program's types are."""
        ...

    @property
    def space(self) -> AddressSpace:
        """Where the program can have memory."""
        ...

    @property
    def started(self) -> int:
        """When it began: what tells it from every other process that has had, or will have, its pid.

        The number means nothing else. It is the same for everybody who asks, and may be kept in a file.
        """
        ...

    def debug_info(self, search_path: str | None, /) -> DebugInfo:
        """Its debug symbols, looked for in that path too."""
        ...

    def hold(self) -> Hold:
        """What can have its threads stand still, and has not begun yet. It asks for no more rights before it does."""
        ...

    def refuses(self, region: Region, access: Access, /) -> bool:
        """Whether :meth:`read`, or :meth:`write`, stops at such memory, as far as the system is known."""
        ...

    def is_alive(self) -> bool:
        """Whether the program still runs."""
        ...

    def exit_code(self) -> int | None:
        """What the program ended with; None while it runs."""
        ...

    def close(self) -> None:
        """Give the handle back; a second call does nothing."""
        ...


class System(Protocol):
    """The operating system, as far as it is not about one opened program."""

    def open(self, pid: int, access: Access, /) -> Process:
        """Open a program with the least rights that *access* needs."""
        ...

    def current_pid(self) -> int:
        """The pid of the program that asks."""
        ...

    def processes(self, wanted: Callable[[str], bool] | None = None, /) -> list[ProcessInfo]:
        """The running programs; only those whose name is *wanted*, where that is given."""
        ...

    def process(self, pid: int, /) -> ProcessInfo | None:
        """The running program with that pid."""
        ...

    def windows(self) -> list[WindowInfo]:
        """The top-level windows that have a title."""
        ...

    def why_not_opened(self, pid: int, cause: Cause, /) -> str:
        """Why that program could not be opened and what to do about it, as sentences; or ``''``."""
        ...

    def refusal(self, cause: Cause, /) -> SystemFailure:
        """The failure that the system would report for that cause, where it is not even asked."""
        ...
