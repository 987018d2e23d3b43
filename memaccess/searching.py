"""What a search finds and how it is written: the classes of :meth:`MemoryView.find <memaccess.MemoryView.find>`.

>>> from memaccess.searching import Pattern
>>> Pattern.parse('48 8B 05 ?? ?? ?? ??')
<Pattern '48 8B 05 ?? ?? ?? ??'>
"""

from memaccess._scan._patterns._pattern import Pattern
from memaccess._scan._pointers._chains import PointerChain, load_pointers, save_pointers
from memaccess._scan._search import Match, Search
from memaccess._scan._values._hits import Hit
from memaccess._scan._values._session import Scan
from memaccess._trainer._watching import Watch, WatchList

__all__ = [
    "Hit",
    "Match",
    "Pattern",
    "PointerChain",
    "Scan",
    "Search",
    "Watch",
    "WatchList",
    "load_pointers",
    "save_pointers",
]
