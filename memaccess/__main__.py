"""``python -m memaccess``."""

import sys

from memaccess.cli import main

sys.exit(main())
