"""Windows' Python on Linux: ``python tests/wine --help``."""

import sys
from pathlib import Path

# The compiler and the cache live beside the targets: Windows hosts need those, but not this folder.
sys.path.append(str(Path(__file__).resolve().parents[1] / "targets"))

from _cli import main

if __name__ == "__main__":
    sys.exit(main())
