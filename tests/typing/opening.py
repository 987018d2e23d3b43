"""What type checkers and editors see of programs, views and errors; mypy --strict reads this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import sys
    from collections.abc import Iterator

    from typing_extensions import assert_type

    import memaccess
    from memaccess import MemoryAccessError, MemoryView, PartialRead, ProcessInfo, Region, WindowInfo
    from memaccess._backend import default_system
    from memaccess._records import Access
    from memaccess.testing import FakeProcess, FakeSystem, Process, System

    def views(view: MemoryView) -> None:
        with MemoryView(4, "rw") as opened:
            assert_type(opened, MemoryView)
        assert_type(MemoryView(pid=4, mode="r", system=FakeSystem()), MemoryView)
        assert_type(MemoryView.from_name("game", "w"), MemoryView)
        assert_type(MemoryView.from_window("The Game"), MemoryView)
        assert_type(MemoryView.from_current_process(), MemoryView)
        assert_type(view.pid, int)
        assert_type(view.name, str)
        assert_type(view.mode, str)
        assert_type(view.closed, bool)
        assert_type(view.bitness, int)
        assert_type(view.pointer_size, int)
        assert_type(view.is_alive(), bool)
        assert_type(view.exit_code(), int | None)

    def programs() -> None:
        assert_type(memaccess.list_processes(), list[ProcessInfo])
        assert_type(memaccess.find_processes("game"), list[ProcessInfo])
        assert_type(memaccess.find_process("game"), ProcessInfo)
        assert_type(memaccess.find_process(4).bitness, int | None)
        assert_type(memaccess.list_windows(), list[WindowInfo])
        assert_type(memaccess.find_window("The Game").pid, int)
        assert_type(memaccess.wait_for_process("game", timeout=1.5), ProcessInfo)

    def records(partial: PartialRead, region: Region) -> None:
        assert_type(partial.data, bytes)
        assert_type(partial.missing, tuple[tuple[int, int], ...])
        assert_type(partial.pieces(), Iterator[tuple[int, bytes]])
        assert_type(region.end, int)
        assert_type(region.kind, Literal["private", "mapped", "image"] | None)

    def errors(error: MemoryAccessError, several: memaccess.AmbiguousProcessError) -> None:
        assert_type(error.api, str)
        assert_type(error.pid, int | None)
        assert_type(error.address, int | None)
        assert_type(error.size, int | None)
        assert_type(error.transferred, int)
        assert_type(error.data, bytes)
        assert_type(error.region, Region | None)
        assert_type(error.explanation, str)
        assert_type(several.pids, tuple[int, ...])
        as_python_has_them: tuple[OSError, RuntimeError] = (error, error)
        assert as_python_has_them

    def systems(system: FakeSystem, game: FakeProcess) -> None:
        any_system: System = system
        assert_type(any_system.open(4, Access.READ), Process)
        assert_type(default_system(), System)
        assert_type(game.open("rw"), MemoryView)
        with FakeSystem(game) as standing_in:
            assert_type(standing_in, FakeSystem)

    def what_is_refused(view: MemoryView) -> None:
        MemoryView("game.exe")  # type: ignore[arg-type]
        MemoryView(4, 1)  # type: ignore[arg-type]
        MemoryView(4, system=FakeProcess())  # type: ignore[arg-type]
        memaccess.find_window(4)  # type: ignore[arg-type]
        view.mode = "rw"  # type: ignore[misc]

    if sys.platform == "win32":
        from memaccess._backend.windows._process import WindowsProcess
        from memaccess._backend.windows._system import Windows

        def the_real_thing(windows: Windows, process: WindowsProcess) -> None:
            system: System = windows
            opened: Process = process
            assert_type(system, System)
            assert_type(opened, Process)
