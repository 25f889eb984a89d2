"""`python -m calmreply` is the command `calmreply`."""

from __future__ import annotations

import sys

from calmreply.cli import main

if __name__ == "__main__":
    sys.exit(main())
