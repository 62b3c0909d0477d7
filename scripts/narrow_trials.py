"""Trials of kvn-corr search narrow: carriers of known strength on the sky and beside stations, and noise; what is found of them.

usage: narrow_trials.py KVN_CORR [--skies N] [--each N] [--control] [--csv FILE]

Each simulated sky (9 s, three stations, two bands of 0.25 MHz) has EACH carriers on the sky, at places of their own in
the field, and a third as many beside single stations; frequencies and drifts are random at fixed seeds. The strength of a
carrier on the sky is told as the sigma that the mean of its powers would have in the sum of all stations, along a line
that holds all of its power: a quarter of them have 7, a quarter 8.1, the others something from 5 to 11. (One single
amplitude of 7 sigma exceeds the threshold of 6.44 in 73 % of cases, one of 8.1 in 95 %.)
Prints completeness over injected sigma, positions against their errors, what passed that should not have, and false
hits against what the threshold allows. Exit 0: all within bounds, 1: not, 70: nothing was compared.

--control: the carriers that should be on the sky are beside one station each, which the script is not told: none passes,
and the completeness must fail.
"""
import argparse
import csv
import math
import os
import random
import subprocess
import sys
import tempfile

BAND_HZ = 0.25e6
LOW_HZ = [22_000.0e6, 22_002.75e6]
# What the search takes for 4 Hz in such a band.
# 2048 channels in a sub-band: long transforms in whole numbers, as bands of 16 and 32 MHz have in channels of 4 Hz.
CHANNEL_HZ = BAND_HZ * 256 / 8192 / 2048
SPECTRA = 32
# Completeness that is wanted at a sigma.
TARGETS = {7.0: 0.73, 8.1: 0.95}
# Further from the edges than the stations' motion moves frequencies.
EDGE_HZ = 34e3
# 2-bit samples with thresholds at their best keep this share of the signal to noise ratio of powers.
KEPT = 0.881
STATIONS = {
    "KY": [-3042281.0290, 4045902.6673, 3867374.3313],
    "KU": [-3287268.6591, 4023450.1291, 3687379.9883],
    "KT": [-3171731.6818, 4292678.5318, 3481038.7880],
}
SKY = """name = "trial"
seed = {seed}
start_mjd = 60000
start_second = 36000
duration_s = 9.0
bits = 2
frame_bytes = 1032
channels = 64
integration_s = 0.064
ra_deg = 343.5
dec_deg = 16.1
[[bands]]
edge_mhz = 22000.0
bandwidth_mhz = 0.25
sideband = "upper"
polarization = "L"
[[bands]]
edge_mhz = 22003.0
bandwidth_mhz = 0.25
sideband = "lower"
polarization = "L"
"""


def ln_chance(n, x):
    """ln P(sum of n exponential powers > x)"""
    term = total = 1.0
    for k in range(n - 1, 0, -1):
        term *= k / x
        total += term
    return min((n - 1) * math.log(x) - math.lgamma(n) - x + math.log(total), 0.0)


def sigma_of(excess, stations):
    n = SPECTRA * stations
    return math.sqrt(-2.0 * ln_chance(n, n * (1.0 + excess)))


def amplitude_of(sigma, stations):
    """amplitude of a carrier, in standard deviations of the system, whose mean sum over so many stations has this sigma"""
    low, high = 0.0, 100.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if sigma_of(middle, stations) < sigma else (low, middle)
    # a^2 / 2 of the power falls into one of BAND_HZ / CHANNEL_HZ channels
    return math.sqrt(2.0 * high * CHANNEL_HZ / BAND_HZ / KEPT)


def carriers(rng, each, control, alone):
    """Carriers of one sky: frequencies apart by 700 Hz and more, away from the bands' edges; alone: strengths are those at one station."""
    slots = [(band, EDGE_HZ + 700.0 * k) for band in range(2) for k in range(int((BAND_HZ - 2 * EDGE_HZ) / 700))]
    found = []
    for k, (band, offset) in enumerate(rng.sample(slots, each + each // 3)):
        one = {
            "sky_hz": LOW_HZ[band] + offset + rng.uniform(-150, 150),
            "drift": rng.uniform(-9.5, 9.5),
            "sigma": (7.0, 8.1, rng.uniform(5, 11), rng.uniform(5, 11))[k % 4],
            "east": rng.uniform(-55, 55),
            "north": rng.uniform(-55, 55),
            "station": None,
        }
        one["of"] = len(STATIONS)
        if alone:
            one["of"], one["sigma"] = 1, rng.uniform(6.0, 14.0)
        if k >= each:
            one["of"] = 1
            one["station"] = rng.choice(list(STATIONS))
            # At that station: what is too weak to be found there, too.
            one["sigma"] = rng.choice([5.0, 7.0, 10.0, 20.0, 60.0])
        one["truly"] = rng.choice(list(STATIONS)) if control and k < each else one["station"]
        found.append(one)
    return found


def simulate(program, seed, each, control, folder, alone=False):
    """Makes a sky's recordings: what is in it, and the job."""
    rng = random.Random(seed)
    truth = carriers(rng, each, control, alone)
    config = os.path.join(folder, "trial.toml")
    with open(config, "w") as f:
        f.write(SKY.format(seed=seed))
        for code, position in STATIONS.items():
            f.write(f'[[stations]]\ncode = "{code}"\nposition_m = {position}\n')
        for k, one in enumerate(truth):
            f.write(f'[[transmitters]]\nname = "{k}"\nsky_mhz = {one["sky_hz"] / 1e6:.9f}\n')
            f.write(f'drift_hz_per_s = {one["drift"]}\namplitude = {amplitude_of(one["sigma"], one["of"])}\n')
            f.write(f'phase_deg = {rng.uniform(0, 360)}\n')
            if one["truly"]:
                f.write(f'station = "{one["truly"]}"\n')
            else:
                f.write(f'east_arcsec = {one["east"]}\nnorth_arcsec = {one["north"]}\n')
    subprocess.run([program, "simulate", config, "--out", folder], check=True, capture_output=True)
    return truth, os.path.join(folder, "trial.input")


def sky(program, seed, each, control):
    with tempfile.TemporaryDirectory() as folder:
        truth, job = simulate(program, seed, each, control, folder)
        search = [program, "search", "narrow", job, "--out", folder, "--stretch", "8", "--field", "80", "-q", "--channel-hz", str(CHANNEL_HZ)]
        ended = subprocess.run(search, check=True, capture_output=True, text=True)
        lines = [line for line in ended.stdout.splitlines() if "lines tried" in line]
        tried = float(lines[0].split()[0])
        with open(os.path.join(folder, "trial.narrow.csv")) as f:
            hits = list(csv.DictReader(f))
    return truth, hits, tried


def of_truth(hit, truth, hits=()):
    """The carrier that a hit is of: those on the sky by their line, those beside a station by its frequency there.

    For a hit of all stations together, the motion of a station is taken from other hits."""
    middle_s = float(hit["start_s"]) + 0.5 * float(hit["length_s"])
    sky_hz = float(hit["sky_mhz"]) * 1e6
    for one in truth:
        seen_hz = [sky_hz]
        if one["truly"] and hit["station"] == one["truly"]:
            seen_hz = [float(hit["station_mhz"]) * 1e6]
        elif one["truly"] and hit["station"] == "all":
            there = [h for h in hits if h["station"] == one["truly"] and h["start_s"] == hit["start_s"]]
            seen_hz = [sky_hz * float(h["station_mhz"]) / float(h["sky_mhz"]) for h in there]
        elif one["truly"]:
            continue
        if any(abs(seen - one["sky_hz"] - one["drift"] * middle_s) < 60.0 for seen in seen_hz):
            return one
    return None


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("--skies", type=int, default=4)
    arguments.add_argument("--each", type=int, default=60)
    arguments.add_argument("--control", action="store_true")
    arguments.add_argument("--csv")
    args = arguments.parse_args()
    rows, passed_locals, false_hits, tried, offs, local_hits = [], 0, 0, 0.0, [], 0
    for seed in range(1, args.skies + 1):
        truth, hits, lines = sky(args.program, seed, args.each, args.control)
        tried += lines
        for one in truth:
            one["hit"] = one["passes"] = False
        for hit in hits:
            one = of_truth(hit, truth, hits)
            # Only the first stretch counts for completeness: one trial for each carrier.
            first = float(hit["start_s"]) == 0.0
            if one is None:
                false_hits += 1
                print(f"false hit: {hit['sky_mhz']} MHz at {hit['station']}, sigma {hit['sigma']}, {hit['outcome']}")
                passed_locals += hit["outcome"] == "passes"
            elif one["station"]:
                local_hits += 1
                passed_locals += hit["outcome"] == "passes"
            else:
                one["hit"] |= first
                if first and hit["outcome"] == "passes":
                    one["passes"] = True
                    one["told"] = float(hit["sigma_all"])
                if hit["outcome"] == "passes" and hit["ra_deg"]:
                    for axis in ("east", "north"):
                        error = float(hit[f"{axis}_error_arcsec"])
                        offs.append((float(hit[f"{axis}_arcsec"]) - one[axis]) / error)
        rows += [one for one in truth if not one["station"]]
    if not rows or not tried:
        print("nothing was compared")
        return 70
    print(f"{len(rows)} carriers on the sky in {args.skies} skies; hit, and passed:")

    def tell(name, inside):
        hit, passes = (sum(r[k] for r in inside) / max(len(inside), 1) for k in ("hit", "passes"))
        print(f"  injected sigma {name}: {len(inside):4d} carriers, hit {hit:.3f}, passed {passes:.3f}")
        return passes

    at = {sigma: [r for r in rows if r["sigma"] == sigma] for sigma in TARGETS}
    for low in range(5, 11):
        tell(f"{low} to {low + 1}", [r for r in rows if low <= r["sigma"] < low + 1 and r["sigma"] not in TARGETS])
    complete = {sigma: tell(f"{sigma}", at[sigma]) for sigma in TARGETS}
    off = [r["told"] - r["sigma"] for r in rows if r["passes"] and r["sigma"] >= 9]
    if off:
        print(f"sigma_all of what passes, less the injected (9 and more): mean {sum(off) / len(off):+.2f}")
    inside = sum(abs(o) < 2 for o in offs) / max(len(offs), 1)
    expected = tried * math.exp(-0.5 * 6.44**2)
    print(f"positions within two errors: {inside:.3f} of {len(offs)} (Gaussian: 0.954)")
    print(f"{local_hits} hits of carriers beside a station, {passed_locals} passed that should not")
    print(f"{tried:.3g} lines tried, {false_hits} false hits, fewer than {expected:.2f} expected")
    # Three standard deviations of the trials below what is wanted at most.
    short = [
        sigma
        for sigma, wanted in TARGETS.items()
        if complete[sigma] < wanted - 3 * math.sqrt(wanted * (1 - wanted) / max(len(at[sigma]), 1))
    ]
    good = not short and passed_locals == 0 and local_hits > 0 and false_hits <= 3 + 3 * expected
    good = good and 0.85 <= inside
    print("wanted: " + ", ".join(f"{wanted} passed at {sigma}" for sigma, wanted in TARGETS.items()))
    if args.csv:
        with open(args.csv, "w") as f:
            f.write("sigma,hit,passes\n" + "".join(f"{r['sigma']:.3f},{r['hit']:d},{r['passes']:d}\n" for r in rows))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
