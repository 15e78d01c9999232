"""`python -m pocketcoder_tui` is the `pocketcoder` command."""

import sys

from pocketcoder_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
