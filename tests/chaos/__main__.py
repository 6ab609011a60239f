"""`python -m tests.chaos`; imported below the guard, since forked processes import this module, too."""

import sys

if __name__ == "__main__":
    from tests.chaos.command import main

    sys.exit(main())
