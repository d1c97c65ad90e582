"""`python -m seqlab` is `seqlab`."""

import sys

from seqlab.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
