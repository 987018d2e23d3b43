"""Masks: which slots of a buffer are wanted, whatever they are made of."""

from __future__ import annotations

import operator
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memaccess._scan._comparing._slots import Slots
from memaccess._scan._comparing._spans import Spans

WAYS = {
    "compared": lambda kernels, wanted: kernels.mask(
        Spans(8, ((1, 0),)), "B", Slots(bytes(wanted), 0, len(wanted), 1, 1), None
    ),
    "named": lambda kernels, wanted: kernels.mask_of(
        struct.pack(f"<{sum(wanted)}I", *slots_of(wanted)), len(wanted)
    ),
}

SLOTS = st.builds(
    lambda count, share, seed: [random.Random(seed * 5003 + each).random() < share for each in range(count)],
    st.integers(1, 5000),
    st.sampled_from([0, 0.001, 0.01, 0.05, 0.5, 1]),
    st.integers(0, 1 << 16),
)


def numbers(packed):
    return list(struct.unpack(f"<{len(packed) // 4}I", packed))


def slots_of(wanted):
    return [slot for slot, is_wanted in enumerate(wanted) if is_wanted]


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=50)
@given(wanted=SLOTS)
def test_a_mask_says_which_slots_are_wanted(kernels, way, wanted):
    def mask():
        return WAYS[way](kernels, wanted)

    assert numbers(kernels.positions(mask())) == slots_of(wanted)
    few = kernels.few(mask())
    assert few is None or numbers(few) == slots_of(wanted)
    assert few is not None or sum(wanted) > 16
    assert kernels.count(mask()) == sum(wanted)
    bits = kernels.bitmap(mask())
    assert bits == sum(1 << slot for slot in slots_of(wanted)).to_bytes(-(-len(wanted) // 8), "little")
    assert numbers(kernels.positions(kernels.from_bitmap(bits, 0, len(wanted)))) == slots_of(wanted)
    first, step = min(3, len(wanted) - 1), 5
    assert numbers(kernels.positions(kernels.every(mask(), first, step))) == slots_of(wanted[first::step])
    every = struct.pack(f"<{len(wanted)}I", *range(len(wanted)))
    assert numbers(kernels.compress(mask(), every, 4)) == slots_of(wanted)
    assert numbers(kernels.positions(kernels.opposite(mask()))) == slots_of(not each for each in wanted)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("other_way", WAYS)
@settings(max_examples=25)
@given(wanted=SLOTS, seed=st.integers(0, 100))
def test_what_two_masks_want(kernels, way, other_way, wanted, seed):
    other = [random.Random(seed * 5003 + each).random() < 0.3 for each in range(len(wanted))]
    one = kernels.lasting(WAYS[way](kernels, wanted))
    common = kernels.both(one, WAYS[other_way](kernels, other))
    assert numbers(kernels.positions(common)) == slots_of(map(operator.and_, wanted, other))
