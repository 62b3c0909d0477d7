#!/usr/bin/env python3
"""Compares `fits-pack inspect --npy` with astropy, pixel by pixel and null by null.

usage: fits_diff.py FITS_PACK SHARED [--control]
The files: every image of all of SHARED/data/fits/real; cutouts and their compressed, integer and damaged variants made by
SHARED/peers/fits (gen.py, var.py); images in tiles of all compressions and types, made by astropy; 1000 files with random headers and pixels. Values must be equal in double precision; where
astropy refuses a file, so must we. Where astropy (8.0) leaves BLANK out (unsigned integers, BLANK = 0), the null is what FITS 4.0
says: a stored integer that equals BLANK. With --control one pixel of each of our arrays is changed: exits 0 if any change
went unnoticed.
"""
import glob, gzip, json, os, subprocess, sys, tempfile, warnings
import numpy as np
from astropy.io import fits
from astropy.io.fits.verify import VerifyError

PROGRAM, SHARED = sys.argv[1:3]
CONTROL = "--control" in sys.argv
warnings.filterwarnings("ignore")
RANDOM = 1000


def ours(paths, folder, hdu=None):
    """Our arrays, or our errors, of a list of files."""
    os.makedirs(folder, exist_ok=True)
    command = [PROGRAM, "inspect", "-", "--npy", folder] + (["--hdu", str(hdu)] if hdu is not None else [])
    done = subprocess.run(command, input="\n".join(paths) + "\n", capture_output=True, text=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(paths), f"{len(answers)} answers for {len(paths)} files; {done.stderr}"
    for number, answer in enumerate(answers):
        yield answer.get("error") or np.load(f"{folder}/{number}.npy")


def theirs(path, hdu=None):
    """astropy's array of an image, or its error."""
    try:
        with fits.open(path, memmap=False) as file:
            index = hdu if hdu is not None else next(i for i, h in enumerate(file) if h.is_image and h.shape)
            image = file[index]
            blank = image.header.get("BLANK")
            tiled = isinstance(image, fits.CompImageHDU)
            values = np.array(image.data, dtype="f8")
        if not tiled and blank is not None and np.issubdtype(type(blank), np.integer) and image._orig_bitpix > 0:
            with fits.open(path, memmap=False, do_not_scale_image_data=True) as file:
                values[np.array(file[index].data) == blank] = np.nan
        return values.reshape([n for n in values.shape[:-2] if n > 1] + list(values.shape[-2:]))
    except ValueError as error:
        if "NaN to integer" not in str(error):
            return f"ValueError: {error}"
        with fits.open(path, memmap=False, do_not_scale_image_data=True) as file: # signed bytes with BLANK: astropy gives up
            stored, header = np.array(file[index].data), file[index].header
        return np.squeeze(np.where(stored == blank, np.nan, stored.astype("f8") + header["BZERO"]), tuple(range(stored.ndim - 2)))
    except (OSError, TypeError, EOFError, StopIteration, VerifyError, KeyError, IndexError) as error:
        return f"{type(error).__name__}: {error}"


def difference(a, b):
    """Nothing where both agree, or both refuse."""
    if isinstance(a, str) or isinstance(b, str):
        return None if isinstance(a, str) and isinstance(b, str) else f"we: {word(a)}, astropy: {word(b)}"
    if a.shape != b.shape:
        return f"{a.shape}, astropy {b.shape}"
    if CONTROL:
        a = a.copy()
        a.flat[a.size // 2] = 0.0 if np.isnan(a.flat[a.size // 2]) else np.nan
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return None if same.all() else f"{(~same).sum()} of {a.size} pixels"


def word(x):
    return x if isinstance(x, str) else f"{x.shape}"


class Count:
    agree = different = pixels = nulls = refused = 0


def compare(what, paths, work, hdu=None, skip=()):
    before = Count.agree, Count.different
    for path, a in zip(paths, ours(paths, os.path.join(work, "npy"), hdu)):
        b = theirs(path, hdu)
        if CONTROL and (isinstance(a, str) or isinstance(b, str)):
            continue
        bad = difference(a, b)
        Count.agree += bad is None
        Count.different += bad is not None
        if isinstance(a, str):
            Count.refused += 1
        else:
            Count.pixels += a.size
            Count.nulls += int(np.isnan(a).sum())
        if bad and not CONTROL:
            print(f"{os.path.relpath(path, work)} HDU {hdu}: {bad}")
    print(f"{what}: {Count.agree - before[0]} agree, {Count.different - before[1]} differ")


def images(path):
    with fits.open(path) as file:
        return [i for i, h in enumerate(file) if h.is_image and h.shape and len(h.shape) >= 2]


def real(work):
    by_hdu = {}
    for path in sorted(glob.glob(f"{SHARED}/data/fits/real/**/*.f*", recursive=True)):
        for hdu in images(path):
            by_hdu.setdefault(hdu, []).append(path)
    for hdu, paths in by_hdu.items():
        compare(f"real files, HDU {hdu}", paths, work, hdu)


def variants(work):
    peers = f"{SHARED}/peers/fits"
    env = dict(os.environ, FITS_DIR=work, LIST=f"{work}/list")
    subprocess.run([sys.executable, f"{peers}/gen.py", "20", "128", "s128"], check=True, env=env)
    plain = sorted(glob.glob(f"{work}/s128/*/*.fits"))
    open(f"{work}/list", "w").write("\n".join(plain) + "\n")
    subprocess.run([sys.executable, f"{peers}/var.py"], check=True, env=env, cwd=work)
    compare("plain", plain, work)
    for kind in ["gz", "bz2", "fzrice", "fzgzip", "i16"]:
        compare(kind, sorted(glob.glob(f"{work}/gen/{kind}/*")), work)
    compare("damaged", sorted(glob.glob(f"{work}/gen/bad/*")), work)


def tiles(work):
    """Every compression that we read, of every type that it takes, tiles of several shapes, nulls, scaled integers, dithers."""
    rng, folder, paths = np.random.default_rng(7), f"{work}/tiles", []
    os.makedirs(folder)
    for kind in ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"]:
        for name in ["u1", "i2", "u2", "i4", "f4", "f8"]:
            for case in range(4):
                shape = tuple(int(n) for n in rng.integers(8, 40, 2))
                tile = [None, (4, shape[1]), (7, 5), shape][case]
                if kind == "HCOMPRESS_1" and case < 3:
                    shape = (24, shape[1])
                    tile = [(8, shape[1]), (12, shape[1]), (4, shape[1])][case] # at least four pixels each way
                is_float, options = name[0] == "f", {}
                values = rng.normal(100, 20, shape).clip(0, 255).astype(name)
                if kind == "PLIO_1" and (is_float or name == "u2"):
                    continue
                if is_float:
                    options = dict(quantize_method=int(rng.integers(-1, 3)), quantize_level=float(rng.choice([4, 16])))
                    if options["quantize_method"] == 2:
                        values[0, :3] = 0
                    if kind != "HCOMPRESS_1":
                        values[1, 2] = np.nan
                    if kind.startswith("GZIP") and case == 3:
                        options = dict(quantize_level=0)
                if kind == "HCOMPRESS_1" and case > 0: # with loss, smoothed when read
                    options.update(hcomp_scale=[0, 1, 2, 5][case], hcomp_smooth=case % 2)
                made = fits.CompImageHDU(values, compression_type=kind, tile_shape=tile, **options)
                if not is_float and name != "u2":
                    if case > 0:
                        made.header["BLANK"] = int(values[2, 3])
                    if case > 1 and name != "u1":
                        made.header["BSCALE"], made.header["BZERO"] = 0.37, -11.5
                path = f"{folder}/{kind}-{name}-{case}.fits.fz"
                made.writeto(path)
                paths.append(path)
    for kind in ["RICE_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"]: # cubes; large tiles, odd sides
        for number, (shape, tile) in enumerate([((3, 20, 17), (2, 8, 6)), ((4, 21, 30), (1, 21, 30)), ((131, 257), (131, 257))]):
            if kind == "HCOMPRESS_1" and number == 0:
                continue
            smooth = dict(hcomp_scale=4, hcomp_smooth=1) if kind == "HCOMPRESS_1" else {}
            values = rng.normal(1000, 30, shape).cumsum(axis=-1).clip(0, 2**22).astype("i4")
            path = f"{folder}/{kind}-cube-{number}.fits.fz"
            fits.CompImageHDU(values, compression_type=kind, tile_shape=tile, **smooth).writeto(path)
            paths.append(path)
    compare("tiles", paths, work)


def number(rng, value):
    """A number in one of the ways that FITS allows."""
    text = [repr(float(value)), f"{value:.6E}", f"{value:.4E}".replace("E", "D")][rng.integers(3)]
    return text.upper()


def card(rng, keyword, value):
    fixed = rng.random() < 0.7
    text = f"{keyword:<8}= {value:>20}" if fixed else f"{keyword:<8}= {' ' * rng.integers(3)}{value}"
    return (text + (" / a comment with = and ' in it" if rng.random() < 0.3 else ""))[:80].ljust(80)


def padded_card(text):
    return text.ljust(-(-len(text) // 80) * 80)


def block(cards):
    text = "".join(cards) + "END".ljust(80)
    return text.ljust(-(-len(text) // 2880) * 2880).encode("ascii")


def padded(data):
    return data + bytes(-len(data) % 2880)


def random_file(rng):
    bitpix = int(rng.choice([8, 16, 32, 64, -32, -64]))
    shape = [int(n) for n in rng.integers(1, 24, 2)] + [1] * int(rng.integers(0, 2))
    count = shape[0] * shape[1]
    cards, blank = [], None
    if bitpix > 0:
        low, high = (0, 256) if bitpix == 8 else (-(2 ** (bitpix - 1)), 2 ** (bitpix - 1) - 1)
        narrow = rng.random() < 0.5
        values = rng.integers(max(low, -9) if narrow else low, min(high, 9) if narrow else high, count, dtype="i8")
        if rng.random() < 0.6:
            blank = int(rng.choice(values)) if rng.random() < 0.8 else int(low)
            cards.append(card(rng, "BLANK", str(blank)))
        data = values.astype({8: "u1", 16: ">i2", 32: ">i4", 64: ">i8"}[bitpix]).tobytes()
    else:
        kind = {-32: ">f4", -64: ">f8"}[bitpix]
        values = rng.normal(0, 10.0 ** rng.integers(-8, 9), count).astype(kind)
        values[rng.random(count) < 0.1] = [np.nan, np.inf, -np.inf, 0, 1e-42][rng.integers(5)]
        data = values.tobytes()
    choice = rng.random()
    if choice < 0.2 and bitpix > 0: # unsigned integers, and signed bytes
        cards += [card(rng, "BZERO", str(-128 if bitpix == 8 else 2 ** (bitpix - 1))), card(rng, "BSCALE", "1")]
    elif choice < 0.7:
        if rng.random() < 0.8:
            cards.append(card(rng, "BSCALE", number(rng, rng.normal(0, 10.0 ** rng.integers(-4, 5)))))
        if rng.random() < 0.8:
            cards.append(card(rng, "BZERO", number(rng, rng.normal(0, 100))))
    noise = ["COMMENT BITPIX  =   8", "HISTORY = END", "HIERARCH ESO DET = 5 / x", "        ", "OBJECT  = 'a''b / c'",
             "EQUINOX =               2000.0", "LONGSTR = 'abc&'".ljust(80) + "CONTINUE  'def'", "UNDEF   ="]
    cards += [padded_card(noise[rng.integers(len(noise))]) for _ in range(rng.integers(0, 60))]
    rng.shuffle(cards)
    axes = [card(rng, "NAXIS", str(len(shape)))] + [card(rng, f"NAXIS{i + 1}", str(n)) for i, n in enumerate(shape)]
    head = [card(rng, "BITPIX", str(bitpix))] + axes
    simple = "SIMPLE  =                    T".ljust(80)
    if rng.random() < 0.6:
        file = block([simple] + head + list(cards)) + padded(data)
    else: # in an extension, behind a primary HDU without data, maybe behind a table
        file = block([simple, card(rng, "BITPIX", "8"), card(rng, "NAXIS", "0"), "EXTEND  =                    T".ljust(80)])
        if rng.random() < 0.5:
            rows = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=np.arange(rng.integers(1, 2000)))])
            file += rows.header.tostring().encode() + padded(np.array(rows.data).tobytes())
        start = "XTENSION= 'IMAGE   '".ljust(80)
        counts = [card(rng, "PCOUNT", "0"), card(rng, "GCOUNT", "1")]
        file += block([start] + head + counts + list(cards)) + padded(data)
    return file[: len(file) - len(padded(data)) + len(data)] if rng.random() < 0.1 else file


def randoms(work):
    rng = np.random.default_rng(20240611)
    folder, paths = f"{work}/random", []
    os.makedirs(folder)
    for number in range(RANDOM):
        file = random_file(rng)
        path = f"{folder}/{number:04d}.fits"
        if rng.random() < 0.2:
            path, file = path + ".gz", gzip.compress(file, 1)
        open(path, "wb").write(file)
        paths.append(path)
    compare("random headers", paths, work)


with tempfile.TemporaryDirectory() as work:
    real(work)
    variants(work)
    tiles(work)
    randoms(work)
total = Count.agree + Count.different
print(f"{Count.pixels} pixels, {Count.nulls} nulls, {Count.refused} files refused by both")
print(f"{Count.agree} of {total} files agree: {'differs' if Count.different else 'agrees'}")
sys.exit(int(Count.agree == 0 if CONTROL else Count.different > 0))
