"""What a process runs: a program of Linux, or one of Windows under Wine."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from memaccess._backend.linux import _maps, _wine
from memaccess._backend.linux._memory import reader
from memaccess._backend.linux._proc import HEADER_BYTES, model_of
from memaccess._errors import SystemFailure
from memaccess._types import WINDOWS_32, WINDOWS_64

if TYPE_CHECKING:
    from collections.abc import Callable

    from memaccess._backend.linux._maps import Mapping
    from memaccess._backend.linux._proc import Folder, Status
    from memaccess._image import Read
    from memaccess._libc._descriptors import OwnedDescriptor
    from memaccess._types import DataModel

_MODELS = {32: WINDOWS_32, 64: WINDOWS_64}


class Program(NamedTuple):
    """A program, as its process shows it."""

    name: str
    path: str | None
    """Its file; None where the system does not tell."""
    model: DataModel | None
    """How wide its types are; None where the system does not tell."""
    native_bitness: int | None
    """How wide its process is for Linux, whatever that runs."""
    is_windows: bool = False
    base: int | None = None
    """Where a program of Windows is; None for others, and where it is only starting."""

    @property
    def is_starting(self) -> bool:
        """Whether Wine runs, and will map the program in a moment."""
        return self.is_windows and self.base is None


def native_program(folder: Folder, status: Status) -> Program:
    """The program as Linux knows it."""
    path = folder.program()
    # What it calls itself, where its file is not known.
    name = status.name if path is None else os.path.basename(path)
    model = folder.model()
    return Program(name, path, model, None if model is None else model.bitness)


def _model_in_memory(path: str, mappings: list[Mapping], read: Read) -> DataModel | None:
    """How wide the types are of the program whose file may be run, and not be read."""
    for each in mappings:
        if each.file == path and not each.offset:
            with contextlib.suppress(SystemFailure):
                return model_of(read(HEADER_BYTES, each.start))
    return None


def program_of(folder: Folder, status: Status, memory: Callable[[], OwnedDescriptor]) -> Program:
    """The program.

    :param memory: gives the memory of the process, where that has to be looked at.
    :raises OSError: the process has ended, or the system does not let its memory be read.
    """
    native, words = native_program(folder, status), folder.words()
    if native.model is None and native.path is not None:
        model = _model_in_memory(native.path, _maps.parse(folder.maps()), reader(memory()))
        native = native._replace(model=model, native_bitness=None if model is None else model.bitness)
    if not _wine.may_be_windows(native.path, status.name, words):
        return native
    images = list(_wine.images(reader(memory()), _maps.parse(folder.maps())))
    if not _wine.is_windows(images):
        return native
    image = _wine.program(images, status.name, words)
    if image is None:
        model = native.model and _MODELS[native.model.bitness]
        name = _wine.called(words) or native.name
        return native._replace(name=name, model=model, is_windows=True)
    model = _MODELS[image.header.bitness]
    return native._replace(name=image.name, path=image.path, model=model, is_windows=True, base=image.base)
