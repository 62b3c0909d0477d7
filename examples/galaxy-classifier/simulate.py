#!/usr/bin/env python3
"""Draws galaxies of four known classes in three bands as FITS files, with a catalogue and a configuration for fits-pack.

usage: simulate.py FOLDER [--galaxies N] [--seed S] [--damage]
Exponential discs with two logarithmic spiral arms and a bulge; de Vaucouleurs ellipticals; two of them side by side with a tail; discs seen edge-on.
Noise, stars in the foreground, null pixels. NumPy alone: the FITS files are written by hand. With --damage 6 of 100 galaxies have a file that
is cut off, has lost a block or is no FITS file at all: damaged.csv lists them.
"""
import argparse, os
import numpy as np

SIZE = 64
BANDS = "gri"
CLASSES = ["spiral", "elliptical", "merger", "edge-on"]
COLOURS = {"spiral": (1.0, 1.2, 1.3), "elliptical": (0.6, 1.2, 1.7), "merger": (0.9, 1.2, 1.4), "edge-on": (0.8, 1.2, 1.5)}
Y, X = np.mgrid[0:SIZE, 0:SIZE] - (SIZE - 1) / 2


def turned(angle, ratio, x0=0.0, y0=0.0):
    """Coordinates along and across an ellipse's axes."""
    x, y = X - x0, Y - y0
    return x * np.cos(angle) + y * np.sin(angle), (-x * np.sin(angle) + y * np.cos(angle)) / ratio


def elliptical(rng, x0=0.0, y0=0.0):
    u, v = turned(rng.uniform(0, np.pi), rng.uniform(0.6, 1.0), x0, y0)
    return np.exp(-3.67 * ((np.hypot(u, v) / rng.uniform(5, 9) + 0.02) ** 0.25 - 1)) * 0.5


def spiral(rng):
    u, v = turned(rng.uniform(0, np.pi), rng.uniform(0.65, 1.0))
    r, phi = np.hypot(u, v) + 1e-3, np.arctan2(v, u)
    pitch, hand = rng.uniform(2.0, 3.5), rng.choice([-1, 1])
    arms = 1 + 0.9 * np.cos(2 * (phi - hand * pitch * np.log(r / 3)))
    return 4 * np.exp(-r / rng.uniform(6, 9)) * arms + 6 * np.exp(-((r / 2) ** 2))


def merger(rng):
    angle, apart = rng.uniform(0, 2 * np.pi), rng.uniform(8, 14)
    dx, dy = apart / 2 * np.cos(angle), apart / 2 * np.sin(angle)
    u, v = turned(angle + rng.uniform(0.5, 1.2), 1.0, dx, dy)
    tail = np.exp(-((v - 0.02 * u**2) ** 2) / 6) * np.exp(-np.abs(u) / 14)
    return elliptical(rng, dx, dy) + rng.uniform(0.5, 1) * elliptical(rng, -dx, -dy) + 1.5 * tail


def edge_on(rng):
    u, v = turned(rng.uniform(0, np.pi), 1.0)
    return 5 * np.exp(-np.abs(u) / rng.uniform(7, 11)) / np.cosh(v / rng.uniform(1.2, 2.0)) ** 2


DRAW = {"spiral": spiral, "elliptical": elliptical, "merger": merger, "edge-on": edge_on}


def star(rng):
    angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(22, 40)
    r2 = (X - far * np.cos(angle)) ** 2 + (Y - far * np.sin(angle)) ** 2
    return rng.uniform(2, 15) * np.exp(-r2 / 4.5)


# One galaxy in fifty has such a file: its band, what fits-pack must say of it, and what happens to its bytes.
DAMAGE = {
    7: ("r", "truncated", lambda file: file[:9000]),
    23: ("g", "zeros", lambda file: file[:4096] + bytes(4096) + file[8192:]),
    41: ("i", "header", lambda file: b"<html>404 not found</html>"),
}


def write_fits(path, pixels, damage=lambda file: file):
    cards = ["SIMPLE  =                    T", "BITPIX  =                  -32", "NAXIS   =                    2",
             f"NAXIS1  = {SIZE:>20}", f"NAXIS2  = {SIZE:>20}", "SEEING  =                  1.3", "END"]
    head = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    data = pixels.astype(">f4").tobytes()
    with open(path, "wb") as file:
        file.write(damage(head + data + bytes(-len(data) % 2880)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--galaxies", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--damage", action="store_true")
    args = parser.parse_args()
    rows, damaged = ["objid,ra,dec,dir,class"], ["id,band,reason"]
    for number in range(args.galaxies):
        rng = np.random.default_rng([args.seed, number])
        kind = CLASSES[number % len(CLASSES)]
        galaxy = DRAW[kind](rng) * rng.uniform(0.6, 1.5)
        stars = sum((star(rng) for _ in range(rng.poisson(0.7))), np.zeros_like(X))
        folder = f"{number % 20:02d}"
        os.makedirs(f"{args.folder}/images/{folder}", exist_ok=True)
        for band, colour in zip(BANDS, COLOURS[kind]):
            pixels = galaxy * colour * rng.normal(1, 0.1) + stars + rng.normal(0.3, 0.25, X.shape)
            if rng.random() < 0.05:
                pixels[rng.integers(0, SIZE, 20), rng.integers(0, SIZE, 20)] = np.nan
            damage = [lambda file: file]
            hurt, reason, how = DAMAGE.get(number % 50, ("", "", None))
            if args.damage and hurt == band:
                damage = [how]
                damaged.append(f"g{number:06d},{band},{reason}")
            write_fits(f"{args.folder}/images/{folder}/g{number:06d}-{band}.fits", pixels, *damage)
        ra, dec = rng.uniform(0, 360), np.degrees(np.arcsin(rng.uniform(-1, 1)))
        rows.append(f"g{number:06d},{ra:.5f},{dec:.5f},{folder},{kind}")
    with open(f"{args.folder}/galaxies.csv", "w") as file:
        file.write("\n".join(rows) + "\n")
    with open(f"{args.folder}/damaged.csv", "w") as file:
        file.write("\n".join(damaged) + "\n")
    with open(f"{args.folder}/pack.toml", "w") as file:
        file.write(CONFIG)


CONFIG = """[input]
catalog = "galaxies.csv"
path = "images/{dir}/{objid}-{band}.fits"
id = "objid"
labels = ["class"]

[bands]
names = ["g", "r", "i"]
nulls = "interpolate"

[image]
size = 64
sky = "subtract"
planes = "asinh"
softening = 0.5

[split]
fractions = [0.7, 0.1, 0.2]
nside = 16
"""

if __name__ == "__main__":
    main()
