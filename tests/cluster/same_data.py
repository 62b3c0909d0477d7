#!/usr/bin/env python3
"""Compares the data of two HDF5 files: every dataset's bytes and every attribute but what tells how they
were made (provenance, plan), where the inputs' paths stand.

usage: same_data.py A.h5 B.h5; exit 0: the same, 1: something differs (named).
"""
import sys
import h5py
import numpy as np


def content(path):
    """Name of every dataset and attribute, and its bytes."""
    found = {}

    def visit(name, node):
        if isinstance(node, h5py.Dataset):
            found[name] = np.asarray(node[()]).tobytes() if node.dtype.kind != "O" else repr(node[()])
        for key, value in node.attrs.items():
            if "provenance" not in key and "recording" not in key:
                found[f"{name}@{key}"] = repr(value)

    with h5py.File(path) as file:
        visit("/", file)
        file.visititems(visit)
    return found


a, b = map(content, sys.argv[1:3])
bad = [name for name in sorted(a.keys() | b.keys()) if a.get(name) != b.get(name) and "provenance" not in name and name != "plan"]
print("\n".join(f"   {name} differs" for name in bad[:10]))
sys.exit(bool(bad) or not a)
