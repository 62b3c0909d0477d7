#!/usr/bin/env python3
"""Compares alma-fit first-look on benchmark B5 with scipy.optimize.least_squares on a NumPy model of the same spectrum.

usage: first_look_diff.py SHARED FOLDER [--control]
SHARED is the shared reference data, FOLDER what `alma-fit first-look examples/b5/fit.toml --out FOLDER` wrote. Prints the largest difference of
the parameters in units of their errors, of the errors, and of the correlations. 0: agrees, 1: differs, 77: scipy, numba or data are
not there. --control moves one parameter by half an error first: the result must be 1.
"""

import csv
import json
import sys
from pathlib import Path

BOUNDS = {"parameters": 0.02, "errors": 0.02, "correlations": 0.02}  # in errors, relative, absolute


def main():
    shared, folder = Path(sys.argv[1]), Path(sys.argv[2])
    bench = shared / "data/alma/bench"
    if not (bench / "B5.json").exists():
        sys.exit(77)
    try:
        import numpy as np
        from scipy.optimize import least_squares

        sys.path.insert(0, str(shared / "peers/alma"))
        import lte
    except ImportError as error:
        print(f"skipped: {error}")
        sys.exit(77)
    setup = json.loads((bench / "B5.json").read_text())
    freq, data = np.loadtxt(bench / "B5_spectrum.txt", usecols=(0, 1), unpack=True)
    n = setup["nchan"]
    # The peer takes grids as even from their first step, which the rounding of the text spoils.
    windows = [np.linspace(freq[i], freq[i + n - 1], n) for i in range(0, len(freq), n)]
    names = list(setup["truth"])
    model = lte.Model([lte.Mol(name).cut(windows) for name in names], windows, k=7.0, tmin=1e-9)
    rows = list(csv.DictReader(open(folder / "summary.csv")))
    order = [f"{s}.{q}" for s in names for q in ("logn", "tex_k", "fwhm_kms", "v_kms")]
    ours = {row["parameter"]: (float(row["value"]), float(row["sigma"])) for row in rows}
    table = {row["parameter"]: row for row in csv.DictReader(open(folder / "covariance.csv"))}
    covariance = np.array([[float(table[a][b]) for b in order] for a in order])
    value, sigma = np.array([ours[p] for p in order]).T
    if "--control" in sys.argv:
        value[3] += 0.5 * sigma[3]

    def residuals(x):
        parameters = [(*x[4 * k : 4 * k + 4], setup["truth"][name][4]) for k, name in enumerate(names)]
        return (model.numpy(parameters) - data) / setup["rms_K"]

    start = np.concatenate([setup["truth"][name][:4] for name in names])
    fit = least_squares(residuals, start, jac="3-point", x_scale=sigma, xtol=1e-12, ftol=1e-12, gtol=1e-12)
    theirs = np.linalg.inv(fit.jac.T @ fit.jac)
    their_sigma = np.sqrt(np.diag(theirs))
    figures = {
        "parameters": np.max(np.abs(value - fit.x) / their_sigma),
        "errors": np.max(np.abs(np.sqrt(np.diag(covariance)) / their_sigma - 1)),
        "correlations": np.max(np.abs(covariance / np.outer(sigma, sigma) - theirs / np.outer(their_sigma, their_sigma))),
    }
    print(f"scipy: chi2 {2 * fit.cost:.4f} after {fit.nfev} steps")
    for name, figure in figures.items():
        print(f"largest difference of the {name}: {figure:.5f} (bound {BOUNDS[name]})")
    sys.exit(int(any(not figure <= BOUNDS[name] for name, figure in figures.items())))


if __name__ == "__main__":
    main()
