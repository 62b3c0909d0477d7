"""Trials of kvn-corr search (compact sources): sources of known strength in noise, and noise alone; what is found of them.

usage: compact_trials.py KVN_CORR [--each N] [--noise N] [--control] [--csv FILE] [--svg FILE]

A small job of three stations and eight phase centres is simulated and correlated once (twice: with few channels and integrations for the
sources, with many, which allow wide fields, for noise alone); its visibilities are then replaced by noise (Gaussian, weights of 1) at fixed seeds, with one source in each phase centre at a random place, with a random phase on
each baseline: EACH sources (rounded up to whole jobs) for each strength, and NOISE jobs of eight wide fields of noise alone.

The sigma injected is what the statistic would be at the exact position without noise: the sum over the baselines of
|weighted sum of the source's visibilities|^2 over its mean in noise, told as sigma as the search tells it. (With the mean of the noise's own powers
added the same sources would have the sigma in the second column.) Of one amplitude of S sigma noise leaves about Phi(S - 6.44)
above the threshold, whatever the search: 71 % at 7, 95 % at 8.1.

Prints completeness over injected sigma, positions against their errors, and false candidates against the points of the direction
grid and of the fine grid, on which the threshold is applied (sixteen times as many; neighbours are far from independent).
Exit 0: at least 73 % at 7 and 95 % at 8.1 sigma (less three standard deviations of so many trials) and at most one false candidate in
1e9 points of the fine grid (Poisson, 3 sigma), 1: not, 70: nothing was compared.

--control: the sources are on the other side of the phase centre, which the script is not told: nothing is found where they should be.
"""
import argparse
import csv
import math
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

LIGHT_M_S = 299_792_458.0
BASELINES = 3
FINE = 16
LEVELS = [5.5, 6.0, 6.44, 7.0, 7.5, 8.1, 9.0, 10.0]
TARGETS = {7.0: 0.73, 8.1: 0.95}
SKY = """name = "trial"
seed = 1
start_mjd = 60000
start_second = 36000
duration_s = 1.0
bits = 2
frame_bytes = 1032
channels = CHANNELS
integration_s = INTEGRATION_S
ra_deg = 343.5
dec_deg = 16.1
[[bands]]
edge_mhz = 22000.0
bandwidth_mhz = 4.0
sideband = "upper"
polarization = "L"
[[stations]]
code = "KY"
position_m = [-3042281.0290, 4045902.6673, 3867374.3313]
[[stations]]
code = "KU"
position_m = [-3287268.6591, 4023450.1291, 3687379.9883]
[[stations]]
code = "KT"
position_m = [-3171731.6818, 4292678.5318, 3481038.7880]
"""
CENTRES = 8
# Candidates of neighbouring centres are further apart than what is joined as one source.
CENTRES_APART_ARCSEC = 1000.0
INJECTED_HALF_ARCSEC = 250.0
FIELD_ARCSEC = {"sources": 300.0, "noise": 7900.0}
RESOLUTION = {"sources": (64, 0.016384), "noise": (512, 0.004096)}


def ln_chance(n, x):
    """ln P(sum of n exponential powers > x)"""
    term = total = 1.0
    for k in range(n - 1, 0, -1):
        term *= k / x
        total += term
    return min((n - 1) * math.log(x) - math.lgamma(n) - x + math.log(total), 0.0)


def sigma_of(x):
    return math.sqrt(-2.0 * ln_chance(BASELINES, x))


def power_of(sigma):
    """the sum of powers that is told as this sigma"""
    low, high = 1e-6, 1e4
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if sigma_of(middle) < sigma else (low, middle)
    return high


def template(program, folder, what):
    """A correlated job: its file."""
    os.mkdir(folder)
    config = os.path.join(folder, "trial.toml")
    channels, integration_s = RESOLUTION[what]
    with open(config, "w") as f:
        f.write(SKY.replace("CHANNELS", str(channels)).replace("INTEGRATION_S", str(integration_s)))
        for k in range(CENTRES):
            east = (k - 0.5 * (CENTRES - 1)) * CENTRES_APART_ARCSEC
            f.write(f'[[centres]]\nname = "C{k}"\neast_arcsec = {east}\nnorth_arcsec = 0.0\n')
    subprocess.run([program, "simulate", config, "--out", folder], check=True, capture_output=True)
    job = os.path.join(folder, "trial.input")
    ended = subprocess.run([program, "run", job, "--out", folder, "-q"], capture_output=True)
    if ended.returncode not in (0, 1):
        sys.exit(f"the job was not correlated: {ended.stderr}")
    return os.path.join(folder, "trial.h5")


def fill(path, seed, sigma, control):
    """Puts noise, and sources where a sigma is given, into the file: east and north of each in arcsec."""
    rng = np.random.default_rng(seed)
    places = []
    with h5py.File(path, "r+") as f:
        scan = f["scans/0000"]
        vis = scan["cross_vis_tcxf"]
        times, centres, products, channels = vis.shape
        noise = rng.standard_normal((times, centres, products, channels, 2), dtype=np.float32)
        data = (noise[..., 0] + 1j * noise[..., 1]) * np.float32(math.sqrt(0.5) * 1e-3)
        if sigma:
            hz = f["bands/low_hz"][0] + np.arange(channels) * f["bands/bandwidth_hz"][0] / channels
            # |sum|^2 / mean of noise = a^2 N^2 / (N 1e-6) on each baseline
            amplitude = 1e-3 * math.sqrt(power_of(sigma) / BASELINES / (times * channels))
            for c in range(centres):
                east, north = rng.uniform(-INJECTED_HALF_ARCSEC, INJECTED_HALF_ARCSEC, 2)
                places.append((east, north))
                sign = -1.0 if control else 1.0
                l, m = (sign * math.radians(x / 3600.0) for x in (east, north))
                n = math.sqrt(1.0 - l * l - m * m) - 1.0
                delay_tx = -(scan["uvw_m_tcb3"][:, c] @ np.array([l, m, n])) / LIGHT_M_S
                phase = delay_tx[:, :, None] * hz + rng.uniform(size=products)[None, :, None]
                data[:, c] += (amplitude * np.exp(2j * np.pi * (phase % 1.0))).astype(np.complex64)
        vis[...] = data
        scan["cross_weight_tcx"][...] = 1.0
        # Powers of 1: visibilities are correlation coefficients.
        scan["auto_vis_tyf"][...] = 1.0
        scan["auto_weight_ty"][...] = 1.0
    return places


def search(program, path, what):
    """Rows of the table, and the points of the fine grid."""
    command = [program, "search", path, "--field", str(FIELD_ARCSEC[what]), "--no-progress", "--fresh"]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    cells = sum(float(line.split("\", ")[-1].split()[0]) for line in ended.stdout.splitlines() if " places, " in line)
    with open(path.replace(".h5", ".search.csv")) as f:
        return list(csv.DictReader(f)), cells


def trial(program, path, seed, sigma, control):
    """Whether each centre's source was found, and offsets over errors of those that were."""
    places = fill(path, seed, sigma, control)
    rows, _ = search(program, path, "sources")
    found, offs = [], []
    for c, place in enumerate(places):
        near = []
        for row in rows:
            off = [float(row[f"{k}_arcsec"]) - x for k, x in zip(("east", "north"), place)]
            errors = [float(row[f"{k}_error_arcsec"]) for k in ("east", "north")]
            # Five errors, or a cell (31"), off.
            if row["centre"] == f"C{c}" and all(abs(o) < max(5 * e, 31.0) for o, e in zip(off, errors)):
                near.append([o / e for o, e in zip(off, errors)])
        found.append(bool(near))
        offs += near[0] if near else []
    return found, offs


def plot(results, path):
    """Completeness over injected sigma, with what noise leaves of one amplitude."""
    width, height, left, low, high = 560, 330, 60, 5.2, 10.3
    x = lambda s: left + (s - low) / (high - low) * (width - left - 20)
    y = lambda p: height - 50 - p * (height - 80)
    phi = lambda s: 0.5 * math.erfc((6.44 - s) / math.sqrt(2))
    ideal = " ".join(f"{x(s):.1f},{y(phi(s)):.1f}" for s in np.linspace(low, high, 80))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<polyline points="{ideal}" fill="none" stroke="#9aa0ab" stroke-width="2"/>',
    ]
    for p in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<line x1="{left}" x2="{width - 20}" y1="{y(p):.1f}" y2="{y(p):.1f}" stroke="#e4e7ec"/>')
        parts.append(f'<text x="{left - 8}" y="{y(p) + 4:.1f}" text-anchor="end">{100 * p:.0f} %</text>')
    for s in range(6, 11):
        parts.append(f'<text x="{x(s):.1f}" y="{height - 30}" text-anchor="middle">{s}</text>')
    for sigma, (n, share) in results.items():
        error = math.sqrt(max(share * (1 - share), 1.0 / n) / n)
        top, bottom = y(min(share + error, 1.0)), y(max(share - error, 0.0))
        parts.append(f'<line x1="{x(sigma):.1f}" x2="{x(sigma):.1f}" y1="{top:.1f}" y2="{bottom:.1f}" stroke="#0b5fa5" stroke-width="2"/>')
        parts.append(f'<circle cx="{x(sigma):.1f}" cy="{y(share):.1f}" r="4" fill="#0b5fa5"/>')
    for sigma, target in TARGETS.items():
        parts.append(f'<path d="M{x(sigma) - 7:.1f} {y(target):.1f}h14" stroke="#cc1e2d" stroke-width="2"/>')
    parts.append(f'<text x="{(left + width) / 2}" y="{height - 8}" text-anchor="middle">sigma injected</text>')
    parts.append(f'<text x="{width - 24}" y="{y(0.1):.1f}" text-anchor="end" fill="#6b7280">line: one amplitude in noise; red: targets</text></svg>')
    with open(path, "w") as f:
        f.write("\n".join(parts) + "\n")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("--each", type=int, default=40)
    arguments.add_argument("--noise", type=int, default=2)
    arguments.add_argument("--control", action="store_true")
    arguments.add_argument("--csv")
    arguments.add_argument("--svg")
    args = arguments.parse_args()
    results, offs, cells, false = {}, [], 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        path, wide = (template(args.program, os.path.join(folder, what), what) for what in ("sources", "noise"))
        for number, sigma in enumerate(LEVELS):
            found = []
            for job in range(-(-args.each // CENTRES)):
                one, off = trial(args.program, path, [1, number, job], sigma, args.control)
                found += one
                offs += off
            results[sigma] = (len(found), sum(found) / len(found))
            told = sigma_of(power_of(sigma) + BASELINES)
            print(f"sigma injected {sigma:5.2f} (with the noise's mean {told:5.2f}): {len(found)} sources, found {results[sigma][1]:.3f}", flush=True)
        for job in range(args.noise):
            fill(wide, [2, job], None, False)
            rows, more = search(args.program, wide, "noise")
            cells += more / FINE
            false += [float(row["sigma"]) for row in rows]
            if job % 10 == 9:
                print(f"{cells:.3g} cells, {len(false)} false candidates", flush=True)
    if not results or not cells:
        print("nothing was compared")
        return 70
    inside = sum(abs(o) < 2 for o in offs) / max(len(offs), 1)
    print(f"positions within two errors: {inside:.3f} of {len(offs)} coordinates (Gaussian: 0.954)")
    print(f"{cells:.4g} cells of noise ({cells * FINE:.4g} points of the fine grid), {len(false)} false candidates {false}")
    good = len(offs) > 0 and inside > 0.85
    for sigma, target in TARGETS.items():
        n, share = results[sigma]
        least = target - 3 * math.sqrt(target * (1 - target) / n)
        good = good and share >= least
        print(f"complete at {sigma} sigma: {share:.3f} (target {target}, at least {least:.3f} of {n})")
    # What the threshold promises: 1e-9 at each place tried, places being points of the fine grid.
    allowed = 1e-9 * cells * FINE
    good = good and len(false) <= allowed + 3 * math.sqrt(allowed) + 1
    if args.csv:
        with open(args.csv, "w") as f:
            f.write("sigma,sources,found\n" + "".join(f"{s},{n},{p:.4f}\n" for s, (n, p) in results.items()))
            f.write(f"# cells,{cells:.0f},false,{len(false)}\n")
    if args.svg:
        plot(results, args.svg)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
