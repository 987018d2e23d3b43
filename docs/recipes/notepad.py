"""Find a text in Notepad's memory and put another of the same length in its place.

python notepad.py "under the old oak" "inside the church"
"""

import sys

from memaccess import MemoryView

CHUNK = 1 << 20


def holds_data(region):
    """Whether a program keeps its own data there, such as a text that somebody types."""
    return region.kind == "private" and region.readable and region.writable and not region.guarded


def find_text(view, text):
    """The addresses of all copies of *text* in the program's data."""
    wanted = text.encode("utf-16-le")
    found = []
    for region in filter(holds_data, view.regions()):
        for start in range(region.base, region.end, CHUNK):
            # A copy may begin in this chunk and end in the next: read that far, and not so far that
            # a whole copy fits, which would be found twice.
            size = min(CHUNK + len(wanted) - 1, region.end - start)
            for address, data in view.read_available(size, start).pieces():
                offset = data.find(wanted)
                while offset >= 0:
                    found.append(address + offset)
                    offset = data.find(wanted, offset + 1)
    return found


def replace_text(view, old, new):
    """Write *new* over every copy of *old*; the addresses of the copies."""
    size = len(old.encode("utf-16-le"))
    if not old or len(new.encode("utf-16-le")) != size:
        raise ValueError(f"{old!r} and {new!r} have to be of the same length, and not empty")
    changed = []
    for address in find_text(view, old):
        # Notepad runs on, and may have put something else there since.
        if view.read(size, address) == old.encode("utf-16-le"):
            view.write_string(new, address, "utf-16", terminate=False)
            changed.append(address)
    return changed


def main(arguments):
    old, new = arguments
    with MemoryView.from_name("notepad", "rw") as view:
        print(view)
        changed = replace_text(view, old, new)
        for address in changed:
            print(f"0x{address:x} in {view.region_at(address)}")
        print(f"Copies changed: {len(changed)}. Press Ctrl+A in Notepad, and it draws its text again.")


if __name__ == "__main__":
    main(sys.argv[1:])
