#!/usr/bin/env python3
"""Times one likelihood of B5 and B20 with alma-fit and its peers, in turns in one run, and writes one table.

usage: likelihood_compare.py PROGRAM SHARED [--rounds N] [--molsim FOLDER] [--table FILE]

PROGRAM is alma-fit, SHARED the folder that has peers/alma, data/alma. alma-fit's figures are those of `alma-fit plan --json`
with priors drawn tightly around the benchmark's truth, as the peers' parameters are; each is the median over the rounds.
The peers (SHARED/peers/alma/timing.py) run with the Python that runs this, on one thread; one that is not installed, or fails,
is said so. CPU time, medians. Beside the table stands what else the machine did.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

# The standard deviations of the peers' draws (timing.py) are these over sqrt(3).
HALF_WIDTHS = {"logn": 0.02 * 3**0.5, "tex_k": 3**0.5, "fwhm_kms": 0.03 * 3**0.5, "v_kms": 0.03 * 3**0.5}
MODES = ("point", "average")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("shared")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--molsim", default="")
    parser.add_argument("--table", default="")
    return parser.parse_args()


def near_truth(text, truth):
    """The configuration of a benchmark with its priors around the truth."""
    out, species = [], None
    for line in text.splitlines():
        name = re.match(r'name = "(.*)"', line)
        key = re.match(r"(\w+) = \{ uniform", line)
        if name:
            species = truth.get(name[1])
        if key and key[1] in HALF_WIDTHS and species:
            value, half = species[list(HALF_WIDTHS).index(key[1])], HALF_WIDTHS[key[1]]
            line = f"{key[1]} = {{ uniform = [{value - half!r}, {value + half!r}] }}"
        out.append(line)
    return "\n".join(out) + "\n"


def ours(args, name, mode, is_near):
    """Value and value with gradient (ms), by alma-fit plan."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(f"{root}/examples/{name.lower()}/fit.toml") as file:
        text = file.read().replace("../../../shared", os.path.abspath(args.shared))
    with open(f"{args.shared}/data/alma/bench/{name}.json") as file:
        truth = json.load(file)["truth"]
    changed = text.replace('channels = "point"', f'channels = "{mode}"')
    if mode not in MODES or (mode == "average") != (changed != text):
        sys.exit(f"examples/{name.lower()}/fit.toml: channels is not \"point\" there")
    if is_near:
        before, changed = changed, near_truth(changed, truth)
        if before == changed:
            sys.exit(f"examples/{name.lower()}/fit.toml: no prior was found to change")
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/fit.toml"
        with open(path, "w") as file:
            file.write(changed)
        done = subprocess.run([args.program, "plan", path, "--json"], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"alma-fit plan of {name}: {done.stderr}")
    plan = json.loads(done.stdout)
    return plan["likelihood_ms"], plan["gradient_ms"]


def peers(args, name):
    """Rows (what, ms, largest error in K) of timing.py."""
    environment = dict(os.environ, MOLSIM=os.path.abspath(args.molsim) if args.molsim else "/not-given")
    done = subprocess.run([sys.executable, "timing.py", name], cwd=f"{args.shared}/peers/alma", env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    pattern = re.compile(r"(.*?)\s+median\s+([\d.]+) ms.*?max\|dT\|=([\d.naif]+) K")
    rows = [(m[1], float(m[2]), m[3]) for m in map(pattern.match, done.stdout.splitlines()) if m]
    for line in done.stdout.splitlines():
        if "fail" in line or "Error" in line:
            print(f"{name}: {line}", file=sys.stderr)
    return rows


def machine():
    with open("/proc/cpuinfo") as file:
        cpu = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    return f"{cpu}, {os.cpu_count()} cores, load averages {' '.join(f'{x:.1f}' for x in os.getloadavg())}"


def main():
    args, lines = arguments(), []
    lines.append(f"Before: {machine()}")
    for name in ("B5", "B20"):
        near = {mode: [] for mode in MODES}
        prior = {mode: [] for mode in MODES}
        for _ in range(args.rounds):
            for mode in MODES:
                near[mode].append(ours(args, name, mode, True))
        found = peers(args, name)
        for _ in range(args.rounds):
            for mode in MODES:
                near[mode].append(ours(args, name, mode, True))
                prior[mode].append(ours(args, name, mode, False))
        middle = lambda rows, k: statistics.median(row[k] for row in rows)
        point = middle(near["point"], 0)
        average = middle(near["average"], 0)
        lines += ["", f"{name}: what | ms | times alma-fit (point-sampled) | largest error, K", "---|---|---|---"]
        for label, rows in (("around the truth", near), ("at draws of the prior", prior)):
            for mode in MODES:
                value, both = middle(rows[mode], 0), middle(rows[mode], 1)
                spread = f"{min(r[0] for r in rows[mode]):.3f} to {max(r[0] for r in rows[mode]):.3f}"
                lines.append(f"alma-fit, {mode}, {label} | {value:.4f} ({spread}) | {value / point:.2f} |")
                lines.append(f"alma-fit, {mode}, {label}, with gradient | {both:.4f} | {both / value:.2f} times its value |")
        lines += [f"{what} | {ms:.3f} | {ms / point:.1f} | {error}" for what, ms, error in found]
        ratios = sorted(a[0] / p[0] for a, p in zip(near["average"], near["point"]))
        lines.append(f"{name}: averaged over point-sampled {average / point:.2f} (round by round {ratios[0]:.2f} to {ratios[-1]:.2f})")
    lines.append(f"\nAfter: {machine()}")
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if args.table:
        with open(args.table, "w") as file:
            file.write(text)


main()
