#!/usr/bin/env python3
"""Checks fits-pack's products with other software: formats with zarr, h5py, pyarrow and webdataset, aligned bands with astropy's WCS.

usage: shards_diff.py FITS_PACK SHARED [--control]
Survey images (SDSS, PS1, DES; griz) are put on one grid, bilinearly and by Lanczos' kernel of order 3; the same grid is made with astropy.wcs and
NumPy's sinc, and the bilinear one with reproject, too: all must agree to 1e-5 of the brightest pixel (where no null is near; Lanczos 1e-4, as our
positions are interpolated). All formats must hold the same numbers. With --control our image is shifted by a tenth of a pixel's worth and a byte of
the mask is changed: exits 0 if that went unnoticed.
"""
import json, subprocess, sys, tempfile, warnings
import h5py, numpy as np, pyarrow.parquet as pq, webdataset, zarr
from astropy.io import fits
from astropy.wcs import WCS
from reproject import reproject_interp

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


def grid(ra, dec):
    """Tangent plane around a position, north up."""
    made = WCS(naxis=2)
    made.wcs.ctype, made.wcs.crval, made.wcs.crpix = ["RA---TAN", "DEC--TAN"], [ra, dec], [(SIZE + 1) / 2] * 2
    made.wcs.cdelt = [-PIXEL / 3600, PIXEL / 3600]
    return made


def weights(f, kind):
    """Of the neighbours around a position f behind a pixel, and where they start."""
    reach = {"bilinear": 1, "lanczos3": 3}[kind]
    d = f[None] - np.arange(1 - reach, reach + 1)[:, None]
    w = 1 - np.abs(d) if reach == 1 else np.sinc(d) * np.sinc(d / reach)
    return reach, w / w.sum(axis=0)


def aligned(survey, band, ra, dec, kind):
    """Values on the grid; NaN where one of the pixels is null or outside."""
    pixels, wcs = image(survey, band)
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    x, y = wcs.wcs_world2pix(*grid(ra, dec).wcs_pix2world(x.ravel(), y.ravel(), 0), 0)
    i, j = np.floor(x).astype(int), np.floor(y).astype(int)
    (reach, u), (_, v) = weights(x - i, kind), weights(y - j, kind)
    good = (i >= reach - 1) & (j >= reach - 1) & (i < pixels.shape[1] - reach) & (j < pixels.shape[0] - reach)
    i, j = np.where(good, i, reach), np.where(good, j, reach)
    value = sum(pixels[j + 1 - reach + b, i + 1 - reach + a] * u[a] * v[b] for a in range(2 * reach) for b in range(2 * reach))
    return np.where(good, value, np.nan).reshape(SIZE, SIZE)


def reprojected(survey, band, ra, dec, _):
    pixels, wcs = image(survey, band)
    target = grid(ra, dec)
    target.wcs.radesys, target.wcs.equinox = wcs.wcs.radesys, wcs.wcs.equinox # FK5 is taken for ICRS: 0.02 arcsec
    return reproject_interp((pixels, wcs), target, shape_out=(SIZE, SIZE), order="bilinear", return_footprint=False)


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
    config = f"""[input]
root = "{FOLDER}"
catalog = "c.csv"
path = "{{id}}_{{band}}.fits"
zeros = "accept"
checksums = false
[bands]
names = ["g", "r", "i", "z"]
[image]
size = {SIZE}
align = "ALIGN"
pixel_arcsec = {PIXEL}
[output]
galaxies = 2
zarr = true
hdf5 = true
webdataset = true
"""
    for kind, bound, judges in [("bilinear", 1e-5, [aligned, reprojected]), ("lanczos3", 1e-4, [aligned])]:
        with open(f"{work}/{kind}.toml", "w") as file:
            file.write(config.replace("ALIGN", kind))
        done = subprocess.run([PROGRAM, "run", f"{work}/{kind}.toml", "-q"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        index, positions = json.load(open(f"{work}/{kind}.out/index.json")), {}
        for shard in index["shards"]:
            start = positions.get(shard["split"], 0)
            bad, names, ours = formats(f"{work}/{kind}.out", shard, start)
            positions[shard["split"]] = start + len(names)
            print(f"{shard['name']}: {'differs in ' + ', '.join(bad) if bad else 'zarr, hdf5 and webdataset hold the same'}")
            agree, different = agree + (not bad), different + bool(bad)
            for name, bands in zip(names, ours):
                for band, found, judge in [(*pair, judge) for pair in zip("griz", bands) for judge in judges]:
                    if CONTROL:
                        found = found + 0.1 * np.gradient(found.astype("f8"))[0]
                    wanted = judge(name, band, *places[name], kind)
                    there = np.isfinite(wanted)
                    off = np.abs(found - wanted)[there].max() / np.abs(wanted[there]).max()
                    good = there.mean() > 0.5 and off < bound
                    print(f"{kind} {name} {band} ({judge.__name__}): {off:.1e} of the brightest pixel, {there.mean():.3f} of the pixels compared")
                    agree, different = agree + good, different + (not good)
print(f"{agree} of {agree + different} agree: {'differs' if different else 'agrees'}")
sys.exit(int(agree == 0 if CONTROL else different > 0))
