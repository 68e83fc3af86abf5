"""`python -m flowlift` is the command line."""

import sys

from flowlift.cli import main

sys.exit(main())
