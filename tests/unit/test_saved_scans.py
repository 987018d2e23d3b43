"""Scans in files: gone on with in the same program, or in one that was started anew."""

from __future__ import annotations

import json
import struct
import threading

import pytest

from memaccess.testing import FakeProcess

DATA = 0x2000
"""Where the data of a module begins, with the exports behind its code left out."""
HEAP = 0x50000000


def a_game(
    base: int = 0x140000000, *, started: int = 1, bitness: int = 64, name: str = "game.exe"
) -> FakeProcess:
    """A program with two ints of 100 in its module, one of 7, and one of 100 on its heap."""
    fake = FakeProcess(bitness=bitness)
    fake.started = started
    fake.load("engine.dll", base + 0x100000)
    fake.load(name, base)
    fake.map(HEAP, struct.pack("<i", 100))
    with fake.open("w") as view:
        for place, number in ((base + DATA, 100), (base + DATA + 8, 7), (base + 0x100000 + DATA + 16, 100)):
            view.write_int(number, place)
    return fake


def places(scan) -> list[int]:
    return [hit.address for hit in scan]


def test_a_scan_goes_on_in_the_same_program(kernels, tmp_path):
    game, path = a_game(), tmp_path / "health.scan"
    with game.open("rw") as view:
        scan = view.scan("int").unknown().bigger_than(50)
        view.write_int(99, HEAP)
        scan.decreased().undo().save(path)
        assert list(tmp_path.iterdir()) == [path]
    with game.open("rw") as view:
        again = view.load_scan(path)
        assert repr(again) == "<Scan for int: 3 hits after bigger_than(50)>".replace("3", str(len(scan)))
        assert (places(again), [hit.value for hit in again]) == (places(scan), [hit.value for hit in scan])
        assert again.lost == 0
        assert HEAP in places(again.decreased(since="first"))


def test_hits_in_modules_are_found_in_a_program_that_was_started_anew(kernels, tmp_path):
    path = tmp_path / "health.scan"
    with a_game().open() as view:
        view.scan(["int", "int64"]).exact(100).exact(100).save(path)
    base = 0x150000000
    anew = a_game(base, started=2)
    with anew.open("rw") as view:
        scan = view.load_scan(path)
        assert scan.lost > 0
        assert {HEAP}.isdisjoint(places(scan))
        ints = [hit for hit in scan if hit.type == "int"]
        assert places(ints) == [base + DATA, base + 0x100000 + DATA + 16]
        assert [str(hit) for hit in ints] == ["game.exe+2000", "engine.dll+2010"]
        view.write_int(95, base + DATA)
        assert places(hit for hit in scan.decreased_by(5) if hit.type == "int") == [base + DATA]
        assert places(view.load_scan(path, restarted=False))[0] == HEAP


def test_modules_that_changed_places_are_sorted_again(kernels, tmp_path):
    path = tmp_path / "health.scan"
    with a_game().open() as view:
        view.scan("int", alignment=4096 * 4).unknown().save(path)
    fake = FakeProcess()
    fake.started = 2
    fake.load("game.exe", 0x160000000)
    fake.load("engine.dll", 0x150000000)
    with fake.open() as view:
        scan = view.load_scan(path)
        assert places(scan) == sorted(places(scan))
        assert len(scan.unchanged(since="first")) >= 0


def test_another_build_of_a_module_has_none_of_its_hits(tmp_path):
    path = tmp_path / "health.scan"
    with a_game().open() as view:
        scan = view.scan("int").exact(100)
        scan.save(path)
    fake = FakeProcess()
    fake.started = 2
    fake.load("game.exe", 0x140000000, data=0x3000)
    with fake.open() as view:
        again = view.load_scan(path)
        assert (len(again), again.lost) == (0, len(scan))


@pytest.mark.parametrize(
    ("type", "value", "encoding"),
    [
        ("text", "Zoë", "utf-16"),
        ("bytes", "64 00 ?? 00", "utf-8"),
        ({0: "int", 8: "int"}, {0: 100, 8: 7}, "utf-8"),
    ],
)
def test_every_kind_of_scan_is_saved(kernels, tmp_path, type, value, encoding):
    game, path = a_game(), tmp_path / "a.scan"
    with game.open("rw") as view:
        view.write("Zoë".encode("utf-16-le"), HEAP + 100)
        scan = view.scan(type, encoding=encoding).exact(value)
        scan.save(path)
        again = view.load_scan(path)
        assert len(again) >= 1
        assert [(hit.address, hit.value) for hit in again] == [(hit.address, hit.value) for hit in scan]
        assert places(again.exact(value)) == places(scan.exact(value))
        assert places(again.reset().exact(value)) == places(scan)


def test_a_file_that_is_none_is_refused(tmp_path):
    game, path = a_game(), tmp_path / "a.scan"
    with game.open() as view:
        with pytest.raises(ValueError, match="the scan has not begun"):
            view.scan("int").save(path)
        assert not path.exists()
        with pytest.raises(FileNotFoundError):
            view.load_scan(path)
        path.write_bytes(b"hello\n")
        with pytest.raises(ValueError, match="is not a saved scan"):
            view.load_scan(path)
        view.scan("int").between(1, 100).save(path)
        whole = path.read_bytes()
        for cut in (20, 100, len(whole) - 1):
            path.write_bytes(whole[:cut])
            with pytest.raises(ValueError, match=r"damaged|too early"):
                view.load_scan(path)
        magic, header, rest = whole.split(b"\n", 2)
        for key in ("model", "kinds", "last", "modules"):
            facts = json.loads(header)
            del facts[key]
            path.write_bytes(b"\n".join((magic, json.dumps(facts).encode(), rest)))
            with pytest.raises(ValueError, match="damaged"):
                view.load_scan(path)
        path.write_bytes(whole)
    with (
        a_game(0x1000000, bitness=32).open() as view,
        pytest.raises(ValueError, match="64-bit program, this one has 32"),
    ):
        view.load_scan(path)


def test_a_file_stays_what_it_was_where_writing_fails(tmp_path):
    game, path = a_game(), tmp_path / "a.scan"
    with game.open() as view:
        scan = view.scan("int").exact(100)
        path.write_bytes(b"before")
        game.exit()
        with pytest.raises(ProcessLookupError):
            scan.save(path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_module_that_is_loaded_twice_has_the_hits_of_both(kernels, tmp_path):
    def program(started: int, *bases: int) -> FakeProcess:
        fake = FakeProcess()
        fake.started = started
        for index, base in enumerate(bases):
            fake.load(f"C:\\{index}\\mod.dll", base)
            with fake.open("w") as view:
                view.write_int(77, base + DATA + 4 * index)
        return fake

    path = tmp_path / "a.scan"
    with program(1, 0x10000000, 0x20000000).open() as view:
        view.scan("int").exact(77).save(path)
    with program(2, 0x30000000, 0x40000000).open() as view:
        scan = view.load_scan(path)
        assert (places(scan), scan.lost) == ([0x30000000 + DATA, 0x40000000 + DATA + 4], 0)


@pytest.mark.parametrize(
    "value", [-1, 0, 1, 3, 10**6, 1 << 63, 1 << 70, 1.5, float("inf"), None, "x", [], {}]
)
def test_no_damage_is_taken_for_a_scan(kernels, tmp_path, value):
    """Each number of the header is replaced: it is an error, or the hits still are what a scan has."""
    path = tmp_path / "a.scan"
    with a_game().open() as view:
        view.scan(["int", "int8"], within=(HEAP, 256)).unknown().smaller_than(100).exact(0).save(path)
        magic, header, rest = path.read_bytes().split(b"\n", 2)
        facts = json.loads(header)
        for top in ("model", "grids", "last", "first", "modules", "kinds", "what"):
            for where in list(_leaves(facts[top])):
                changed = json.loads(header)
                part = changed
                for key in (top, *where)[:-1]:
                    part = part[key]
                part[(top, *where)[-1]] = value
                path.write_bytes(b"\n".join((magic, json.dumps(changed).encode(), rest)))
                for restarted in (False, True):
                    try:
                        scan = view.load_scan(path, restarted=restarted)
                    except ValueError:
                        continue
                    assert len(list(scan)) == len(scan)
                    assert len(scan.unchanged("first")) + scan.lost <= len(scan.undo())


def _leaves(value, where=()):
    yield where
    if isinstance(value, (list, dict)):
        for key, each in enumerate(value) if isinstance(value, list) else value.items():
            yield from _leaves(each, (*where, key))


def test_several_threads_may_save_to_one_file(tmp_path):
    path, failures = tmp_path / "a.scan", []
    with a_game().open() as view:
        scan = view.scan("int").exact(100)

        def save():
            for _ in range(10):
                try:
                    scan.save(path)
                except OSError as error:
                    failures.append(error)

        threads = [threading.Thread(target=save) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Windows lets only one at a time take the place of a file.
        assert all(isinstance(error, PermissionError) for error in failures)
        assert list(tmp_path.iterdir()) == [path]
        assert places(view.load_scan(path)) == places(scan)


def test_a_loaded_scan_begins_anew_with_a_text_of_any_length(kernels, tmp_path):
    game, path = a_game(), tmp_path / "a.scan"
    with game.open("rw") as view:
        view.write(b"abcdef", HEAP + 64)
        view.scan("text").exact("abc").save(path)
        scan = view.load_scan(path)
        assert places(scan.exact("abc")) == [HEAP + 64]
        assert places(scan.reset().exact("bcdef")) == [HEAP + 65]


def test_a_saved_scan_of_all_types_asks_as_it_did(tmp_path):
    game, path = a_game(), tmp_path / "a.scan"
    with game.open("rw") as view:
        view.write(b"\x05\xfb", HEAP)
        scan = view.scan("all", (HEAP, 2)).unknown()
        scan.save(path)
        again = view.load_scan(path)
        assert [hit.type for hit in again.between(-1000, 1000)] == [
            hit.type for hit in scan.between(-1000, 1000)
        ]
        assert [hit.value for hit in again if hit.type == "int8"] == [5, -5]
