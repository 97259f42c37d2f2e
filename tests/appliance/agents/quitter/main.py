"""Exits with status 1 while it is loaded."""

import sys

sys.exit(1)
