"""Text, arrays, structures and batches, over the few verbs that a view has.

Their methods import what only they need: importing loads only what a first read needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from memaccess._arguments import checked_count
from memaccess._errors import (
    BadImageError,
    MemoryAccessError,
    SystemFailure,
    UnterminatedStringError,
)
from memaccess._typed import TypedMemory
from memaccess._types import type_named

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterable
    from typing import SupportsIndex

    from memaccess._arguments import Address
    from memaccess._types import Codec

E = TypeVar("E", bound=Exception)

_STRING_LIMIT = 1 << 20
"""Bytes within which a string has to end where the caller gave no limit."""

CData = TypeVar(
    "CData", bound="ctypes.Structure | ctypes.Union | ctypes.Array[Any] | ctypes._SimpleCData[Any]"
)


class Aggregates(TypedMemory):
    """What takes more than one value: text, arrays, structures and batches."""

    # -- text

    def read_string(
        self,
        address: Address,
        encoding: str = "utf-8",
        *,
        limit: SupportsIndex | None = None,
        errors: str = "strict",
    ) -> str:
        """Read the string at *address*, up to the zero code unit that ends it.

        :param address: where its first byte is in the program's memory.
        :param encoding: how it is written; ``'utf-16'`` for Windows' wide strings.
        :param limit: how many bytes it may take. Reading stops there, and what was read by then is
            the string: the way to read a ``char[16]``. Without a limit a string has to end within
            1 MiB.
        :param errors: what to do about bytes that are no text, as in :meth:`bytes.decode`.
        :returns: the text before that code unit.
        :raises UnterminatedStringError: no end within 1 MiB, where no limit was given.
        :raises UnicodeDecodeError: the bytes are no text in that encoding.
        :raises LookupError: Python knows no such encoding.
        :raises ValueError: the limit is negative, or holds no whole number of code units.
        :raises MemoryAccessError: as in :meth:`read`; where a later page can't be read, what was read
            before it is in ``data``.

        It reads no page behind the one that the string ends in.

        >>> view.read_string(0x401010)
        'Zoë'
        """
        from memaccess import _strings

        text = _strings.text_encoding(encoding)
        most = _STRING_LIMIT if limit is None else checked_count(limit)
        if most % text.unit:
            raise ValueError(
                f"limit is {limit!r} bytes, and has to be a multiple of {text.unit} for {encoding}"
            )
        start = self._checked_address(address, min(most, text.unit))
        most = min(most, self._address_limit - start)
        if not most:
            self.read(0, start)  # says where the view may not
        try:
            data, ended = _strings.read_terminated(self._source.read, start, text.unit, most)
        except SystemFailure as failure:
            raise self._read_error(failure, failure.transferred + text.unit, start) from None
        if not ended and limit is None:
            raise UnterminatedStringError(
                f"no end of string within {most} bytes at address 0x{start:x}; give a limit to read so many",
                start,
                data,
            )
        return data.decode(text.name, errors)

    def write_string(
        self,
        text: str,
        address: Address,
        encoding: str = "utf-8",
        *,
        terminate: bool = True,
        limit: SupportsIndex | None = None,
        errors: str = "strict",
        force: bool = False,
    ) -> None:
        """Write *text* at *address*, with a zero code unit behind it.

        :param text: the text.
        :param address: where its first byte goes in the program's memory.
        :param encoding: how to write it; ``'utf-16'`` for Windows' wide strings.
        :param terminate: false to leave the zero code unit out.
        :param limit: how many bytes there is room for, the end included.
        :param errors: what to do about characters that the encoding lacks, as in :meth:`str.encode`.
        :param force: write also where the program itself may not, as in :meth:`write`.
        :raises ValueError: it takes more bytes than *limit*, or has a NUL character in it.
        :raises UnicodeEncodeError: the encoding lacks one of its characters.
        :raises LookupError: Python knows no such encoding.
        :raises MemoryAccessError: as in :meth:`write`.

        >>> view.write_string('Ada', 0x401010, limit=16)
        """
        from memaccess import _strings

        data = _strings.encode_terminated(text, _strings.text_encoding(encoding), errors, terminate)
        if limit is not None and len(data) > checked_count(limit):
            raise ValueError(f"{text!r} takes {len(data)} bytes, and there is room for {limit}")
        self.write(data, address, force=force)

    # -- arrays and structures

    def read_array(self, type: str, count: SupportsIndex, address: Address) -> list[Any]:
        """Read *count* values of a C type that lie one behind the other.

        :param type: name of the type, such as ``'int'``.
        :param count: how many values.
        :param address: where the first of them begins in the program's memory.
        :returns: the values, as the reader of that type gives them.
        :raises ValueError: there is no such type, or the count is negative.
        :raises MemoryAccessError: as in :meth:`read`.

        >>> view.read_array('int', 3, 0x401020)
        [1, 2, 3]
        """
        codec = type_named(type).codec(self._model)
        return codec.decode_array(self.read(checked_count(count) * codec.size, address))

    def write_array(self, type: str, values: Iterable[Any], address: Address, *, force: bool = False) -> None:
        """Write *values* of a C type one behind the other.

        :param type: name of the type, such as ``'int'``.
        :param values: what the writer of that type takes.
        :param address: where the first of them goes in the program's memory.
        :param force: write also where the program itself may not, as in :meth:`write`.
        :raises ValueError: there is no such type, or one of the values has another length than 1 where
            that is wanted; nothing is written.
        :raises TypeError: one of the values is of another type; nothing is written.
        :raises OverflowError: one of the values does not fit the type; nothing is written.
        :raises MemoryAccessError: as in :meth:`write`.

        >>> view.write_array('int', [7, 8, 9], 0x401020)
        """
        self.write(type_named(type).codec(self._model).encode_array(values), address, force=force)

    @overload
    def read_struct(self, layout: str, address: Address) -> tuple[Any, ...]: ...
    @overload
    def read_struct(self, layout: type[CData], address: Address) -> CData: ...
    def read_struct(self, layout: str | type[CData], address: Address) -> Any:
        """Read a structure.

        :param layout: a format of the :mod:`struct` module, or a class made of
            ``ctypes.Structure``. A format without ``<``, ``>``, ``=`` or ``!`` is laid out as the
            target does it: its alignment, its ``long``, its pointers. A class is laid out by this
            Python: declare ``long`` as ``c_int32``, where the target is a Windows program.
        :param address: where it begins in the program's memory.
        :returns: a tuple for a format, an instance for a class.
        :raises ValueError: the format is none.
        :raises TypeError: the layout is none, or a class that lies otherwise in the target: its pointers
            have another width there, or its fields another alignment.
        :raises MemoryAccessError: as in :meth:`read`.

        >>> view.read_struct('if', 0x401030)
        (7, 2.5)
        """
        from memaccess import _structs

        if isinstance(layout, str):
            compiled = _structs.compile_format(layout, self._model)
            return compiled.unpack(self.read(compiled.size, address))
        _structs.check_layout(layout, self._model)
        structure = layout.__new__(layout)  # without its __init__, which may want arguments
        self.read_into(structure, address)
        return structure

    @overload
    def write_struct(
        self, layout: str, values: Iterable[Any], address: Address, *, force: bool = False
    ) -> None: ...
    @overload
    def write_struct(self, structure: CData, address: Address, /, *, force: bool = False) -> None: ...
    def write_struct(self, layout: Any, values: Any, address: Any = None, *, force: bool = False) -> None:
        """Write a structure: a format and its values, or an instance of a ``ctypes.Structure``.

        :param layout: a format as in :meth:`read_struct`; or the instance, and then its address comes
            next.
        :param values: what the format takes, one for each of its items.
        :param address: where it goes in the program's memory.
        :param force: write also where the program itself may not, as in :meth:`write`.
        :raises ValueError: the format is none, or the values don't match it.
        :raises TypeError: the layout is none, or lies otherwise in the target, as in :meth:`read_struct`.
        :raises MemoryAccessError: as in :meth:`write`.

        >>> view.write_struct('if', (7, 2.5), 0x401030)
        """
        from memaccess import _structs

        if isinstance(layout, str):
            if address is None:
                raise TypeError("write_struct() takes a format, its values and an address")
            data: Any = _structs.pack(_structs.compile_format(layout, self._model), values)
        else:
            if address is not None:
                raise TypeError("write_struct() takes an instance and an address, without values")
            _structs.check_layout(type(layout), self._model)
            data, address = layout, values
        self.write(data, address, force=force)

    # -- batches

    def read_many(
        self,
        requests: Iterable[tuple[str | SupportsIndex, Address]],
        *,
        return_errors: bool = False,
    ) -> list[Any]:
        """Read many values in few calls: neighbours are read together.

        :param requests: pairs of what and where: the name of a C type, or a number of bytes, and an
            address.
        :param return_errors: put the error in the place of a value that can't be read, or whose address
            leads nowhere, where otherwise the first one is raised.
        :returns: the values, in the order of the requests.
        :raises ValueError: there is no such type, or a size is negative.
        :raises MemoryAccessError: as in :meth:`read`.

        >>> view.read_many([('int', 0x401000), ('float', 0x401034), (2, 0x401010)])
        [100, 2.5, b'Zo']
        """
        codecs: list[Codec[Any] | None] = []
        ranges: list[tuple[int, int]] = []
        known: dict[str, Codec[Any]] = {}
        lost: dict[int, Exception] = {}
        for what, where in requests:
            if isinstance(what, str):
                codec = known.get(what)
                if codec is None:
                    codec = known[what] = type_named(what).codec(self._model)
                size = codec.size
            else:
                codec, size = None, checked_count(what)
            try:
                address = self._checked_address(where, size)
            except (MemoryAccessError, LookupError, OverflowError, BadImageError) as error:
                # Where it is no int, it is what the program's memory leads to.
                if not return_errors or isinstance(where, int):
                    raise
                lost[len(ranges)] = _without_traceback(error)
                codec, size, address = None, 0, 0
            codecs.append(codec)
            ranges.append((size, address))
        values: list[Any] = [
            piece if codec is None or isinstance(piece, MemoryAccessError) else codec.decode(piece)
            for codec, piece in zip(codecs, self._read_ranges(ranges, return_errors), strict=True)
        ]
        for index, lost_one in lost.items():
            values[index] = lost_one
        return values

    def _read_ranges(
        self, ranges: list[tuple[int, int]], return_errors: bool
    ) -> list[bytes | MemoryAccessError]:
        """The bytes of every range ``(size, address)``; or its error, where that is wanted."""
        from memaccess import _batch

        pieces: list[bytes | MemoryAccessError] = [b""] * len(ranges)
        alone: list[int] = []
        places, members = _batch.merge(ranges)
        for place, inside, data in zip(places, members, self._source.read_each(places), strict=True):
            if data is None:
                alone.extend(inside)
                continue
            if len(inside) == 1:
                pieces[inside[0]] = data
                continue
            for member in inside:
                size, address = ranges[member]
                offset = address - place[1]
                pieces[member] = data[offset : offset + size]
        for member in sorted(alone):
            try:
                pieces[member] = self.read(*ranges[member])
            except MemoryAccessError as error:
                if not return_errors:
                    raise
                pieces[member] = _without_traceback(error)
        return pieces


def _without_traceback(error: E) -> E:
    """*error* as a value to keep: its frames, and those of its context, would hold the view."""
    error.__context__ = None
    return error.with_traceback(None)
