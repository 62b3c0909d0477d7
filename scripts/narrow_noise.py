"""False alarms of kvn-corr search narrow: searches simulated noise with a low threshold and counts what exceeds each sigma.

usage: narrow_noise.py KVN_CORR [--seeds N] [--csv FILE] [--control]

Each seed is 9 s of noise (2 bits) of three stations in two bands of 4 MHz, searched in channels of 3.8 Hz with drifts up to
10 Hz/s and the threshold at 6 sigma (1.5e-8 for a line). Prints for each sigma how many hits there were and how many the
threshold allows: hits may be fewer, because neighbouring lines share powers. A candidate of the default threshold is a
hit of 6.44 sigma, or one of all stations together that passes with a joint chance as small. Exit 0: no more hits than
allowed (three standard deviations above), 1: more, 70: nothing was searched.

--control: sigma is told 0.5 too large, and there must be more hits than allowed.
"""
import argparse
import csv
import math
import os
import subprocess
import sys
import tempfile

import narrow_trials as trials

THRESHOLD = 6.0
# 32768 channels in a sub-band: long transforms in whole numbers.
CHANNEL_HZ = "3.814697265625"
DEFAULT = 6.44


def search(program, seed, folder):
    sky = trials.SKY.replace("bandwidth_mhz = 0.25", "bandwidth_mhz = 4.0").replace("frame_bytes = 1032", "frame_bytes = 8032")
    config = os.path.join(folder, "trial.toml")
    with open(config, "w") as f:
        f.write(sky.format(seed=seed))
        for code, position in trials.STATIONS.items():
            f.write(f'[[stations]]\ncode = "{code}"\nposition_m = {position}\n')
    subprocess.run([program, "simulate", config, "--out", folder], check=True, capture_output=True)
    job = os.path.join(folder, "trial.input")
    command = [program, "search", "narrow", job, "--out", folder, "--stretch", "8", "--threshold", str(THRESHOLD), "-q", "--channel-hz", CHANNEL_HZ]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    tried = float([line for line in ended.stdout.splitlines() if "lines tried" in line][0].split()[0])
    with open(os.path.join(folder, "trial.narrow.csv")) as f:
        return list(csv.DictReader(f)), tried


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("--seeds", type=int, default=1)
    arguments.add_argument("--csv")
    arguments.add_argument("--control", action="store_true")
    args = arguments.parse_args()
    hits, tried = [], 0.0
    for seed in range(1, args.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            found, lines = search(args.program, 1000 + seed, folder)
        hits += found
        tried += lines
        print(f"seed {seed}: {lines:.3g} lines, {len(found)} hits", flush=True)
    if not tried:
        print("nothing was searched")
        return 70
    off = 0.5 if args.control else 0.0
    sigmas = [float(hit["sigma"]) + off for hit in hits]
    good = True
    rows = []
    for step in range(8):
        sigma = THRESHOLD + 0.1 * step
        count, allowed = sum(s >= sigma for s in sigmas), tried * math.exp(-0.5 * sigma * sigma)
        rows.append((sigma, count, allowed))
        good = good and count <= allowed + 3 * math.sqrt(allowed) + 1
        print(f"  {sigma:.1f} sigma: {count} hits, at most {allowed:.1f} allowed")
    chance = math.exp(-0.5 * DEFAULT**2)
    joint = [hit for hit in hits if hit["outcome"] == "passes" and float(hit["ln_joint"]) <= math.log(chance)]
    candidates = [hit for hit, s in zip(hits, sigmas) if s >= DEFAULT or hit in joint]
    print(f"{tried:.3g} lines: {len(candidates)} candidates of the default threshold ({len(joint)} of them pass), at most {tried * chance:.1f} allowed")
    good = good and len(candidates) <= tried * chance + 3 * math.sqrt(tried * chance) + 1
    if args.csv:
        with open(args.csv, "w") as f:
            f.write("sigma,hits,allowed\n" + "".join(f"{s:.1f},{n},{a:.3f}\n" for s, n, a in rows))
            f.write(f"candidates,{len(candidates)},{tried * chance:.3f}\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
