"""Trials of kvn-corr search bursts: dispersed pulses of known strength on the sky, bursts of noise beside stations, and noise.

usage: burst_trials.py KVN_CORR [--skies N] [--seconds S] [--first SEED] [--control] [--csv FILE]

Each simulated sky (three stations, two bands of 1 MHz at 600 MHz, 2 bits) has two pulses on the sky in a second, at places of
their own in the field, and half as many bursts of noise at single stations; times, widths (4 to 16 ms), dispersion
measures (0 to 450 pc cm-3) and strengths are random at fixed seeds. The strength of a pulse is told as the sigma that its
mean powers have, summed over the stations, in a boxcar as long as it is, with no loss by dumps, boxcars or trials of
dispersion: what 2-bit samples leave of a rise in power is worked out from their levels.
Prints completeness over injected sigma, times, dispersion measures and positions against their errors, what passed that
should not have, and false hits against what the threshold allows. Exit 0: all within bounds, 1: not, 70: nothing was compared.

--control: the pulses that should be on the sky are bursts at one station each, which the script is not told: none passes, and
the completeness must fail.
"""
import argparse
import csv
import math
import os
import random
import subprocess
import sys
import tempfile

from narrow_trials import STATIONS

EDGE_MHZ = 600.0
BAND_HZ = 1e6
BANDS = 2
# Channel 0 of 64 is not used.
USED = 63 / 64
DUMP_MS = 1.0
SLOT_S = 0.25
THRESHOLD = 6.44
DISPERSION_S = 1e12 / 2.41e-4
SKY = """name = "trial"
seed = {seed}
start_mjd = 60000
start_second = 36000
duration_s = {seconds}
bits = 2
frame_bytes = 1032
channels = 64
integration_s = 0.064
ra_deg = 343.5
dec_deg = 16.1
[[bands]]
edge_mhz = 600.0
bandwidth_mhz = 1.0
sideband = "upper"
polarization = "L"
[[bands]]
edge_mhz = 602.0
bandwidth_mhz = 1.0
sideband = "lower"
polarization = "L"
"""


def two_bits(threshold=0.981599, high=3.3359):
    """What 2-bit samples make of a rise p in power, all small: in a narrow part of the band its powers rise by kept p, and those
    of all the band by more p as well; the total power scatters by the root of spread of what independent powers do."""
    density = math.exp(-0.5 * threshold**2) / math.sqrt(2 * math.pi)
    outer = math.erfc(threshold / math.sqrt(2))
    power = 1 - outer + outer * high**2
    gain = 2 * (1 / math.sqrt(2 * math.pi) + (high - 1) * density)
    kept = gain**2 / power
    # d ln(power) / d ln(input power)
    total = (high**2 - 1) * density * threshold / power
    fourth = 1 - outer + outer * high**4
    spread = (fourth - power**2) / (2 * power**2)
    return kept, total - kept, spread


KEPT, MORE, SPREAD = two_bits()


def ln_chance(n, x):
    """ln P(sum of n exponential powers > x), many of them: Temme's expansion"""
    excess = x / n - 1
    eta = math.copysign(math.sqrt(2 * (excess - math.log1p(excess))), excess)
    near = eta * math.sqrt(n / 2)
    if near > 20:
        return -near * near - math.log(2 * near * math.sqrt(math.pi))
    correction = 1 / excess - 1 / eta if abs(excess) > 1e-3 else -1 / 3 + eta / 12
    return math.log(0.5 * math.erfc(near) + correction * math.exp(-near * near) / math.sqrt(2 * math.pi * n))


def sweep_s(dm, low_mhz, high_mhz):
    return DISPERSION_S * dm * ((low_mhz * 1e6) ** -2 - (high_mhz * 1e6) ** -2)


def sigma_of(power, width_s, dm, stations):
    """sigma of a pulse with so much power in units of the system's"""
    n = stations * BANDS * BAND_HZ * USED * width_s
    # Of the powers of a pulse, the share of the band that is in it at the same time.
    crossed = sweep_s(dm, EDGE_MHZ, EDGE_MHZ + BAND_HZ / 1e6) / width_s
    together = 1 - crossed / 3 if crossed <= 1 else 1 / crossed - 1 / (3 * crossed**2)
    excess = power * (KEPT + MORE * together) / math.sqrt(1 + (SPREAD - 1) * together)
    return math.sqrt(-2 * ln_chance(n, n * (1 + excess)))


def amplitude_of(sigma, width_s, dm, stations):
    low, high = 1e-4, 1e2
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if sigma_of(middle, width_s, dm, stations) < sigma else (low, middle)
    return math.sqrt(high)


def pulses(rng, seconds, control):
    """What is in a sky, in slots of its own."""
    slots = [0.25 + SLOT_S * k for k in range(int((seconds - 0.6) / SLOT_S))]
    rng.shuffle(slots)
    found = []
    for k, slot in enumerate(slots[: len(slots) * 3 // 4]):
        one = {
            "at": slot + rng.uniform(0.0, 0.1),
            "width": rng.uniform(4e-3, 16e-3),
            "dm": rng.uniform(0.0, 450.0),
            "sigma": rng.uniform(6.0, 10.0) if rng.random() < 0.8 else rng.uniform(10.0, 16.0),
            "east": rng.uniform(-55, 55),
            "north": rng.uniform(-55, 55),
            "station": None,
        }
        if k % 3 == 2:
            one["station"] = rng.choice(list(STATIONS))
            one["sigma"] = rng.choice([8.0, 15.0, 40.0])
        one["truly"] = rng.choice(list(STATIONS)) if control and not one["station"] else one["station"]
        found.append(one)
    return found


def simulate(program, seed, seconds, control, folder):
    """Makes a sky's recordings: what is in it, and the job."""
    rng = random.Random(seed)
    truth = pulses(rng, seconds, control)
    config = os.path.join(folder, "trial.toml")
    with open(config, "w") as f:
        f.write(SKY.format(seed=seed, seconds=float(seconds)))
        for code, position in STATIONS.items():
            f.write(f'[[stations]]\ncode = "{code}"\nposition_m = {position}\n')
        for k, one in enumerate(truth):
            if one["truly"]:
                amplitude = amplitude_of(one["sigma"], one["width"], 0.0, 1)
                f.write(f'[[bursts]]\nstation = "{one["truly"]}"\nat_s = {one["at"] - one["width"] / 2:.6f}\n')
                f.write(f'duration_ms = {1e3 * one["width"]:.6f}\namplitude = {amplitude}\n')
            else:
                amplitude = amplitude_of(one["sigma"], one["width"], one["dm"], len(STATIONS))
                f.write(f'[[pulses]]\nname = "{k}"\nat_s = {one["at"]:.6f}\nwidth_ms = {1e3 * one["width"]:.6f}\n')
                f.write(f'dm_pc_cm3 = {one["dm"]}\namplitude = {amplitude}\n')
                f.write(f'east_arcsec = {one["east"]}\nnorth_arcsec = {one["north"]}\n')
    subprocess.run([program, "simulate", config, "--out", folder], check=True, capture_output=True)
    return truth, os.path.join(folder, "trial.input")


def sky(program, seed, seconds, control):
    with tempfile.TemporaryDirectory() as folder:
        truth, job = simulate(program, seed, seconds, control, folder)
        search = [program, "search", "bursts", job, "--out", folder, "--field", "80", "--dm-max", "500"]
        search += ["--dump-ms", str(DUMP_MS), "--threshold", str(THRESHOLD), "-q"]
        ended = subprocess.run(search, check=True, capture_output=True, text=True)
        lines = [line for line in ended.stdout.splitlines() if "boxcars tried" in line]
        with open(os.path.join(folder, "trial.bursts.csv")) as f:
            hits = list(csv.DictReader(f))
    return truth, hits, float(lines[0].split()[0])


def of_truth(hit, truth):
    """The pulse that a hit is of: they are far apart in time. A burst at a station is up to 21 ms from its geocentric time."""
    for one in truth:
        if abs(float(hit["arrival_s"]) - one["at"]) < 0.06:
            return one
    return None


def probit(rows):
    """Sigma at which half of the pulses pass, and by how much more 84 % do: the likeliest."""
    best = (-math.inf, 0.0, 1.0)
    for half in [5.5 + 0.02 * k for k in range(126)]:
        for wide in [0.3 + 0.05 * k for k in range(40)]:
            sum_ln = 0.0
            for row in rows:
                chance = 0.5 * math.erfc((half - row["sigma"]) / wide / math.sqrt(2))
                sum_ln += math.log(max(chance if row["passes"] else 1 - chance, 1e-9))
            best = max(best, (sum_ln, half, wide))
    return best[1:]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("--skies", type=int, default=4)
    arguments.add_argument("--seconds", type=float, default=20.0)
    arguments.add_argument("--first", type=int, default=1)
    arguments.add_argument("--control", action="store_true")
    arguments.add_argument("--csv")
    args = arguments.parse_args()
    rows, passed_locals, false_hits, tried, local_hits, locals_all = [], 0, 0, 0.0, 0, 0
    offs, ratios, places = {"time": [], "dm": []}, [], []
    for seed in range(args.first, args.first + args.skies):
        truth, hits, boxcars = sky(args.program, seed, args.seconds, args.control)
        tried += boxcars
        for one in truth:
            one["hit"] = one["passes"] = False
        for hit in hits:
            one = of_truth(hit, truth)
            if one is None:
                false_hits += 1
                print(f"false hit: {hit['arrival_s']} s in {hit['found_in']}, sigma {hit['sigma']}, {hit['outcome']}")
                passed_locals += hit["outcome"] == "passes"
            elif one["station"]:
                one["hit"] = True
                local_hits += 1
                passed_locals += hit["outcome"] == "passes"
            else:
                one["hit"] = True
                if hit["outcome"] == "passes" and not one["passes"]:
                    one["passes"] = True
                    ratios.append(float(hit["sigma"]) / one["sigma"])
                    offs["dm"].append((float(hit["dm_pc_cm3"]) - one["dm"]) / float(hit["dm_error"]))
                    offs["time"].append((float(hit["arrival_s"]) - one["at"]) / one["width"])
                    if hit["ra_deg"]:
                        for axis in ("east", "north"):
                            error = float(hit[f"{axis}_error_arcsec"])
                            places.append((float(hit[f"{axis}_arcsec"]) - one[axis]) / error)
        rows += [one for one in truth if not one["station"]]
        locals_all += sum(1 for one in truth if one["station"])
    if not rows or not tried:
        print("nothing was compared")
        return 70
    print(f"{len(rows)} pulses on the sky in {args.skies} skies; hit in any station or their sum, and passed:")
    for low in range(6, 16):
        inside = [r for r in rows if low <= r["sigma"] < low + 1]
        if inside:
            hit, passes = (sum(r[k] for r in inside) / len(inside) for k in ("hit", "passes"))
            print(f"  injected sigma {low} to {low + 1}: {len(inside):4d} pulses, hit {hit:.3f}, passed {passes:.3f}")
    half, wide = probit(rows)
    at = [0.5 * math.erfc((half - sigma) / wide / math.sqrt(2)) for sigma in (7.0, 8.1)]
    print(f"half of them pass at {half:.2f} sigma; fitted: {100 * at[0]:.0f} % at 7, {100 * at[1]:.0f} % at 8.1")
    strong = [r["passes"] for r in rows if r["sigma"] >= 9]
    complete = sum(strong) / max(len(strong), 1)
    share = lambda values, most: sum(abs(v) < most for v in values) / max(len(values), 1)
    mean = sum(ratios) / max(len(ratios), 1)
    inside = share(places, 2)
    expected = tried * math.exp(-0.5 * THRESHOLD**2)
    print(f"sigma found over injected, of what passed: {mean:.3f} in the mean")
    print(f"arrivals within a width: {share(offs['time'], 1):.3f}; dispersion measures within two errors: {share(offs['dm'], 2):.3f}")
    print(f"positions within two errors: {inside:.3f} of {len(places)} (Gaussian: 0.954)")
    print(f"{local_hits} hits of {locals_all} bursts beside a station, {passed_locals} passed that should not")
    print(f"{tried:.3g} boxcars tried, {false_hits} false hits, fewer than {expected:.2f} expected")
    print(f"complete at 9 sigma and more: {complete:.3f} (at least 0.95)")
    good = complete >= 0.95 and passed_locals == 0 and local_hits > 0 and false_hits <= 3 + 3 * expected
    good = good and 0.88 <= inside and share(offs["dm"], 2) >= 0.9 and share(offs["time"], 1) >= 0.95
    if args.csv:
        with open(args.csv, "w") as f:
            f.write("sigma,width_ms,dm,hit,passes\n")
            f.writelines(
                f"{r['sigma']:.3f},{1e3 * r['width']:.3f},{r['dm']:.2f},{r['hit']:d},{r['passes']:d}\n" for r in rows
            )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
