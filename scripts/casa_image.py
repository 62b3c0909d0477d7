#!/usr/bin/env python3
"""Has CASA image an observation of a source off the phase centre and tells where it is.

usage: HOME=EMPTY_FOLDER casa_image.py EAST_MAS NORTH_MAS FILE.idi ...
The peak of the dirty image (0.5 mas a pixel) must be within 1 mas of the place given. Exit code 1: it is elsewhere.
"""
import os
import sys

import casa_home  # noqa: F401, first: CASA reads its settings when it is imported
from casatasks import importfitsidi, imstat, tclean

CELL_MAS, PIXELS = 0.5, 128


def main():
    wanted = float(sys.argv[1]), float(sys.argv[2])
    ms, image = (os.path.join(os.environ["HOME"], name) for name in ("off.ms", "off"))
    importfitsidi(fitsidifile=sys.argv[3:], vis=ms)
    tclean(
        vis=ms, imagename=image, imsize=PIXELS, cell=f"{CELL_MAS / 1000}arcsec", niter=0, specmode="mfs", stokes="LL",
        weighting="natural", datacolumn="data",
    )
    peak = imstat(image + ".image")
    x, y = (float(p) for p in peak["maxpos"][:2])
    found = (PIXELS / 2 - x) * CELL_MAS, (y - PIXELS / 2) * CELL_MAS
    agrees = max(abs(f - w) for f, w in zip(found, wanted)) <= 1.0 and peak["max"][0] > 5 * peak["rms"][0]
    print(f"peak {found[0]:.1f} mas east, {found[1]:.1f} mas north, {peak['max'][0] / peak['rms'][0]:.1f} times the rms: "
          f"{'agrees' if agrees else 'differs'}")
    sys.exit(0 if agrees else 1)


main()
