"""Compares kvn-corr search powers with turbo_seti on the same filterbank files: drifting tones that setigen puts into noise.

usage: powers_diff.py KVN_CORR [--files N] [--tones N] [--channels N] [--control] [--csv FILE]

Needs setigen, blimpy and turbo_seti (with numpy below 2.3); without them nothing is compared (exit 70). Each file has 32 spectra of 0.25 s
with channels of 4 Hz (seeds are fixed) and tones of 5 to 30 standard deviations of a line's sum, drifts up to 10 Hz/s, in noise of two polarisations, and
a file of noise alone is searched as well. turbo_seti searches at its signal to noise of 10, kvn-corr at 6.44 sigma; a second turn has turbo_seti
at the threshold that noise exceeds as rarely as kvn-corr's.
Prints what both find of the tones, hits of nothing, and CPU seconds (medians of three): whole processes, and of turbo_seti the search alone, warm, too.
Exit 0: kvn-corr finds what turbo_seti finds at least, with no more hits of nothing, at a tenth of the CPU time; 1: not.

--control: the frequencies of kvn-corr's hits are moved by 500 Hz before they are compared: that must fail.
"""
import argparse
import csv
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile

SPECTRA, CHANNEL_HZ, SPECTRUM_S, MOST_DRIFT, FIRST_HZ = 32, 4.0, 0.25, 10.0, 22_000e6
NEAR_HZ = 40.0
# turbo_seti takes the scatter of the middle nine tenths: of Gaussian noise this is 0.79 of all.
TRIMMED = 0.79
SEARCH = """
import logging, resource, sys, contextlib, io
logging.disable(logging.CRITICAL)
def cpu():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime
from turbo_seti.find_doppler.find_doppler import FindDoppler
path, out, snr, times = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
took = 0.0
for _ in range(times):
    began = cpu()
    with contextlib.redirect_stdout(io.StringIO()):
        FindDoppler(path, max_drift=10, snr=snr, out_dir=out, n_coarse_chan=1, blank_dc=False).search()
    took = cpu() - began
print(took)
"""


def make(folder, seed, tones, channels):
    """A file as .fil and .h5, and what is in it: Hz at the start, Hz/s, standard deviations of a line's sum."""
    import setigen
    from astropy import units

    frame = setigen.Frame(
        fchans=channels, tchans=SPECTRA, df=CHANNEL_HZ * units.Hz, dt=SPECTRUM_S * units.s, fch1=FIRST_HZ * units.Hz, seed=seed
    )
    frame.add_noise(x_mean=10, noise_type="chi2")
    rng, truth = random.Random(seed), []
    for k in range(tones):
        at = int(channels * (k + 0.5) / tones)
        drift, sigma = rng.uniform(-MOST_DRIFT, MOST_DRIFT), rng.uniform(5.0, 30.0)
        start = frame.get_frequency(at)
        frame.add_signal(
            setigen.constant_path(f_start=start, drift_rate=drift * units.Hz / units.s),
            setigen.constant_t_profile(level=frame.get_intensity(snr=sigma)),
            setigen.box_f_profile(width=CHANNEL_HZ * units.Hz),
            setigen.constant_bp_profile(level=1),
            bounding_f_range=(start - 2000.0, start + 2000.0),
        )
        truth.append((float(start), drift, sigma))
    base = os.path.join(folder, f"made{seed}-{tones}")
    frame.save_fil(base + ".fil")
    frame.save_h5(base + ".h5")
    return base, truth


def cpu_of(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ended.stdout


def ours(program, base, out):
    took, told = [], ""
    for _ in range(3):
        cpu_s, told = cpu_of([program, "search", "powers", base + ".fil", "--drift-hz-per-s", str(MOST_DRIFT), "--out", out])
        took.append(cpu_s)
    with open(os.path.join(out, os.path.basename(base) + ".powers.csv")) as f:
        hits = [(1e6 * float(h["start_mhz"]), float(h["drift_hz_per_s"])) for h in csv.DictReader(f)]
    return hits, statistics.median(took), told


def theirs(base, out, snr, timed):
    command = [sys.executable, "-c", SEARCH, base + ".h5", out, str(snr)]
    whole = [cpu_of(command + ["1"])[0] for _ in range(3 if timed else 1)]
    warm = [float(cpu_of(command + ["3"])[1].split()[-1]) for _ in range(3 if timed else 0)]
    hits = []
    with open(os.path.join(out, os.path.basename(base) + ".dat")) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                words = line.split()
                hits.append((1e6 * float(words[3]), float(words[1])))
    return hits, statistics.median(whole), statistics.median(warm) if warm else 0.0


def compare(hits, truth):
    """Tones that are found, by number, and hits of none."""
    found, nothing = set(), 0
    for sky_hz, _ in hits:
        near = [k for k, one in enumerate(truth) if abs(one[0] - sky_hz) < NEAR_HZ]
        found.update(near)
        nothing += not near
    return found, nothing


def snr_of(looks):
    """turbo_seti's signal to noise that noise exceeds with 1e-9 on one line, as 6.44 sigma are."""
    from scipy.stats import gamma

    n = SPECTRA * looks
    return float((gamma.isf(1e-9, n) - n) / n**0.5 / TRIMMED)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("--files", type=int, default=2)
    arguments.add_argument("--tones", type=int, default=120)
    arguments.add_argument("--channels", type=int, default=1 << 20)
    arguments.add_argument("--control", action="store_true")
    arguments.add_argument("--csv")
    args = arguments.parse_args()
    try:
        import setigen  # noqa: F401
        import turbo_seti  # noqa: F401
    except ImportError as missing:
        print(f"skipped, nothing compared: {missing}")
        return 70
    equal = snr_of(2)
    names = ["kvn-corr, 6.44 sigma", "turbo_seti, S/N 10", f"turbo_seti, S/N {equal:.2f}"]
    total = {name: {"found": 0, "nothing": 0, "noise": 0} for name in names}
    cpu, count, rows = {"ours": [], "whole": [], "warm": []}, 0, []
    for seed in range(1, args.files + 1):
        for tones in (args.tones, 0):
            with tempfile.TemporaryDirectory() as folder:
                base, truth = make(folder, seed, tones, args.channels)
                hits, cpu_s, _ = ours(args.program, base, folder)
                if args.control:
                    hits = [(sky_hz + 500.0, drift) for sky_hz, drift in hits]
                at_ten, whole_s, warm_s = theirs(base, folder, 10, tones > 0)
                at_equal, _, _ = theirs(base, folder, equal, False)
            count += tones
            results = [compare(h, truth) for h in (hits, at_ten, at_equal)]
            for name, (found, nothing) in zip(names, results):
                total[name]["found"] += len(found)
                total[name]["nothing" if tones else "noise"] += nothing
            rows += [(seed, *one, *(k in found for found, _ in results)) for k, one in enumerate(truth)]
            if tones:
                for key, value in zip(cpu, (cpu_s, whole_s, warm_s)):
                    cpu[key].append(value)
    if args.csv:
        with open(args.csv, "w", newline="") as f:
            csv.writer(f).writerows([("seed", "start_hz", "drift_hz_per_s", "sigma", *names), *rows])
    print(f"{count} tones in {args.files} files of {args.channels} channels and {SPECTRA} spectra, and as many files of noise")
    for name in names:
        one = total[name]
        print(f"{name}: {one['found']} found, {one['nothing']} hits of nothing beside them, {one['noise']} in noise alone")
    for low, high in ((5, 8), (8, 10), (10, 12), (12, 16), (16, 30)):
        here = [row for row in rows if low <= row[3] < high]
        print(f"{low} to {high} standard deviations, {len(here)} tones: found " + ", ".join(str(sum(r[4 + k] for r in here)) for k in range(3)))
    mine, whole, warm = (statistics.median(cpu[key]) for key in cpu)
    print(f"CPU of a process: kvn-corr {mine:.3f} s, turbo_seti {whole:.2f} s (ratio {mine / whole:.3f}); its search alone, warm, {warm:.3f} s (ratio {mine / warm:.3f})")
    a, b = total[names[0]], total[names[1]]
    good = count and a["found"] >= b["found"] and a["nothing"] + a["noise"] <= b["nothing"] + b["noise"] + 1
    return 0 if good and mine <= 0.1 * whole else 1


if __name__ == "__main__":
    sys.exit(main())
