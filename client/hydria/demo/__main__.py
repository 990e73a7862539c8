"""Tells the story; the exit code is 0 when all of it was true."""

from __future__ import annotations

import sys

from hydria.demo.story import main

if __name__ == "__main__":
    sys.exit(main())
