"""Patterns: how they are written, and that a search finds what a plain loop does."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memaccess import (
    AmbiguousPatternError,
    ClosedViewError,
    MemoryView,
    PatternNotFoundError,
    SearchCancelledError,
    TargetExitedError,
    WrongBitnessError,
)
from memaccess._errors import Cause
from memaccess._scan import _search, _sweep
from memaccess._scan._area import Area
from memaccess._scan._patterns import _pattern
from memaccess._win32._codes import failure_from
from memaccess.searching import Pattern
from memaccess.testing import FakeProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = 0x401000
PAGE = 4096


def reference(pieces: list[tuple[int, bytes]], pattern: Pattern) -> Iterator[int]:
    """Every place of every run of memory, one after the other."""
    for address, data in pieces:
        for place in range(len(data) - len(pattern) + 1):
            here = data[place : place + len(pattern)]
            if bytes(a & m for a, m in zip(here, pattern.mask, strict=True)) == pattern.data:
                yield address + place


PAGES = st.lists(
    st.tuples(st.booleans(), st.lists(st.integers(0, 3), min_size=1, max_size=200).map(bytes)),
    min_size=1,
    max_size=4,
)
PATTERNS = (
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([0xFF, 0xFF, 0x0F, 0xF1, 0x01, 0])),
        min_size=1,
        max_size=9,
    )
    .filter(lambda each: any(mask for _, mask in each))
    .map(lambda each: Pattern(bytes(value for value, _ in each), bytes(mask for _, mask in each)))
)


def fake_with(pages: list[tuple[bool, bytes]]) -> tuple[FakeProcess, list[tuple[int, bytes]]]:
    """A program with those pages, with gaps before some of them; and its runs of memory."""
    fake = FakeProcess()
    runs: list[tuple[int, bytes]] = []
    address = BASE
    for has_gap, content in pages:
        # The content stands at both ends of its page, so that hits lie across the borders.
        page = content + bytes(PAGE - 2 * len(content)) + content
        address += PAGE * has_gap
        fake.map(address, page, "rw-" if len(content) % 2 else "r--")
        if runs and not has_gap:
            runs[-1] = runs[-1][0], runs[-1][1] + page
        else:
            runs.append((address, page))
        address += PAGE
    return fake, runs


@pytest.mark.usefixtures("small_chunks")
@given(pages=PAGES, pattern=PATTERNS, alignment=st.sampled_from([1, 1, 2, 4, 3]))
def test_a_search_finds_what_a_plain_loop_does(kernels, pages, pattern, alignment):
    fake, runs = fake_with(pages)
    with fake.open() as view:
        found = list(view.find(pattern, alignment=alignment))
    assert found == [each for each in reference(runs, pattern) if not each % alignment]


@pytest.mark.usefixtures("small_chunks")
@given(pages=PAGES, start=st.integers(0, 3 * PAGE), size=st.integers(0, PAGE), pattern=PATTERNS)
def test_a_range_ends_where_it_ends(kernels, pages, start, size, pattern):
    fake, runs = fake_with(pages)
    with fake.open() as view:
        found = list(view.find(pattern, (BASE + start, size)))
    stop = BASE + start + size
    inside = [
        each for each in reference(runs, pattern) if each >= BASE + start and each + len(pattern) <= stop
    ]
    assert found == inside


REGEXES = st.sampled_from(
    [rb"\x01+\x02?", rb"[\x01\x03]{2}", rb"(?<=\x01)\x02", rb"\x03(?=\x01)", rb"\x01.\x02|\x01"]
)


@pytest.mark.usefixtures("small_chunks")
@given(pages=PAGES, regex=REGEXES)
def test_a_regular_expression_finds_what_it_does_in_all_of_the_memory(pages, regex):
    fake, runs = fake_with(pages)
    expected = [
        (address + match.start(), match.group())
        for address, data in runs
        for match in re.finditer(regex, data, re.DOTALL)
    ]
    with fake.open() as view:
        assert [(each.address, each.data) for each in view.find_regex(regex, longest=512)] == expected


@pytest.mark.parametrize(
    ("text", "ignore_case", "encoding", "there"),
    [
        ("Zoe", False, "utf-8", "Zoe"),
        ("zOE", True, "utf-8", "Zoe"),
        ("привет", True, "utf-16", "ПриВет"),
        ("привет", True, "utf-8", "ПриВет"),
        ("straße", True, "latin-1", "STRAßE"),
        ("@ABC", True, "ascii", "@abc"),
    ],
)
def test_a_text_is_found(kernels, text, ignore_case, encoding, there):
    fake = FakeProcess()
    fake.map(BASE, b"\xff" * 10 + there.encode(encoding.replace("16", "16-le")))
    with fake.open() as view:
        assert list(view.find_text(text, encoding=encoding, ignore_case=ignore_case)) == [BASE + 10]


def test_other_characters_are_no_letters_of_another_case(kernels):
    fake = FakeProcess()
    fake.map(BASE, "`abc прпвет".encode())  # one bit beside @abc and привет
    with fake.open() as view:
        assert list(view.find_text("@ABC", ignore_case=True)) == []
        assert list(view.find_text("привет", ignore_case=True)) == []


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("48 8B ?? ?? 05", "48 8B ?? ?? 05"),
        ("488b????05", "48 8B ?? ?? 05"),
        ("48 ? * ** 0?", "48 ?? ?? ?? 0?"),
        ("?8,*5", "?8 ?5"),
    ],
)
def test_a_pattern_is_written(text, written):
    assert str(Pattern.parse(text)) == written
    assert Pattern.parse(written) == Pattern.parse(text)
    assert hash(Pattern.parse(written)) == hash(Pattern.parse(text))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("HELLO", "'H' at position 0 is no hexadecimal digit"),
        ("48 8G", "'G' at position 4"),
        ("48 8", "'8' at position 3 is half a byte"),
        ("48 8B?", "'8B?' at position 3 is half a byte"),
        (" ", "this one is empty"),
        ("?? ??", "not a wildcard"),
    ],
)
def test_what_is_no_pattern_is_refused(text, complaint):
    with FakeProcess().open() as view, pytest.raises(ValueError, match=re.escape(complaint)):
        view.find(text)


@pytest.mark.parametrize("mask", ["xx", "xyz", b"\xff", b"\0\0\0"])
def test_what_is_no_mask_is_refused(mask):
    with pytest.raises(ValueError, match=r"mask|wildcard"):
        Pattern(b"abc", mask)


def test_one_insists_on_one():
    fake = FakeProcess()
    fake.map(BASE, b"abcab")
    with fake.open() as view:
        assert view.find(b"abc").one() == BASE
        with pytest.raises(PatternNotFoundError, match="61 62 64 is nowhere in the 4096 bytes"):
            view.find(b"abd").one()
        with pytest.raises(AmbiguousPatternError, match="at 2 places") as caught:
            view.find_text("ab").one()
    assert (caught.value.count, caught.value.addresses) == (2, (BASE, BASE + 3))


def test_nothing_is_read_before_it_is_wanted_and_no_more_than_that(monkeypatch):
    fake = FakeProcess()
    fake.map(BASE, 64 * PAGE)
    monkeypatch.setattr(_sweep, "CHUNK", PAGE)
    with fake.open() as view:
        search = view.find(b"\0")
        assert (search.done, search.total) == (0, 64 * PAGE)
        assert search.first() == BASE
        assert search.done < search.total
        del search


def test_it_is_cancelled():
    fake = FakeProcess()
    fake.map(BASE, b"a")
    with fake.open() as view:
        search = view.find(b"a")
        search.cancel()
        with pytest.raises(SearchCancelledError, match="after 0 of 4096 bytes"):
            next(search, None)


@pytest.mark.usefixtures("small_chunks")
def test_it_is_cancelled_in_its_threads():
    fake = FakeProcess()
    fake.map(BASE, b"a" * 64 * PAGE)
    with fake.open() as view:
        search = view.find(b"a")
        next(search, None)
        search.cancel()
        with pytest.raises(SearchCancelledError):
            list(search)


@pytest.mark.usefixtures("small_chunks")
def test_progress_is_told():
    told: list[tuple[int, int]] = []
    fake = FakeProcess()
    fake.map(BASE, b"a" * PAGE)
    with fake.open() as view:
        list(view.find(b"b", progress=lambda done, total: told.append((done, total))))
    assert told[-1] == (PAGE, PAGE)
    assert told == sorted(told)
    assert len(told) > 2


@pytest.mark.usefixtures("small_chunks")
def test_memory_that_goes_away_is_counted():
    fake = FakeProcess()
    fake.map(BASE, b"a" * PAGE)
    fake.map(BASE + PAGE, b"a" * PAGE)
    with fake.open() as view:
        search = view.find(b"aa")
        fake.unmap(BASE)
        assert list(search) == list(range(BASE + PAGE, BASE + 2 * PAGE - 1))
        assert (search.skipped, search.done) == (PAGE, 2 * PAGE)


def test_what_a_range_lacks_is_counted():
    fake = FakeProcess()
    fake.map(BASE, b"a" * PAGE)
    with fake.open() as view:
        assert view.find(b"a", range(BASE - PAGE, BASE + 3 * PAGE)).left_out == 3 * PAGE
        assert view.find(b"a").left_out == 0


def test_many_ranges_ask_for_the_map_once(monkeypatch):
    asked: list[int] = []
    original = MemoryView._regions_from
    monkeypatch.setattr(
        MemoryView, "_regions_from", lambda self, number: asked.append(number) or original(self, number)
    )
    fake = FakeProcess()
    fake.map(BASE, 64 * PAGE)
    fake.map(BASE + 100 * PAGE, b"a" * PAGE, "---")
    with fake.open() as view:
        ranges = [(BASE + place, 16) for place in range(-64, 110 * PAGE, 64)]
        search = view.find(b"\0", ranges)
    assert search.total == 64 * PAGE // 4
    assert search.total + search.left_out == 16 * len(ranges)
    assert len(asked) < 8


# -- an end before the end


def test_one_counts_what_was_taken_before():
    fake = FakeProcess()
    fake.map(BASE, b"abcab")
    with fake.open() as view:
        search = view.find(b"c")
        assert search.first() == search.one() == search.one() == BASE + 2
        search = view.find(b"ab")
        next(search, None)
        with pytest.raises(AmbiguousPatternError, match="at 2 places"):
            search.one()


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("how", ["closed", "ended", "cancelled"])
def test_after_an_error_a_search_does_not_look_as_if_it_had_ended_well(how):
    error = {"closed": ClosedViewError, "ended": TargetExitedError, "cancelled": SearchCancelledError}[how]
    fake = FakeProcess()
    fake.map(BASE, b"a" * 16 * PAGE)
    with fake.open() as view:
        search = view.find(b"a")
        next(search, None)
        {"closed": view.close, "ended": fake.exit, "cancelled": search.cancel}[how]()
        with pytest.raises(error):
            list(search)
        for use in (lambda: next(search), search.one, lambda: list(search)):
            with pytest.raises(SearchCancelledError, match=rf"after \d+ of {16 * PAGE} bytes"):
                use()


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_of_progress_ends_it(error):
    def interrupt(_done: int, _total: int) -> None:
        raise error

    fake = FakeProcess()
    fake.map(BASE, b"a" * 16 * PAGE)
    with fake.open() as view:
        search = view.find(b"a", progress=interrupt)
        with pytest.raises(error):
            search.one()
        with pytest.raises(SearchCancelledError, match=f"with {error.__name__}"):
            search.one()


@pytest.mark.usefixtures("small_chunks")
def test_two_threads_share_a_search():
    fake = FakeProcess()
    fake.map(BASE, b"ab" * 8 * PAGE)
    with fake.open() as view:
        search = view.find(b"ab")
        taken: list[list[int]] = [[], []]
        threads = [threading.Thread(target=each.extend, args=(search,)) for each in taken]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert all(each == sorted(each) for each in taken)
    assert sorted(taken[0] + taken[1]) == list(range(BASE, BASE + 16 * PAGE, 2))


@pytest.mark.usefixtures("small_chunks")
def test_a_search_that_one_of_its_own_threads_collects_waits_for_no_thread(monkeypatch):
    monkeypatch.setattr(_sweep, "WORKERS", 2)
    fake = FakeProcess()
    fake.map(BASE, b"a" * PAGE + b"b" * 15 * PAGE)
    is_given, is_closed = threading.Event(), threading.Event()

    def confirm(found: bytes) -> bool:
        if found == b"b" and is_given.wait() and not is_closed.is_set():
            search._found.close()  # as the garbage collector does
            is_closed.set()
        return True

    with fake.open() as view:
        wanted = _pattern.Sought(Pattern.parse("6?"), confirm)
        search = _search.find_pattern(view, Area([(BASE, 16 * PAGE)], 0), wanted, "a", 1, None)
        for _ in range(PAGE - _sweep.STRETCH):
            next(search, None)
        is_given.set()
        assert is_closed.wait(30)
        for thread in threading.enumerate():
            if thread.name.startswith("memaccess-search"):
                thread.join(30)


EXITS = [
    "",
    "sys.exit()",
    "search.itself = search",
    "builtins.search = search",
    "threading.Thread(target=list, args=(search,)).start()",
    "atexit.register(lambda: list(search))",
]


@pytest.mark.parametrize("taken", [1, 500])
@pytest.mark.parametrize("end", EXITS)
def test_python_ends_quietly_in_the_middle_of_a_search(end, taken):
    program = f"""
import atexit, builtins, sys, threading
from memaccess._scan import _sweep
from memaccess.testing import FakeProcess
_sweep.CHUNK, _sweep.STRETCH = 64, 256
fake = FakeProcess()
fake.map({BASE}, b"a" * 65536)
view = fake.open()
search = view.find(b"a")
for _ in range({taken}):
    next(search)
{end}
"""
    result = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60
    )
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_after_a_fork_a_search_says_that_it_can_not_go_on():
    program = f"""
import os
from memaccess import SearchCancelledError
from memaccess._scan import _sweep
from memaccess.testing import FakeProcess
_sweep.CHUNK, _sweep.STRETCH = 64, 256
fake = FakeProcess()
fake.map({BASE}, b"a" * 65536)
view = fake.open()
search = view.find(b"a")
for _ in range(500):
    next(search)
child = os.fork()
try:
    count = len(list(search))
except SearchCancelledError as error:
    print("forked" in str(error), len(list(view.find(b"a"))), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(count)
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("True 65536\n65036\n", "")


@pytest.mark.parametrize(
    ("cause", "error"), [(Cause.OUT_OF_REACH, WrongBitnessError), (Cause.CLOSED, ClosedViewError)]
)
def test_what_can_not_be_read_whatever_the_memory_is_is_an_error(cause, error, monkeypatch):
    fake = FakeProcess()
    fake.map(BASE, b"a" * PAGE)
    with fake.open() as view:

        def refuse(*_arguments: object) -> None:
            raise failure_from(cause, "ReadProcessMemory")

        search = view.find(b"a")
        monkeypatch.setattr(view._process, "read_into", refuse)
        monkeypatch.setattr(view._process, "read", refuse)
        with pytest.raises(error):
            next(search, None)


# -- arguments


@pytest.mark.parametrize("longest", [1 << 20, 1 << 40, (1 << 63) - 1])
def test_a_match_may_be_as_long_as_one_likes(longest):
    fake = FakeProcess()
    fake.map(BASE, b"a" + b"b" * 4 * PAGE + b"c")
    fake.map(BASE + 16 * PAGE, b"abbc")
    with fake.open() as view:
        try:
            found = list(view.find_regex(b"ab+c", longest=longest))
        except OverflowError:
            assert longest > sys.maxsize
            return
    assert [len(each.data) for each in found] == [4 * PAGE + 2, 4]


@pytest.mark.parametrize("within", [5, None, b"abc", 1.5, [None], (BASE,), (1, 2, 3), [BASE, PAGE], object()])
def test_what_is_no_place_is_refused(within):
    with (
        FakeProcess().open() as view,
        pytest.raises(TypeError, match="memory to look in is a module, a region, a range, or a pair"),
    ):
        view.find(b"a", [within])


@pytest.mark.parametrize("within", [(), [], range(BASE + 5, BASE), (BASE, 0), iter(())])
def test_a_place_may_be_empty(within):
    fake = FakeProcess()
    fake.map(BASE, b"a" * PAGE)
    with fake.open() as view:
        search = view.find(b"a", within)
        assert (list(search), search.total, search.left_out) == ([], 0, 0)


def test_progress_is_a_function():
    with FakeProcess().open() as view, pytest.raises(TypeError, match="it is a function, not 5"):
        view.find(b"a", progress=5)


def test_the_sigma_at_the_end_of_a_word_is_one(kernels):
    words = "οδος ΟΔΟΣ οδοσ"
    fake = FakeProcess()
    fake.map(BASE, words.encode())
    with fake.open() as view:
        for word in words.split():
            assert list(view.find_text(word, ignore_case=True)) == [BASE, BASE + 9, BASE + 18]


def test_letter_case_counts_where_letters_are_not_written_one_by_one():
    with (
        FakeProcess().open() as view,
        pytest.raises(ValueError, match="letter case can't be ignored in utf-8-sig"),
    ):
        view.find_text("abc", encoding="utf-8-sig", ignore_case=True)
