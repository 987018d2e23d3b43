r"""A program made of byte buffers, for testing code that uses memaccess on any system.

It behaves as a Windows program does, error codes included, and memaccess's own tests hold it to
that: the same assertions run on it and on real programs.

>>> game = FakeProcess(name='game.exe', bitness=32)
>>> game.map(0x401000, b'\x64\x00\x00\x00')
>>> with game.open('rw') as view:
...     view.write_int(view.read_int(0x401000) - 1, 0x401000)
>>> game.peek(4, 0x401000)
b'c\x00\x00\x00'
"""

from __future__ import annotations

import ctypes
import itertools
from typing import TYPE_CHECKING

from memaccess import _backend
from memaccess._arguments import byte_count
from memaccess._backend import _pages, _places
from memaccess._backend._interface import Process, System
from memaccess._backend.windows import _facts, _forcing, _paths, _protection
from memaccess._batch import one_by_one
from memaccess._errors import Cause, SystemFailure
from memaccess._fake_images import FakeDebugInfo, make_image
from memaccess._pe import read_header
from memaccess._records import PAGE, Access, Module, ProcessInfo, WindowInfo, whole_pages
from memaccess._types import WINDOWS_32, WINDOWS_64
from memaccess._view import MemoryView
from memaccess._win32._codes import (
    ERROR_ACCESS_DENIED,
    ERROR_INVALID_ADDRESS,
    ERROR_NOACCESS,
    ERROR_NOT_ENOUGH_MEMORY,
    ERROR_PARTIAL_COPY,
    failure_from,
    failure_with,
)
from memaccess._win32._constants import MemoryState, MemoryType, PageProtection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from typing_extensions import Self

    from memaccess._pe import Header
    from memaccess._records import Region
    from memaccess._types import DataModel

__all__ = ["FakeProcess", "FakeSystem", "Process", "System"]

_KINDS = {"private": MemoryType.PRIVATE, "mapped": MemoryType.MAPPED, "image": MemoryType.IMAGE}
_RESERVED = 0
_GRANULARITY = 0x10000
_STARTS = itertools.count(0x01DA_0000_0000_0000, 10_000_000)
"""When programs are started: each a second after the one before."""


class _Mapping:
    """Neighbouring pages that were mapped together."""

    def __init__(self, base: int, data: bytearray, protection: int, kind: int, file: str | None) -> None:
        self.base = base
        self.data = data
        self.kind = kind
        self.file = file
        self.first_protection = protection
        self.protections = [protection] * (len(data) // PAGE)

    @property
    def end(self) -> int:
        return self.base + len(self.data)

    def region_at(self, address: int) -> Region:
        """The pages from *address*'s on that have the same protection."""
        first = last = (address - self.base) // PAGE
        protection = self.protections[first]
        while last < len(self.protections) and self.protections[last] == protection:
            last += 1
        state = MemoryState.RESERVE if protection == _RESERVED else MemoryState.COMMIT
        return _protection.region(
            self.base + first * PAGE,
            (last - first) * PAGE,
            state,
            protection,
            self.kind,
            self.base,
            self.first_protection or PageProtection.NOACCESS,
        )


class FakeProcess:
    r"""A program that exists only in this Python.

    :param pid: its pid.
    :param name: its file name.
    :param bitness: its width, 32 or 64.
    :param parent_pid: the pid of the program that started it.
    :param windows: the titles of its windows.
    :raises ValueError: the bitness is neither.

    >>> FakeProcess(5556, 'game.exe', bitness=32).path
    'C:\\game.exe'
    """

    def __init__(
        self,
        pid: int = 5556,
        name: str = "game.exe",
        *,
        bitness: int = 64,
        parent_pid: int = 4,
        windows: tuple[str, ...] = (),
    ) -> None:
        if bitness not in _facts.SPACES:
            raise ValueError(f"bitness is 32 or 64, not {bitness!r}")
        self.pid = pid
        self.name = name
        self.parent_pid = parent_pid
        self.windows = windows
        self.path = f"C:\\{name}"
        """Its file, with the folder."""
        self.space = _facts.SPACES[bitness]
        """Where it can have memory."""
        self.model: DataModel = WINDOWS_32 if bitness == 32 else WINDOWS_64
        self.exit_code: int | None = None
        self.denied = False
        """Set it to have the system refuse to open the program."""
        self.protected = False
        """Set it to have the program be one that the system protects from everybody."""
        self.open_handles = 0
        """How many views are open on it."""
        self.suspensions = 0
        """How often it is suspended at this moment; its threads stand still where it is not 0."""
        self.started = next(_STARTS)
        """When it was started, in Windows' own count: tenths of a microsecond since the year 1601."""
        self.api_sets: int | None = None
        """Where its memory has a table of API sets, as Windows makes it; None for none."""
        self.stack_bases: list[int] = []
        """Where the stacks of its threads begin, which grow down from there."""
        self._mappings: list[_Mapping] = []
        self._symbols: dict[str, Mapping[str, int | tuple[int, ...]]] = {}
        self._lines: dict[str, Mapping[int, tuple[str, int]]] = {}

    @property
    def bitness(self) -> int:
        """32 or 64."""
        return self.model.bitness

    def open(self, mode: str = "r") -> MemoryView:
        """A view of this program.

        :param mode: ``'r'`` to read, ``'w'`` to write, ``'rw'`` for both.
        :returns: the view; it needs no :class:`FakeSystem`.
        :raises ProcessNotFoundError: the program has ended, and no other view of it is open.
        :raises ProcessDeniedError: it was made a denied or a protected one.

        >>> with FakeProcess(5556).open() as view:
        ...     view
        <MemoryView of process 5556 'game.exe', 64-bit, mode 'r'>
        """
        return MemoryView(self.pid, mode, system=FakeSystem(self))

    def map(
        self,
        address: int,
        content: bytes | int,
        protection: str = "rw-",
        *,
        kind: str = "private",
        guard: bool = False,
        file: str | None = None,
    ) -> None:
        r"""Give the program memory.

        :param address: where it begins; memory begins with the page of it.
        :param content: the bytes there, or how many zeros.
        :param protection: ``'rw-'`` and the like; ``'---'`` for memory that nobody may touch.
        :param kind: ``'private'``, ``'mapped'`` or ``'image'``.
        :param guard: whether they are guard pages.
        :param file: the path of the file that the memory is a view of.
        :raises ValueError: private memory was given a file, there is memory already, or Windows has no such protection.

        >>> game = FakeProcess()
        >>> game.map(0x401000, b'Zoe', 'r--')
        >>> game.peek(4, 0x401000)
        b'Zoe\x00'
        """
        if protection not in _protection.RIGHTS:
            raise ValueError(
                f"Windows has no protection {protection!r}, only {', '.join(_protection.RIGHTS)}"
            )
        if kind not in _KINDS:
            raise ValueError(f"there is no kind {kind!r}, only {', '.join(_KINDS)}")
        if file is not None and kind == "private":
            raise ValueError("private memory is no file's; the kind of a file's is 'mapped' or 'image'")
        value = _protection.RIGHTS[protection] | (PageProtection.GUARD if guard else 0)
        mapping = self._add(
            address, content if isinstance(content, int) else len(content), value, _KINDS[kind], file
        )
        if not isinstance(content, int):
            offset = address - mapping.base
            mapping.data[offset : offset + len(content)] = content

    def load(
        self,
        name: str,
        base: int,
        *,
        code: int = PAGE,
        data: int = PAGE,
        exports: Mapping[str | int, int | str] | None = None,
        symbols: Mapping[str, int | tuple[int, ...]] | None = None,
        lines: Mapping[int, tuple[str, int]] | None = None,
    ) -> None:
        r"""Load a program or a DLL: headers, code from 0x1000 on, data behind it, and exports.

        :param name: its file name, or its path.
        :param base: where it begins, at a multiple of 0x10000.
        :param code: how many bytes of code it has, in whole pages.
        :param data: how many bytes of data it has behind its code, in whole pages.
        :param exports: what it exports: for each name, or ordinal where it has no name, the offset from
            *base*, or where it is forwarded to, as ``'NTDLL.RtlAllocateHeap'``.
        :param symbols: what its debug symbols know beyond that: for each name the offset from *base*, or
            several where its source has the name more than once.
        :param lines: the source lines in them: for each offset the file and the number of the line.
        :raises ValueError: nothing can be loaded there, there is memory already, that file is loaded
            already, or a DLL can't have such exports.

        The module that has the program's own path is the program itself.

        >>> game = FakeProcess(name='game.exe')
        >>> game.load('game.exe', 0x140000000)
        >>> game.load('engine.dll', 0x180000000, exports={'Fire': 0x1000, 'Jump': 'physics.Jump'})
        >>> with game.open() as view:
        ...     [module.name for module in view.modules()]
        ['game.exe', 'engine.dll']
        """
        if base % _GRANULARITY:
            raise ValueError(f"Windows loads modules at multiples of 0x{_GRANULARITY:x}, not at 0x{base:x}")
        path = name if "\\" in name else f"C:\\{name}"
        if any(each.file == path for each in self._mappings):
            raise ValueError(f"{path} is loaded already")
        image = make_image(self.bitness, _paths.file_name(path), code, data, exports or {})
        read_only = _protection.RIGHTS["r--"]
        mapping = self._add(base, len(image.content), read_only, MemoryType.IMAGE, path)
        self._symbols[path], self._lines[path] = symbols or {}, lines or {}
        mapping.data[:] = image.content
        for offset, size, rights in image.sections:
            first, last = offset // PAGE, whole_pages(offset + size) // PAGE
            mapping.protections[first:last] = [_protection.RIGHTS[rights]] * (last - first)

    def reserve(self, address: int, size: int) -> None:
        """Take addresses without giving them memory.

        :param address: where they begin, with the page of it.
        :param size: how many bytes, in whole pages.
        :raises ValueError: there is memory already.

        >>> game = FakeProcess()
        >>> game.reserve(0x401000, 0x1000)
        >>> with game.open() as view:
        ...     print(view.region_at(0x401000))
        0x401000-0x402000 (reserved private)
        """
        self._add(address, size, _RESERVED, MemoryType.PRIVATE)

    def unmap(self, address: int) -> None:
        """Take away what was mapped or reserved.

        :param address: any address in it.
        :raises ValueError: nothing is mapped there.

        >>> game = FakeProcess()
        >>> game.map(0x401000, 0x1000)
        >>> game.unmap(0x401000)
        """
        self._mappings.remove(self._mapping_at(address))

    def exit(self, code: int = 0) -> None:
        """End the program.

        :param code: its exit code.

        >>> game = FakeProcess()
        >>> with game.open() as view:
        ...     game.exit(3)
        ...     view.exit_code()
        3
        """
        self.exit_code = code
        self._mappings.clear()

    def peek(self, size: int, address: int) -> bytes:
        """What is in the program's memory, whatever its protection.

        :param size: how many bytes.
        :param address: where they begin.
        :returns: *size* bytes.
        :raises ValueError: the size is negative, or nothing is mapped there, or at a part of it.

        >>> game = FakeProcess()
        >>> game.map(0x401000, b'Zoe', '---')
        >>> game.peek(3, 0x401000)
        b'Zoe'
        """
        if size < 0:
            raise ValueError(f"a size can't be negative: {size}")
        mapping = self._mapping_at(address)
        piece = bytes(mapping.data[address - mapping.base : address - mapping.base + size])
        missing = size - len(piece)
        return piece + self.peek(missing, mapping.end) if missing > 0 else piece

    def _add(self, address: int, size: int, protection: int, kind: int, file: str | None = None) -> _Mapping:
        base = address // PAGE * PAGE
        end = whole_pages(address + size)
        if size <= 0 or base < self.space.lowest or end > self.space.end:
            raise ValueError(f"a {self.bitness}-bit program can't have {size} bytes at 0x{address:x}")
        if any(base < other.end and other.base < end for other in self._mappings):
            raise ValueError(f"there is memory already at 0x{address:x}")
        mapping = _Mapping(base, bytearray(end - base), protection, kind, file)
        self._mappings.append(mapping)
        self._mappings.sort(key=lambda each: each.base)
        return mapping

    def _mapping_at(self, address: int) -> _Mapping:
        for mapping in self._mappings:
            if mapping.base <= address < mapping.end:
                return mapping
        raise ValueError(f"nothing is mapped at 0x{address:x}")

    def _modules(self) -> list[Module]:
        """The images that are files, each from its lowest address to its highest."""
        found: dict[str, Module] = {}
        for each in self._mappings:
            if each.file is None or each.kind != MemoryType.IMAGE:
                continue
            base = found[each.file].base if each.file in found else each.base
            name = _paths.file_name(each.file)
            header = self._header(base)
            found[each.file] = Module(
                name,
                each.file,
                base,
                each.end - base,
                base + header.entry if header and header.entry else None,
                header.bitness if header else self.bitness,
                header.timestamp if header else None,
            )
        # The program itself comes first, as its loader has it.
        return sorted(found.values(), key=lambda module: (module.path != self.path, module.base))

    def _header(self, base: int) -> Header | None:
        try:
            return read_header(self.peek, base)
        except ValueError:
            return None  # it was mapped without headers

    def _file_at(self, address: int) -> str | None:
        found = (each.file for each in self._mappings if each.base <= address < each.end)
        return next(found, None)

    def _region_at(self, address: int) -> Region | None:
        if address >= self.space.end:
            return None
        start, stop = address // PAGE * PAGE, self.space.end
        for mapping in self._mappings:
            if mapping.base <= address < mapping.end:
                return mapping.region_at(address)
            if mapping.base > address:
                stop = min(stop, mapping.base)
        return _protection.region(start, stop - start, MemoryState.FREE, 0, 0, 0, 0)


def _code_of_write(region: Region | None, done: int) -> int:
    """The code of a write that got *done* bytes far, to where *region* refused it."""
    if done:
        return ERROR_PARTIAL_COPY
    # What is not committed can't be given another protection, which WriteProcessMemory tries first.
    committed = region is not None and region.state == "committed"
    return ERROR_NOACCESS if committed else ERROR_INVALID_ADDRESS


class FakeSystem:
    """An operating system that runs nothing but the given programs.

    :param processes: the programs.
    :param current: the one that asks; the first, where it is not given.

    In a ``with`` block it stands in for the real one, so that the code under test finds its
    programs without being told about it.

    >>> with FakeSystem(FakeProcess(5556)):
    ...     MemoryView(5556).close()
    """

    def __init__(self, *processes: FakeProcess, current: FakeProcess | None = None) -> None:
        self._processes = list(processes)
        self._before: list[System | None] = []
        self._current = current or (processes[0] if processes else None)
        self._asking = current

    def __enter__(self) -> Self:
        self._before.append(_backend.stand_in)
        _backend.stand_in = self
        return self

    def __exit__(self, *_: object) -> None:
        _backend.stand_in = self._before.pop()

    def start(self, process: FakeProcess) -> None:
        """Add a program.

        :param process: the program.

        >>> system = FakeSystem()
        >>> system.start(FakeProcess(5556))
        >>> [each.pid for each in memaccess.list_processes(system=system)]
        [5556]
        """
        self._processes.append(process)

    def open(self, pid: int, access: Access, /) -> Process:
        """As :meth:`System.open`."""
        for process in self._processes:
            gone = process.exit_code is not None and not process.open_handles
            if process.pid == pid and pid != 0 and not gone:
                if process.denied or process.protected:
                    cause = Cause.PROTECTED if process.protected else Cause.DENIED
                    raise failure_with("OpenProcess", ERROR_ACCESS_DENIED, "Access denied.", cause=cause)
                return _OpenedFake(process, access, is_own=process is self._asking)
        raise failure_from(Cause.NO_PROCESS, "OpenProcess", "Invalid parameter.")

    def current_pid(self) -> int:
        """The pid of the program that asks."""
        if self._current is None:
            raise failure_from(Cause.NO_PROCESS, "GetCurrentProcessId", "Nothing runs here.")
        return self._current.pid

    def processes(self, wanted: Callable[[str], bool] | None = None, /) -> list[ProcessInfo]:
        """The running programs; only those whose name is *wanted*, where that is given."""
        return [self._info(each) for each in self._running() if wanted is None or wanted(each.name)]

    def process(self, pid: int, /) -> ProcessInfo | None:
        """The running program with that pid."""
        return next((self._info(each) for each in self._running() if each.pid == pid), None)

    def windows(self) -> list[WindowInfo]:
        """The windows of all programs."""
        return [WindowInfo(title, each.pid) for each in self._running() for title in each.windows if title]

    def why_not_opened(self, pid: int, cause: Cause, /) -> str:
        """In Windows' terms."""
        name = next((each.name for each in self._running() if each.pid == pid), "")
        return _facts.why_not_opened(pid, name, cause)

    def refusal(self, cause: Cause, /) -> SystemFailure:
        """With Windows' codes."""
        return failure_from(cause)

    def _running(self) -> Iterator[FakeProcess]:
        return (each for each in self._processes if each.exit_code is None)

    @staticmethod
    def _info(process: FakeProcess) -> ProcessInfo:
        path = None if process.denied else process.path
        bitness = None if process.denied else process.bitness
        return ProcessInfo(process.pid, process.name, path, process.parent_pid, bitness)


class _OpenedFake:
    """A fake program as a view has it open: with rights, until it is closed."""

    def __init__(self, target: FakeProcess, access: Access, *, is_own: bool = False) -> None:
        self._target = target
        self._access = access
        self._is_own = is_own
        self._closed = False
        self.pid = target.pid
        self.name = target.name
        self.model = target.model
        self.space = target.space
        target.open_handles += 1

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._target.open_handles -= 1

    def modules(self) -> list[Module]:
        self._require("EnumProcessModulesEx", Access.READ)
        return self._target._modules()

    def api_sets(self) -> int | None:
        self._require("NtQueryInformationProcess", Access.READ)
        return self._target.api_sets

    def stack_base(self, thread: int, /) -> int | None:
        self._require("NtQueryInformationThread", Access.READ)
        return next(iter(self._target.stack_bases[thread:]), None)

    def debug_info(self, _search_path: str | None, /) -> FakeDebugInfo:
        self._require_open("SymInitialize")
        return FakeDebugInfo(self._target._symbols, self._target._lines)

    @property
    def started(self) -> int:
        self._require_open("GetProcessTimes")
        return self._target.started

    def hold(self) -> _FakeHold:
        self._require_open("OpenProcess")
        if self._is_own:
            raise failure_from(Cause.ITSELF, "NtSuspendProcess")
        return _FakeHold(self)

    def mapped_file(self, address: int, /) -> str | None:
        self._require_running("GetMappedFileNameW")
        return self._target._file_at(address)

    def refuses(self, region: Region, access: Access, /) -> bool:
        return _protection.refuses(region, access)

    def is_alive(self) -> bool:
        self._require_open("WaitForSingleObject")
        return self._target.exit_code is None

    def exit_code(self) -> int | None:
        self._require_open("GetExitCodeProcess")
        return self._target.exit_code

    def region_at(self, address: int, /) -> Region | None:
        self._require_running("VirtualQueryEx")
        return self._target._region_at(address)

    def regions_from(self, address: int, /) -> list[Region]:
        region = self.region_at(address)
        return [] if region is None else [region]

    def read(self, size: int, address: int, /) -> bytes:
        api = "ReadProcessMemory"
        if not size:
            return b""
        self._require(api, Access.READ)
        data = b"".join(self._readable_pieces(size, address))
        if len(data) < size:
            raise self._inaccessible(api, address, data=data, transferred=len(data))
        return data

    def read_into(self, buffer: memoryview, address: int, /) -> None:
        if not buffer.nbytes:
            return
        target = (ctypes.c_char * buffer.nbytes).from_buffer(buffer)
        try:
            target.raw = self.read(buffer.nbytes, address)
        except SystemFailure as failure:
            target.raw = failure.data + target.raw[len(failure.data) :]
            raise

    def read_each(self, places: Sequence[tuple[int, int]], /) -> Iterator[bytes | None]:
        return one_by_one(self.read, places)

    def _readable_pieces(self, size: int, address: int) -> Iterator[bytes]:
        """The bytes from *address* on, as far as they can be read."""
        end = address + size
        while address < end:
            region = self._target._region_at(address)
            if region is None or self.refuses(region, Access.READ):
                return
            stop = min(region.end, end)
            yield self._target.peek(stop - address, address)
            address = stop

    def write(self, data: bytes | memoryview, address: int, /) -> None:
        api = "WriteProcessMemory"
        content = bytes(data)
        if not content:
            return
        self._require(api, Access.WRITE)
        done = 0
        while done < len(content):
            region = self._target._region_at(address + done)
            if region is None or self.refuses(region, Access.WRITE):
                raise failure_with(api, _code_of_write(region, done), "Invalid access.", transferred=done)
            piece = content[done : done + region.end - address - done]
            self._poke(piece, address + done)
            done += len(piece)

    def _poke(self, data: bytes, address: int) -> None:
        mapping = self._target._mapping_at(address)
        mapping.data[address - mapping.base : address - mapping.base + len(data)] = data

    def write_forced(self, data: bytes | memoryview, address: int, /) -> None:
        if byte_count(data):
            self._require("WriteProcessMemory", Access.WRITE)
            _forcing.write_forced(self, data, address)

    def protect(self, rights: str, size: int, address: int, /) -> tuple[Region, ...]:
        self._require("VirtualProtectEx", Access.WRITE)
        return _pages.protect(self, rights, size, address)

    def put_back(self, changed: tuple[Region, ...], /) -> None:
        _pages.put_back(self, changed)

    def allocate(self, size: int, rights: str, near: int | None, /) -> int:
        self._require("VirtualAllocEx", Access.WRITE)
        target = self._target
        wanted = target.space.lowest if near is None else near
        places = _places.places_near(wanted, size, self.space, self.regions_from)
        if not places:
            raise failure_with("VirtualAllocEx", ERROR_NOT_ENOUGH_MEMORY, "Not enough memory.")
        target.map(places[0], size, rights)
        return places[0]

    def free(self, address: int, /) -> None:
        self._require("VirtualFreeEx", Access.WRITE)
        region = self._target._region_at(address)
        if region is None or region.kind != "private" or region.allocation_base != address:
            raise failure_with("VirtualFreeEx", ERROR_INVALID_ADDRESS, "Invalid address.")
        self._target.unmap(address)

    def set_protection(self, address: int, size: int, protection: int, /) -> None:
        self._require("VirtualProtectEx", Access.WRITE)
        try:
            mapping = self._target._mapping_at(address)
        except ValueError:
            raise failure_with("VirtualProtectEx", ERROR_INVALID_ADDRESS, "Invalid address.") from None
        first = (address - mapping.base) // PAGE
        last = (address + size - 1 - mapping.base) // PAGE + 1
        if last > len(mapping.protections) or _RESERVED in mapping.protections[first:last]:
            raise failure_with("VirtualProtectEx", ERROR_INVALID_ADDRESS, "Invalid address.")
        mapping.protections[first:last] = [protection] * (last - first)

    def protections(self, rights: str, piece: Region, /) -> tuple[int, int]:
        return _protection.forms(rights, piece)

    def nothing_there(self) -> SystemFailure:
        return _protection.nothing_there()

    def flush_code(self, _address: int, _size: int, /) -> None:
        self._require("FlushInstructionCache", Access.WRITE)

    def _require(self, api: str, access: Access) -> None:
        self._require_running(api)
        if access not in self._access:
            raise failure_from(Cause.DENIED, api, "Access denied.")

    def _require_running(self, api: str) -> None:
        self._require_open(api)
        if self._target.exit_code is not None:
            raise failure_from(Cause.DENIED, api, "Access denied.")

    def _require_open(self, api: str) -> None:
        if self._closed:
            raise failure_from(Cause.CLOSED, api, "Invalid handle.")

    def _inaccessible(self, api: str, address: int, *, data: bytes, transferred: int) -> SystemFailure:
        """299 for addresses that a program can have, 998 for the kernel's."""
        code = ERROR_NOACCESS if address >= self.space.end else ERROR_PARTIAL_COPY
        return failure_with(api, code, "Invalid access.", data=data, transferred=transferred)


class _FakeHold:
    """What has a fake program stand still."""

    def __init__(self, opened: _OpenedFake) -> None:
        self._opened = opened
        self._held: list[FakeProcess] = []

    def begin(self) -> None:
        self._opened._require_running("NtSuspendProcess")
        self._held.append(self._opened._target)
        self._held[0].suspensions += 1

    def release(self) -> None:
        if self._held:
            self._held.pop().suspensions -= 1
