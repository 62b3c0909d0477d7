#!/usr/bin/env python3
"""Checks fits-pack's products with other software: formats with zarr, h5py, pyarrow and webdataset, aligned bands with astropy's WCS.

usage: shards_diff.py FITS_PACK SHARED [--control]
Survey images (SDSS, PS1, DES; griz) are put on one grid; the same grid is made with astropy.wcs and NumPy, bilinearly, and
must agree to 1e-5 of the brightest pixel (where no null is near). All formats must hold the same numbers. With --control our image is shifted by a
tenth of a pixel's worth and a byte of the mask is changed: exits 0 if that went unnoticed.
"""
import json, subprocess, sys, tempfile, warnings
import h5py, numpy as np, pyarrow.parquet as pq, webdataset, zarr
from astropy.io import fits
from astropy.wcs import WCS

PROGRAM, SHARED = sys.argv[1:3]
CONTROL = "--control" in sys.argv
warnings.filterwarnings("ignore")
FOLDER = f"{SHARED}/data/fits/real/hostphot_SN2006bh"
SIZE, PIXEL = 96, 0.5
SURVEYS = ["SDSS", "PS1", "DES"]


def image(survey, band):
    with fits.open(f"{FOLDER}/{survey}_{band}.fits", memmap=False) as file:
        hdu = next(h for h in file if h.is_image and h.shape)
        return np.array(hdu.data, "f8"), WCS(hdu.header)


def aligned(survey, band, ra, dec):
    """Bilinear values on a tangent plane around a position, north up; NaN where a pixel is null or outside."""
    pixels, wcs = image(survey, band)
    grid = WCS(naxis=2)
    grid.wcs.ctype, grid.wcs.crval, grid.wcs.crpix = ["RA---TAN", "DEC--TAN"], [ra, dec], [(SIZE + 1) / 2] * 2
    grid.wcs.cdelt = [-PIXEL / 3600, PIXEL / 3600]
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    x, y = wcs.wcs_world2pix(*grid.wcs_pix2world(x.ravel(), y.ravel(), 0), 0)
    i, j = np.floor(x).astype(int), np.floor(y).astype(int)
    good = (i >= 0) & (j >= 0) & (i < pixels.shape[1] - 1) & (j < pixels.shape[0] - 1)
    i, j, u, v = np.where(good, i, 0), np.where(good, j, 0), x - np.floor(x), y - np.floor(y)
    value = (pixels[j, i] * (1 - u) * (1 - v) + pixels[j, i + 1] * u * (1 - v)
             + pixels[j + 1, i] * (1 - u) * v + pixels[j + 1, i + 1] * u * v)
    return np.where(good, value, np.nan).reshape(SIZE, SIZE)


def formats(out, shard, position):
    """Names of the formats that differ from the arrays."""
    bad = []
    path = f"{out}/{shard['name']}"
    image, mask = (np.load(f"{path}/{name}.npy", mmap_mode="r") for name in ("image", "mask"))
    if CONTROL:
        mask = mask ^ np.uint8(1)
    table = pq.read_table(f"{path}/table.parquet").to_pydict()
    arrays = zarr.open(f"{out}/zarr", mode="r")[shard["split"]]
    rows = slice(position, position + len(image))
    bad += ["zarr"] * (not (np.array_equal(arrays["image"][rows], image) and np.array_equal(arrays["mask"][rows], mask)))
    with h5py.File(f"{out}/hdf5/{shard['name']}.hdf5") as file:
        same = np.array_equal(file["image_array"], image) and np.array_equal(file["image_mask"], mask)
        same &= [name.decode() for name in file["object_id"]] == table["object_id"]
        bad += ["hdf5"] * (not same)
    archive = webdataset.WebDataset(f"{out}/webdataset/{shard['name']}.tar", shardshuffle=False).decode()
    found = {item["__key__"]: item for item in archive}
    for slot, (name, used) in enumerate(zip(table["object_id"], table["used"])):
        item = found.get(f"{slot:06d}-{name}", {})
        same = not used or (np.array_equal(item["image.npy"], image[slot]) and np.array_equal(item["mask.npy"], mask[slot])
                            and item["json"]["object_id"] == name)
        bad += ["webdataset"] * (not same)
    return bad, table["object_id"], image


agree = different = 0
with tempfile.TemporaryDirectory() as work:
    places = {}
    for survey in SURVEYS:
        pixels, wcs = image(survey, "r")
        places[survey] = tuple(map(float, wcs.wcs_pix2world(pixels.shape[1] / 2, pixels.shape[0] / 2, 0)))
    with open(f"{work}/c.csv", "w") as file:
        file.write("id,ra,dec\n" + "".join(f"{survey},{ra!r},{dec!r}\n" for survey, (ra, dec) in places.items()))
    with open(f"{work}/pack.toml", "w") as file:
        file.write(f"""[input]
root = "{FOLDER}"
catalog = "c.csv"
path = "{{id}}_{{band}}.fits"
zeros = "accept"
checksums = false
[bands]
names = ["g", "r", "i", "z"]
[image]
size = {SIZE}
align = "bilinear"
pixel_arcsec = {PIXEL}
[output]
galaxies = 2
zarr = true
hdf5 = true
webdataset = true
""")
    done = subprocess.run([PROGRAM, "run", f"{work}/pack.toml", "-q"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    index, positions = json.load(open(f"{work}/pack.out/index.json")), {}
    for shard in index["shards"]:
        start = positions.get(shard["split"], 0)
        bad, names, ours = formats(f"{work}/pack.out", shard, start)
        positions[shard["split"]] = start + len(names)
        print(f"{shard['name']}: {'differs in ' + ', '.join(bad) if bad else 'zarr, hdf5 and webdataset hold the same'}")
        agree, different = agree + (not bad), different + bool(bad)
        for name, bands in zip(names, ours):
            for band, found in zip("griz", bands):
                if CONTROL:
                    found = found + 0.1 * np.gradient(found.astype("f8"))[0]
                wanted = aligned(name, band, *places[name])
                there = np.isfinite(wanted)
                off = np.abs(found - wanted)[there].max() / np.abs(wanted[there]).max()
                good = there.mean() > 0.5 and off < 1e-5
                print(f"{name} {band}: {off:.1e} of the brightest pixel, {there.mean():.3f} of the pixels compared")
                agree, different = agree + good, different + (not good)
print(f"{agree} of {agree + different} agree: {'differs' if different else 'agrees'}")
sys.exit(int(agree == 0 if CONTROL else different > 0))
