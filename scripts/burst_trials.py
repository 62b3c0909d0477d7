"""Trials of kvn-corr search bursts: dispersed pulses of known strength on the sky, bursts of noise beside stations, and noise alone.

usage: burst_trials.py KVN_CORR [--skies N] [--noise N] [--first SEED] [--seconds S] [--jobs N] [--control] [--csv FILE]

Each simulated sky (three stations, two bands of 1 MHz at 600 MHz, 2 bits) has four pulses in a second, in slots of their own: five of six
on the sky, at places of their own in the field, the others bursts of noise at single stations; times, widths (4 to 16 ms), dispersion measures (0 to
450 pc cm-3) and places are random at fixed seeds. NOISE more skies have nothing but noise. All are searched with the default threshold.

The sigma injected is that of an ideal matched filter over all baselines, which knows direction, dispersion, time and width: the
amplitude of the sum of all baselines' correlations in phase over the standard deviation of its real part, sqrt(N (N - 1) n) r, for N stations, n independent
complex samples in the pulse's own time and band (channel 0 not counted) and r the correlation coefficient of a baseline, the pulse's power over the system's times
what 2-bit samples keep of it. Of such an amplitude noise leaves 73 % above 6.44 at 7 sigma, 95 % at 8.1. The sigma that the sum of the
stations' powers would have is told, too: it is lower, by the root of N - 1 and more.

Prints completeness over injected sigma, times, dispersion measures and positions against their errors, what passed that
should not have, and false hits in noise against what the threshold allows. Exit 0: at least 73 % at 7 and 95 % at 8.1 sigma pass (less two
standard deviations of so many trials), no burst of a station, and no more hits of noise than the threshold allows (Poisson, 3 sigma), 1: not,
70: nothing was compared.

--control: the pulses that should be on the sky are bursts at one station each, which the script is not told: none passes, and
the completeness must fail.
"""
import argparse
import concurrent.futures
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
# What is so near to a pulse is taken for it.
NEAR_S = 0.06
THRESHOLD = 6.44
DISPERSION_S = 1e12 / 2.41e-4
# Sigma injected, as often as they come.
LEVELS = [5.0, 6.0, 6.44, 7.0, 7.0, 7.0, 7.5, 8.1, 8.1, 8.1, 9.0, 11.0]
TARGETS = {7.0: 0.73, 8.1: 0.95}
NOISE_THRESHOLDS = [THRESHOLD, 5.26]
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


def powers_sigma(power, width_s, dm, stations):
    """sigma of the sum of the stations' powers in a boxcar as long as the pulse, which has so much power in units of the system's"""
    n = stations * BANDS * BAND_HZ * USED * width_s
    # Of the powers of a pulse, the share of the band that is in it at the same time.
    crossed = sweep_s(dm, EDGE_MHZ, EDGE_MHZ + BAND_HZ / 1e6) / width_s
    together = 1 - crossed / 3 if crossed <= 1 else 1 / crossed - 1 / (3 * crossed**2)
    excess = power * (KEPT + MORE * together) / math.sqrt(1 + (SPREAD - 1) * together)
    return math.sqrt(-2 * ln_chance(n, n * (1 + excess)))


def local_power(sigma, width_s):
    """power of a burst at one station that has this sigma there"""
    low, high = 1e-4, 1e2
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if powers_sigma(middle, width_s, 0.0, 1) < sigma else (low, middle)
    return high


def sky_power(sigma, width_s):
    """power of a pulse that has this sigma on all baselines together"""
    n, stations = BANDS * BAND_HZ * USED * width_s, len(STATIONS)
    return sigma / math.sqrt(stations * (stations - 1) * n) / KEPT


def pulses(rng, seconds, control):
    """What is in a sky, in slots of its own."""
    slots = [0.25 + SLOT_S * k for k in range(int((seconds - 0.6) / SLOT_S))]
    rng.shuffle(slots)
    found = []
    for k, slot in enumerate(slots):
        one = {
            "at": slot + rng.uniform(0.0, 0.1),
            "width": rng.uniform(4e-3, 16e-3),
            "dm": rng.uniform(0.0, 450.0),
            "sigma": rng.choice(LEVELS),
            "east": rng.uniform(-55, 55),
            "north": rng.uniform(-55, 55),
            "station": None,
        }
        if k % 6 == 5:
            one["station"] = rng.choice(list(STATIONS))
            one["sigma"] = rng.choice([5.0, 6.0, 8.0, 15.0, 40.0])
            one["power"] = local_power(one["sigma"], one["width"])
        else:
            one["power"] = sky_power(one["sigma"], one["width"])
        one["powers_sigma"] = powers_sigma(one["power"], one["width"], one["dm"], len(STATIONS))
        one["truly"] = rng.choice(list(STATIONS)) if control and not one["station"] else one["station"]
        found.append(one)
    return found


def simulate(program, seed, truth, seconds, folder):
    """Makes a sky's recordings; the job."""
    config = os.path.join(folder, "trial.toml")
    with open(config, "w") as f:
        f.write(SKY.format(seed=seed, seconds=float(seconds)))
        for code, position in STATIONS.items():
            f.write(f'[[stations]]\ncode = "{code}"\nposition_m = {position}\n')
        for k, one in enumerate(truth):
            amplitude = math.sqrt(one["power"])
            if one["truly"]:
                f.write(f'[[bursts]]\nstation = "{one["truly"]}"\nat_s = {one["at"] - one["width"] / 2:.6f}\n')
                f.write(f'duration_ms = {1e3 * one["width"]:.6f}\namplitude = {amplitude}\n')
            else:
                f.write(f'[[pulses]]\nname = "{k}"\nat_s = {one["at"]:.6f}\nwidth_ms = {1e3 * one["width"]:.6f}\n')
                f.write(f'dm_pc_cm3 = {one["dm"]}\namplitude = {amplitude}\n')
                f.write(f'east_arcsec = {one["east"]}\nnorth_arcsec = {one["north"]}\n')
    subprocess.run([program, "simulate", config, "--out", folder], check=True, capture_output=True)
    return os.path.join(folder, "trial.input")


def search(program, job, folder, threshold):
    """hits, and boxcars tried"""
    command = [program, "search", "bursts", job, "--out", folder, "--field", "80", "--dm-max", "500", "--fresh"]
    command += ["--dump-ms", str(DUMP_MS), "--threshold", str(threshold), "-q"]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    lines = [line for line in ended.stdout.splitlines() if "boxcars tried" in line]
    with open(os.path.join(folder, "trial.bursts.csv")) as f:
        return list(csv.DictReader(f)), float(lines[0].split()[0])


def sky(program, seed, seconds, control):
    """a sky with pulses: what is in it, and what was found"""
    truth = pulses(random.Random(seed), seconds, control)
    with tempfile.TemporaryDirectory() as folder:
        job = simulate(program, seed, truth, seconds, folder)
        return truth, *search(program, job, folder, THRESHOLD)


def empty(program, seed, seconds):
    """a sky of noise, searched down to the lowest threshold: for each threshold hits, what passed and boxcars tried"""
    with tempfile.TemporaryDirectory() as folder:
        job = simulate(program, seed, [], seconds, folder)
        hits, tried = search(program, job, folder, min(NOISE_THRESHOLDS))
    found = []
    for threshold in NOISE_THRESHOLDS:
        least = -0.5 * threshold**2
        strong = [hit for hit in hits if float(hit["ln_chance"]) <= least]
        passed = [hit for hit in hits if hit["outcome"] == "passes" and float(hit["ln_joint"]) <= least]
        found.append((len({id(hit) for hit in strong + passed}), len(passed), tried))
    return found


def of_truth(hit, truth):
    """The pulse that a hit is of: they are far apart in time. A burst at a station is up to 21 ms from its geocentric time."""
    for one in truth:
        if abs(float(hit["arrival_s"]) - one["at"]) < NEAR_S:
            return one
    return None


class Trials:
    """What was found in all skies."""

    def __init__(self):
        self.rows, self.locals = [], []
        self.tried, self.false_hits, self.wrong = 0.0, 0, 0
        self.off_time, self.off_dm, self.places, self.kept = [], [], [], []

    def add(self, truth, hits, tried, seconds):
        # Where there are pulses nothing is taken for false.
        self.tried += tried * (1 - 2 * NEAR_S * len(truth) / seconds)
        for one in truth:
            one["hit"] = one["passes"] = False
        for hit in hits:
            one, passes = of_truth(hit, truth), hit["outcome"] == "passes"
            if one is None:
                self.false_hits += 1
                print(f"false hit: {hit['arrival_s']} s in {hit['found_in']}, sigma {hit['sigma']}, {hit['outcome']}")
            if (one is None or one["station"]) and passes:
                self.wrong += 1
                print(f"passed: {hit['arrival_s']} s in {hit['found_in']}, sigma {hit['sigma']}, of {one}")
            if one is None:
                continue
            one["hit"] = True
            if passes and not one["station"] and not one["passes"]:
                one["passes"] = True
                self.measured(one, hit)
        self.rows += [one for one in truth if not one["station"]]
        self.locals += [one for one in truth if one["station"]]

    def measured(self, one, hit):
        """time, dispersion and place of what passed against the truth"""
        self.off_dm.append((float(hit["dm_pc_cm3"]) - one["dm"]) / float(hit["dm_error"]))
        self.off_time.append((float(hit["arrival_s"]) - one["at"]) / one["width"])
        z = sum(0.5 * float(pair.split(":")[1]) ** 2 - 1 for pair in hit["cross_sigma"].split())
        self.kept.append((one["sigma"], z / (0.5 * one["sigma"] ** 2)))
        for axis in ("east", "north") if hit["ra_deg"] else ():
            error = float(hit[f"{axis}_error_arcsec"])
            self.places.append((float(hit[f"{axis}_arcsec"]) - one[axis]) / error)


def complete(rows):
    """completeness by injected sigma, as it is told and as it was wanted; whether it is good enough"""
    good = True
    for level in sorted(set(LEVELS)):
        inside = [r for r in rows if r["sigma"] == level]
        if not inside:
            continue
        n = len(inside)
        powers = sum(r["powers_sigma"] for r in inside) / n
        hit, passes = (sum(r[k] for r in inside) / n for k in ("hit", "passes"))
        text = f"  injected sigma {level:5.2f} (powers {powers:5.2f}): {n:4d} pulses, hit {hit:.3f}, passed {passes:.3f}"
        wanted = TARGETS.get(level)
        if wanted:
            text += f" (wanted {wanted})"
            good = good and passes >= wanted - 2 * math.sqrt(wanted * (1 - wanted) / n)
        print(text)
    return good


def false_alarms(noise):
    """hits in noise alone against what each threshold allows; whether they are few enough"""
    good = True
    for k, threshold in enumerate(NOISE_THRESHOLDS if noise else ()):
        hits, passed, tried = (sum(found[k][i] for found in noise) for i in range(3))
        allowed = tried * math.exp(-0.5 * threshold**2)
        print(f"noise alone, threshold {threshold}: {hits} hits, {passed} passed, {tried:.3g} boxcars tried, fewer than {allowed:.2f} allowed")
        good = good and hits <= allowed + 3 * math.sqrt(allowed + 0.25)
    return good


def share(values, most):
    return sum(abs(v) < most for v in values) / max(len(values), 1)


def tell(trials, noise):
    if not trials.rows:
        return false_alarms(noise)
    print(f"{len(trials.rows)} pulses on the sky; hit in any station or their sum, and passed:")
    good = complete(trials.rows)
    strong = [z for sigma, z in trials.kept if sigma >= 9]
    print(f"cross power found over injected (9 sigma and more): {sum(strong) / max(len(strong), 1):.3f}")
    times, dms, places = share(trials.off_time, 1), share(trials.off_dm, 2), share(trials.places, 2)
    print(f"arrivals within a width: {times:.3f}; dispersion measures within two errors: {dms:.3f}")
    print(f"positions within two errors: {places:.3f} of {len(trials.places)} (Gaussian: 0.954)")
    local = sum(one["hit"] for one in trials.locals)
    print(f"{local} of {len(trials.locals)} bursts beside a station were hit, {trials.wrong} passed that should not")
    print(f"{trials.tried:.3g} boxcars tried between pulses, {trials.false_hits} false hits, fewer than {trials.tried * math.exp(-0.5 * THRESHOLD**2):.2f} allowed")
    good = good and trials.wrong == 0 and local > 0
    good = good and trials.false_hits <= 3 + 3 * trials.tried * math.exp(-0.5 * THRESHOLD**2)
    good = false_alarms(noise) and good
    return good and 0.88 <= places and dms >= 0.9 and times >= 0.95


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("--skies", type=int, default=2)
    arguments.add_argument("--noise", type=int, default=0)
    arguments.add_argument("--seconds", type=float, default=20.0)
    arguments.add_argument("--first", type=int, default=101)
    arguments.add_argument("--jobs", type=int, default=1)
    arguments.add_argument("--control", action="store_true")
    arguments.add_argument("--csv")
    args = arguments.parse_args()
    trials, seeds = Trials(), range(args.first, args.first + args.skies)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        skies = pool.map(lambda seed: sky(args.program, seed, args.seconds, args.control), seeds)
        noise = pool.map(lambda k: empty(args.program, 10_000 + args.first + k, args.seconds), range(args.noise))
        for found in skies:
            trials.add(*found, args.seconds)
        noise = list(noise)
    if not trials.rows and not noise:
        print("nothing was compared")
        return 70
    good = tell(trials, noise)
    if args.csv:
        with open(args.csv, "w") as f:
            f.write("sigma,powers_sigma,width_ms,dm,hit,passes\n")
            f.writelines(
                f"{r['sigma']:.3f},{r['powers_sigma']:.3f},{1e3 * r['width']:.3f},{r['dm']:.2f},{r['hit']:d},{r['passes']:d}\n"
                for r in trials.rows
            )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
