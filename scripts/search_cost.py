"""CPU time of the searches for compact sources and narrow-band signals against that of the correlation, at many phase centres.

usage: search_cost.py [--seconds S] [--centres N] [--times N] KVN_CORR [-- options of the narrow search]

A simulated observation of noise (three KVN stations, two bands of 16 MHz, 2 bits, 512 channels, integrations of 0.256 s) is correlated at a grid of
phase centres 10" apart and searched, by one process each (16 s are two stretches of the default 8 s; longer ones cost more). Prints CPU seconds of whole processes (medians), and the ratio of both searches
to the correlation: 2 or less is wanted. Exit 0: so it is, 1: not.
"""
import argparse
import os
import statistics
import sys
import tempfile

from narrow_trials import STATIONS
from powers_diff import cpu_of

HEAD = """name = "cost"
seed = 1
start_mjd = 60000
start_second = 36000
duration_s = {seconds}
bits = 2
frame_bytes = 8032
channels = 512
integration_s = 0.256
ra_deg = 343.5
dec_deg = 16.1
"""


def config(seconds, centres):
    text = HEAD.format(seconds=float(seconds))
    for band in range(2):
        text += f'[[bands]]\nedge_mhz = {22000 + 16 * band}.0\nbandwidth_mhz = 16.0\nsideband = "upper"\npolarization = "L"\n'
    for code, position in STATIONS.items():
        text += f'[[stations]]\ncode = "{code}"\nposition_m = {position}\n'
    wide = max(round(centres**0.5), 1)
    for k in range(centres):
        east, north = 10.0 * (k % wide - 0.5 * (wide - 1)), 10.0 * (k // wide - 0.5 * (wide - 1))
        text += f'[[centres]]\nname = "C{k:03d}"\neast_arcsec = {east}\nnorth_arcsec = {north}\n'
    return text


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("--seconds", type=float, default=16.0)
    arguments.add_argument("--centres", type=int, default=100)
    arguments.add_argument("--times", type=int, default=3)
    at = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    args, narrow = arguments.parse_args(sys.argv[1:at]), sys.argv[at + 1 :]
    took = {"correlation": [], "compact": [], "narrow": []}
    with tempfile.TemporaryDirectory() as folder:
        toml = os.path.join(folder, "cost.toml")
        with open(toml, "w") as f:
            f.write(config(args.seconds, args.centres))
        cpu_of([args.program, "simulate", toml, "--out", folder])
        job = os.path.join(folder, "cost.input")
        for k in range(args.times):
            out = os.path.join(folder, f"out{k}")
            took["correlation"].append(cpu_of([args.program, "run", job, "--out", out, "-q"])[0])
            took["compact"].append(cpu_of([args.program, "search", os.path.join(out, "cost.h5"), "-q"])[0])
            search = [args.program, "search", "narrow", job, "--out", out, "-q", *narrow]
            took["narrow"].append(cpu_of(search)[0])
    middle = {name: statistics.median(times) for name, times in took.items()}
    for name, times in took.items():
        print(f"{name}: {middle[name]:.2f} s of CPU (" + ", ".join(f"{t:.2f}" for t in times) + ")")
    ratio = (middle["compact"] + middle["narrow"]) / middle["correlation"]
    print(f"both searches to the correlation: {ratio:.2f} (2 is wanted)")
    return 0 if ratio <= 2.0 else 1


if __name__ == "__main__":
    sys.exit(main())
