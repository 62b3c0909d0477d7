#!/usr/bin/env python3
"""Compares the convergence figures of alma-fit with those of arviz on the same chain.

usage: arviz_diff.py FOLDER [--control]     --control: arviz gets the chain with one draw changed
"""
import csv
import os
import sys

import arviz
import h5py
import numpy as np

folder = sys.argv[1]
with h5py.File(os.path.join(folder, "chain.h5")) as chain:
    names = [n.decode() if isinstance(n, bytes) else n for n in chain.attrs["parameters"]]
    samples = np.transpose(chain["samples"][:], (1, 0, 2)).copy()
    energy = np.transpose(chain["energy"][:]) if "energy" in chain else None
if "--control" in sys.argv:
    samples[0, samples.shape[1] // 2, :] += 3 * samples.std(axis=(0, 1))
rows = {row["parameter"]: row for row in csv.DictReader(open(os.path.join(folder, "summary.csv")))}
worst = 0.0
for k, name in enumerate(names):
    x = samples[:, :, k]
    theirs = {
        "ess_bulk": arviz.ess(x, method="bulk"),
        "ess_tail": arviz.ess(x, method="tail"),
        "r_hat": arviz.rhat(x),
    }
    for key, value in theirs.items():
        worst = max(worst, abs(float(rows[name][key]) / float(value) - 1))
print(f"arviz {arviz.__version__}: bulk and tail ESS and R-hat of {len(names)} parameters differ by {worst:.1e} at most")
if energy is not None:
    print(f"E-BFMI by arviz: {np.min(arviz.bfmi(energy)):.2f} at least (summary.txt has ours)")
sys.exit(0 if worst < 1e-6 else 1)
