"""What a run leaves for people to read: a page, its tables, its pictures."""

import os
import sys

if "matplotlib" not in sys.modules:  # it reads this when it is imported
    os.environ["MPLBACKEND"] = "agg"  # for files; what a notebook's kernel names may not be there
