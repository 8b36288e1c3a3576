"""`python -m taawun`: the `taawun` command."""

import sys

from taawun.node.cli import main

if __name__ == "__main__":
    sys.exit(main())
