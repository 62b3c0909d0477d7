#!/usr/bin/env python3
"""The evidence of alma-fit's tempering on the small problem of examples/calibration, with and without its second species, against
nested sampling (dynesty) on the same spectrum with a model of its own. A noise that alma-fit takes for 10 % larger is the control.

usage: evidence_diff.py alma-fit SHARED [--control]
"""
import os
import re
import subprocess
import sys
import tempfile
import time

import children
import dynesty
import numpy as np
from scipy.special import ndtr, ndtri

program, shared = sys.argv[1:3]
control = "--control" in sys.argv
sys.path.insert(0, os.path.join(shared, "peers/alma"))
from lte import Mol, Model  # noqa: E402

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "examples/calibration/")
NOISE_K = 0.1
FILLS_BEAM = 1e6  # arcsec
TRUTH = {"A": (14.8, 90.0, 3.0, 0.1), "B": (13.9, 70.0, 2.8, -0.2)}

freq = np.loadtxt(HERE + "spectrum.txt")[:, 0]


def model(names):
    parts = [Mol(name, d=HERE) for name in names]
    both = Model(parts, [freq], k=8.0, tmin=0.0)
    return lambda theta: both.numba([(*theta[4 * i : 4 * i + 4], FILLS_BEAM) for i in range(len(names))])


# The truncated normal distribution of the widths; scipy.stats' ppf says the same and takes longer than the model.
LOWEST, HIGHEST = ndtr((1.0 - 3.0) / 0.7), ndtr((6.0 - 3.0) / 0.7)


def prior(u):
    """The priors of fit.toml."""
    x = np.empty(len(u))
    for k in range(0, len(u), 4):
        x[k] = 13.5 + 2.0 * u[k]
        x[k + 1] = 30.0 * (200.0 / 30.0) ** u[k + 1]
        x[k + 2] = 3.0 + 0.7 * ndtri(LOWEST + u[k + 2] * (HIGHEST - LOWEST))
        x[k + 3] = ndtri(u[k + 3]) * 0.5
    return x


def nested(names, t_k):
    spectrum = model(names)
    sampler = dynesty.NestedSampler(
        lambda x: -0.5 * np.sum((t_k - spectrum(x)) ** 2) / NOISE_K**2,
        prior, 4 * len(names), nlive=500, sample="rwalk", rstate=np.random.default_rng(1),
    )
    start = time.process_time()
    sampler.run_nested(dlogz=0.1, print_progress=False)
    found = sampler.results
    return found.logz[-1], found.logzerr[-1], int(np.sum(found.ncall)), time.process_time() - start


def ours(names, folder):
    text = open(HERE + "fit.toml").read()
    blocks = text.split("[[species]]")
    text = blocks[0] + "".join("[[species]]" + b for b in blocks[1:] if re.search(r'name = "(.)"', b)[1] in names)
    for name in TRUTH:
        text = text.replace(f'"{name}.', f'"{HERE}{name}.')
    text = text.replace("[model]", '[fit]\nsampler = "tempering"\nseed = 1\n\n[model]\nt_bg = "2.73 K"\nq_interpolation = "loglog"')
    if control:
        text = text.replace('noise = "0.1 K"', 'noise = "0.11 K"')
    path = os.path.join(folder, "".join(names))
    open(path + ".toml", "w").write(text)
    before = children.cpu_s()
    done = subprocess.run(
        [program, "run", path + ".toml", "--out", path, "--no-progress"], capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    summary = open(os.path.join(path, "summary.txt")).read()
    found = re.search(r"ln evidence (\S+) \+- (\S+) \(stepping stones\), (\S+)", summary).groups()
    cpu = children.cpu_s() - before
    print(f"  {re.search(r'.*temperatures, exchanges.*', summary)[0]}; all products: {cpu:.1f} CPU s")
    print(f"  {re.search(r'.*gradients: .*', summary)[0]}")
    return [float(x) for x in found]


with tempfile.TemporaryDirectory() as folder:
    rng = np.random.default_rng(4)
    t_k = model("AB")(np.array(TRUTH["A"] + TRUTH["B"])) + NOISE_K * rng.standard_normal(len(freq))
    np.savetxt(os.path.join(folder, "spectrum.txt"), np.column_stack([freq, t_k]), fmt="%.10g")
    t_k = np.loadtxt(os.path.join(folder, "spectrum.txt"))[:, 1]
    worst, evidences = 0.0, []
    for names in ("AB", "A"):
        theirs, error, calls, cpu = nested(names, t_k)
        # alma-fit's likelihood has the constants of a normal distribution, dynesty's here has not.
        constant = -len(freq) * np.log(NOISE_K * np.sqrt(2 * np.pi))
        stones, own_error, integrated = ours(names, folder)
        theirs += constant
        evidences.append((stones, theirs))
        off = (stones - theirs) / np.hypot(error, own_error)
        worst = max(worst, abs(off))
        print(
            f"{names}: stepping stones {stones:.2f} +- {own_error:.2f}, thermodynamic integration {integrated:.2f}; "
            f"dynesty {theirs:.2f} +- {error:.2f} ({calls} calls, {cpu:.1f} CPU s): {off:+.1f} sigma"
        )
bayes = [a - b for a, b in zip(*evidences)]
print(f"ln Bayes factor of B: {bayes[0]:.2f}, dynesty {bayes[1]:.2f}")
print(f"evidences differ by {worst:.1f} sigma at most: {'agrees' if worst < 4 else 'DIFFERS'}")
sys.exit(0 if worst < 4 else 1)
