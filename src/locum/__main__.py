"""``python -m locum`` is the same as ``locum``."""

import sys

from locum.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
