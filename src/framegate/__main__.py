"""``python -m framegate`` is the command ``framegate``."""

from __future__ import annotations

import sys

from framegate.cli import main

if __name__ == "__main__":
    sys.exit(main())
