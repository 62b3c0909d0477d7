#!/usr/bin/env python3
"""Writes the seeds of the fuzz target: one small FITS file of each kind that the reader knows. usage: make_corpus.py FOLDER (NumPy, astropy)"""
import bz2, gzip, os, sys
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

FOLDER = sys.argv[1]
rng = np.random.default_rng(1)
KINDS = {8: "u1", 16: "i2", 32: "i4", 64: "i8", -32: "f4", -64: "f8"}


def pixels(bitpix, shape=(9, 11)):
    values = rng.normal(20, 5, shape)
    values = np.clip(values, 0, 200).astype(KINDS[bitpix])
    if bitpix < 0:
        values[2, 3] = np.nan
    return values


def save(name, hdus, pack=lambda b: b):
    path = f"{FOLDER}/{name}"
    fits.HDUList(hdus).writeto(path, overwrite=True, output_verify="ignore")
    data = pack(open(path, "rb").read())
    open(path, "wb").write(data)


def header(**more):
    wcs = WCS(naxis=2)
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.ctype = [150.0, 2.0], [5, 5], ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cd = [[-1e-4, 2e-5], [2e-5, 1e-4]]
    made = wcs.to_header()
    made.update(more)
    return made


for bitpix in KINDS:
    extra = {"BLANK": 19} if bitpix > 0 else {}
    image = fits.PrimaryHDU(pixels(bitpix))
    image.header.update(header(), **extra)
    image.add_checksum()
    save(f"plain{bitpix}.fits", [image])
scaled = fits.PrimaryHDU(pixels(16))
scaled.header.update(BSCALE=0.25, BZERO=-3.5, BLANK=21)
save("scaled.fits", [scaled])
save("scaled.fits.gz", [scaled], lambda b: gzip.compress(b, 9, mtime=0))
save("scaled.fits.bz2", [scaled], bz2.compress)
save("cube.fits", [fits.PrimaryHDU(), fits.ImageHDU(pixels(-32)[None, None], header(A_ORDER=2, B_ORDER=2, A_2_0=1e-5), name="SCI")])
rows = [fits.Column("id", "8A", array=["a", "b", "c"]), fits.Column("ra", "D", array=[1, 2, np.nan]), fits.Column("n", "J", array=[1, 2, 3], null=2),
        fits.Column("k", "K", array=[1, 2, 3]), fits.Column("e", "3E", array=np.ones((3, 3))), fits.Column("s", "I", array=[1, 2, 3])]
save("table.fits", [fits.PrimaryHDU(), fits.BinTableHDU.from_columns(rows), fits.ImageHDU(pixels(16))])
for kind in ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"]:
    for bitpix in [8, 16, 32, -32, -64]:
        if kind == "PLIO_1" and bitpix < 0:
            continue
        lossless = {"quantize_level": 0} if kind.startswith("GZIP") and bitpix == -64 else {}
        image = pixels(bitpix, (12, 10))
        if kind == "HCOMPRESS_1" and bitpix < 0:
            image = np.nan_to_num(image)
        tiled = fits.CompImageHDU(image, header(), compression_type=kind, tile_shape=(4, 10), **lossless)
        if bitpix < 0 and not lossless:
            tiled.quantize_method = 2
        save(f"{kind.lower()}{bitpix}.fits.fz", [fits.PrimaryHDU(), tiled])
os.sync()
