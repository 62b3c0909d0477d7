#!/usr/bin/env python3
"""Compares a chain of alma-fit with a reference posterior: means within 0.1 sd, sd within 10 %.

usage: posterior_diff.py FOLDER reference.json
"""
import json
import os
import sys

import h5py
import numpy as np

folder, reference = sys.argv[1:]
truth = json.load(open(reference))
with h5py.File(os.path.join(folder, "chain.h5")) as chain:
    names = [n.decode() if isinstance(n, bytes) else n for n in chain.attrs["parameters"]]
    samples = chain["samples"][:]
worst_mean, worst_sd = 0.0, 0.0
for name, mean, sd in zip(truth["parameters"], truth["mean"], truth["sd"]):
    values = samples[:, :, names.index(name)].ravel()
    off, wide = (values.mean() - mean) / sd, values.std() / sd - 1
    worst_mean, worst_sd = max(worst_mean, abs(off)), max(worst_sd, abs(wide))
    print(f"{name:20} mean {off:+.3f} sd, width {100 * wide:+.1f} %")
good = worst_mean < 0.1 and worst_sd < 0.1
print(f"largest difference of means {worst_mean:.3f} sd, of widths {100 * worst_sd:.1f} %: {'agrees' if good else 'DIFFERS'}")
sys.exit(0 if good else 1)
