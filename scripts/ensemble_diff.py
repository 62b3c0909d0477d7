#!/usr/bin/env python3
"""The ensemble of alma-fit against emcee's on the same posterior: the small problem of examples/calibration, the same
mixture of moves. Means within 0.15 sd, widths within 10 %. The control gives emcee a noise 20 % larger.

usage: ensemble_diff.py alma-fit SHARED [--control]
"""
import os
import subprocess
import sys
import tempfile

import emcee
import h5py
import numpy as np
from scipy import stats

program, shared = sys.argv[1:3]
sys.path.insert(0, os.path.join(shared, "peers/alma"))
from lte import Mol, Model  # noqa: E402

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "examples/calibration/")
NOISE_K = 0.1
TRUTH = np.array([14.8, 90.0, 3.0, 0.1, 14.3, 70.0, 2.8, -0.2])
WALKERS, STEPS, BURN = 64, 4000, 1000
freq = np.loadtxt(HERE + "spectrum.txt")[:, 0]
both = Model([Mol(name, d=HERE) for name in "AB"], [freq], k=8.0, tmin=0.0)
spectrum = lambda x: both.numba([(*x[:4], 1e6), (*x[4:], 1e6)])  # noqa: E731
width = stats.truncnorm((1.0 - 3.0) / 0.7, (6.0 - 3.0) / 0.7, loc=3.0, scale=0.7)


def ln_prior(x):
    total = 0.0
    for logn, tex, fwhm, v in (x[:4], x[4:]):
        if not (13.5 < logn < 15.5 and 30 < tex < 200 and 1 < fwhm < 6):
            return -np.inf
        total += -np.log(tex) - 0.5 * ((fwhm - 3.0) / 0.7) ** 2 - 0.5 * (v / 0.5) ** 2
    return total


def moves(kinds):
    """(weight, emcee's move, ours) of a mixture."""
    known = {
        "stretch": emcee.moves.StretchMove(),
        "de": emcee.moves.DEMove(gamma0=2.38 / np.sqrt(2 * 8)),
        "snooker": emcee.moves.DESnookerMove(),
    }
    theirs = [(known[kind], weight) for kind, weight in kinds]
    return theirs, ", ".join(f'{{ kind = "{k}", weight = {w} }}' for k, w in kinds)


def ours(text, folder, name):
    species = open(HERE + "fit.toml").read().replace('"A.', f'"{HERE}A.').replace('"B.', f'"{HERE}B.')
    fit = f'[fit]\nsampler = "ensemble"\nwalkers = {WALKERS}\nsteps = {STEPS}\nburn = {BURN}\nmoves = [{text}]\n\n'
    species = species.replace("[model]", fit + '[model]\nt_bg = "2.73 K"\nq_interpolation = "loglog"')
    path = os.path.join(folder, name)
    open(path + ".toml", "w").write(species)
    command = [program, "run", path + ".toml", "--out", path, "--no-progress", "-q"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with h5py.File(os.path.join(path, "chain.h5")) as chain:
        return chain["samples"][BURN:].reshape(-1, 8)


good = True
with tempfile.TemporaryDirectory() as folder:
    rng = np.random.default_rng(4)
    t_k = spectrum(TRUTH) + NOISE_K * rng.standard_normal(len(freq))
    np.savetxt(os.path.join(folder, "spectrum.txt"), np.column_stack([freq, t_k]), fmt="%.10g")
    t_k = np.loadtxt(os.path.join(folder, "spectrum.txt"))[:, 1]
    noise = NOISE_K * (1.2 if "--control" in sys.argv else 1.0)

    def ln_density(x):
        total = ln_prior(x)
        return total if total == -np.inf else total - 0.5 * np.sum((t_k - spectrum(x)) ** 2) / noise**2

    for kinds in ([("stretch", 1.0)], [("de", 0.8), ("snooker", 0.2)], [("stretch", 0.5), ("de", 0.5)]):
        theirs_moves, text = moves(kinds)
        sampler = emcee.EnsembleSampler(WALKERS, 8, ln_density, moves=theirs_moves)
        start = TRUTH + rng.normal(0, 1, (WALKERS, 8)) * np.tile([0.01, 1.0, 0.03, 0.02], 2)
        sampler.run_mcmc(start, STEPS)
        theirs = sampler.get_chain(discard=BURN, flat=True)
        name = "+".join(kind for kind, _ in kinds)
        own = ours(text, folder, name)
        off = np.abs(own.mean(0) - theirs.mean(0)) / theirs.std(0)
        wide = np.abs(own.std(0) / theirs.std(0) - 1)
        tau = sampler.get_autocorr_time(tol=0).max()
        print(f"{name}: means differ by {off.max():.3f} sd, widths by {100 * wide.max():.1f} % at most (emcee's tau {tau:.0f})")
        good &= off.max() < 0.15 and wide.max() < 0.10
print("agrees" if good else "DIFFERS")
sys.exit(0 if good else 1)
