"""Find the chains of pointers that lead to an address, and try them again when it has changed.

python pointer_chain.py find game 0x3704b8 > chains.txt
type chains.txt | python pointer_chain.py check game
"""

import functools
import re
import sys
from bisect import bisect_left
from contextlib import suppress

from memaccess import BrokenChainError, MemoryView, NotReadableError, SymbolNotFoundError

MOST_POINTERS = 3
FARTHEST = 0x400
CHUNK = 1 << 20

# A pointer of the chain is null or leads nowhere, what it leads to is gone, its module is not loaded,
# or where a pointer was there is now a number too large for an address.
BROKEN = (BrokenChainError, NotReadableError, SymbolNotFoundError, OverflowError)


def find_pointers(view):
    """All that looks like a pointer in the program's data, as pairs: where it points, and where it is."""
    size = view.pointer_size
    regions = list(view.regions(state="committed", writable=True, guarded=False))
    lowest, highest = regions[0].base, regions[-1].end
    found = []
    for region in regions:
        for start in range(region.base, region.end, CHUNK):
            for address, data in view.read_available(min(CHUNK, region.end - start), start).pieces():
                for index, number in enumerate(memoryview(data).cast("Q" if size == 8 else "I")):
                    if lowest <= number < highest:
                        found.append((number, address + index * size))
    return sorted(found)


def name_in_module(modules, address):
    """The address as an offset in a module, which a restart does not change; None where it is in none."""
    for module in modules:
        if module.base <= address < module.end:
            plain = re.fullmatch(r"\w+\.\w+", module.name)
            name = module.name if plain else f'"{module.name}"'
            return f"{name}+{address - module.base:X}"
    return None


def find_chains(view, address):
    """The chains from the modules to that address, the shortest first."""
    pointers = find_pointers(view)
    # A 32-bit program also has a few 64-bit DLLs of Windows, some with the same names.
    modules = [module for module in view.modules() if module.bitness == view.bitness]

    @functools.cache
    def chains_to(place, most):
        name = name_in_module(modules, place)
        if name is not None:
            return [name]
        if not most:
            return []
        # A pointer leads to where a structure begins, and the place may be some way behind that.
        first, last = bisect_left(pointers, (place - FARTHEST,)), bisect_left(pointers, (place + 1,))
        return [
            f"[{chain}]+{place - number:X}"
            for number, source in pointers[first:last]
            for chain in chains_to(source, most - 1)
        ]

    return sorted(chains_to(address, MOST_POINTERS), key=len)


def find(view, expression):
    """Print the chains to an address, which may be given as an expression too."""
    address = int(view.address(expression))
    for chain in find_chains(view, address):
        # The program has run on while its pointers were collected, so follow them once more.
        with suppress(*BROKEN):
            if int(view.address(chain)) == address:
                print(chain)


def check(view, lines):
    """Print what int each chain leads to now."""
    for chain in filter(None, map(str.strip, lines)):
        try:
            print(f"{chain} = {view.read_int(chain)}")
        except BROKEN as error:
            print(f"{chain} is broken: {error}")


def main(arguments):
    match arguments:
        case ["find", program, expression]:
            with MemoryView.from_name(program) as view:
                find(view, expression)
        case ["check", program]:
            with MemoryView.from_name(program) as view:
                check(view, sys.stdin)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
