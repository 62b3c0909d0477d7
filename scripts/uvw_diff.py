#!/usr/bin/env python3
"""Compare u, v, w and rates of kvn-corr delay with the CALC11 table, above 10 degrees.

usage: uvw_diff.py OURS.csv TABLE.csv.gz
w is c times the delay with the troposphere: within 1 cm. u and v are c times the derivatives of the delay to the east and to the
north: within 1e-6 of the radius of the Earth (6.4 m); CALC takes them over finite steps. Rates: within 1e-14.
Prints the largest differences; exits 1 where one exceeds its bound.
"""
import csv
import gzip
import sys


def load(path):
    file = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    rows = csv.DictReader(line for line in file if not line.startswith("#"))
    return {(round(float(r["mjd_utc"]) * 86400), r["source"], r["station"]): r for r in rows}


ours, table = load(sys.argv[1]), load(sys.argv[2])
worst = {"u": 0.0, "v": 0.0, "w": 0.0, "rate": 0.0}
compared = 0
for key, row in ours.items():
    if key not in table:
        continue
    compared += 1
    reference = table[key]
    for axis in "uvw":
        worst[axis] = max(worst[axis], abs(float(row[axis + "_m"]) - float(reference[axis])))
    worst["rate"] = max(worst["rate"], abs(float(row["rate_s_per_s"]) - float(reference["rate_drywet"])))
print(f"{compared} rows: " + ", ".join(f"{k} {v:.3g}" for k, v in worst.items()) + " (m, s/s)")
good = compared > 10000 and worst["w"] < 0.01 and max(worst["u"], worst["v"]) < 6.4 and worst["rate"] < 1e-14
sys.exit(0 if good else 1)
