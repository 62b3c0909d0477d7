#!/usr/bin/env python3
"""Has CASA make a measurement set of FITS-IDI files.

usage: HOME=EMPTY_FOLDER casa_ms.py OUT.ms FILE.idi ...
"""
import sys

import casa_home  # noqa: F401, first: CASA reads its settings when it is imported
from casatasks import importfitsidi

importfitsidi(fitsidifile=sys.argv[2:], vis=sys.argv[1])
