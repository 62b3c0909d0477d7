#!/usr/bin/env python3
"""Compares the visibilities of damaged recordings with DiFX's of the whole ones.

usage: damaged_diff.py OURS_DIFX REFERENCE_FOLDER RECORDINGS
OURS_DIFX: the SWIN folder that kvn-corr made of RECORDINGS/D_*.vdif; REFERENCE_FOLDER: DiFX's job G256. Band-averaged
visibilities of whole integrations must agree within 1 % and 0.5 degrees, weights of all integrations within 0.002 with the
fraction of the time in which frames that are there and valid at both stations overlap once they are aligned by the
delays of job.im: worked out here from frame headers and polynomials alone.
"""
import glob, re, struct, sys
import numpy as np

OURS, REFERENCE, RECORDINGS = sys.argv[1:4]
CHANNELS, INTEGRATION_S, FRAME_S, START = 256, 0.1024, 250e-6, (60000, 0)
HEADER = 74


def records(folder):
    """Weight and band average by baseline, frequency, polarisations and integration."""
    found = {}
    for name in sorted(glob.glob(f"{folder}/DIFX*")):
        data = open(name, "rb").read()
        size = HEADER + 8 * CHANNELS
        assert len(data) % size == 0, name
        for at in range(0, len(data), size):
            baseline, _, seconds = struct.unpack_from("<iid", data, at + 8)
            freq, = struct.unpack_from("<i", data, at + 32)
            weight, = struct.unpack_from("<d", data, at + 42)
            vis = np.frombuffer(data, "<c8", CHANNELS, at + HEADER)
            key = baseline, freq, data[at + 36:at + 38].decode(), int(seconds / INTEGRATION_S)
            found[key] = weight, vis.astype(complex).mean()
    return found


def delays():
    """Delay polynomials (geocentre minus station, s, powers of s since their start) towards the first centre."""
    lines = open(f"{REFERENCE}/job.im").read().splitlines()
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    number = lambda key: int(values[key])
    assert (number("SCAN 0 POLY 0 MJD"), number("SCAN 0 POLY 0 SEC")) <= START
    since = (START[0] - number("SCAN 0 POLY 0 MJD")) * 86400 + START[1] - number("SCAN 0 POLY 0 SEC")
    poly = [np.polynomial.Polynomial(np.array(values[f"SRC 1 ANT {s} DELAY (us)"].split(), float) * 1e-6) for s in range(3)]
    return [lambda t, p=p: p(t + since) for p in poly]


def covered(station, delay):
    """Spans of geocentric time (s since the start) of the valid frames of a recording."""
    data = open(f"{RECORDINGS}/D_{station}.vdif", "rb").read()
    spans, at = [], 0
    while at < len(data):
        w0, w1, w2, _ = struct.unpack_from("<4I", data, at)
        # Epoch 46 begins with MJD 59945.
        assert w1 >> 24 & 0x3F == 46
        second = 59945 * 86400 + (w0 & 0x3FFFFFFF) - START[0] * 86400 - START[1]
        if not w0 >> 31:
            s = second + (w1 & 0xFFFFFF) * FRAME_S
            ends = []
            for mark in (s, s + FRAME_S):
                t = mark
                for _ in range(5):
                    t = mark + delay(t)
                ends.append(t)
            spans.append(ends)
        at += 8 * (w2 & 0xFFFFFF)
    return np.array(sorted(spans))


def overlap(a, b, start, stop):
    """Share of start .. stop that lies in spans of both lists."""
    total, i, j = 0.0, 0, 0
    while i < len(a) and j < len(b):
        total += max(0.0, min(a[i][1], b[j][1], stop) - max(a[i][0], b[j][0], start))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return total / (stop - start)


ours, theirs = records(OURS), records(f"{REFERENCE}/job.difx")
spans = [covered(s, d) for s, d in enumerate(delays())]
worst = {"amplitude": 0.0, "phase": 0.0, "weight": 0.0}
compared = missing = 0
for key, (_, vis) in sorted(theirs.items()):
    baseline, _, _, integration = key
    a, b = baseline // 256 - 1, baseline % 256 - 1
    if key not in ours:
        missing += 1
        continue
    weight, found = ours[key]
    wanted = overlap(spans[a], spans[b], integration * INTEGRATION_S, (integration + 1) * INTEGRATION_S)
    worst["weight"] = max(worst["weight"], abs(weight - wanted))
    if a != b and theirs[key][0] > 0.95:
        ratio = found / vis
        worst["amplitude"] = max(worst["amplitude"], abs(abs(ratio) - 1))
        worst["phase"] = max(worst["phase"], abs(np.degrees(np.angle(ratio))))
        compared += 1
lowest = min(w for w, _ in ours.values())
print(f"{compared} band averages of whole integrations, {missing} records missing: amplitude {100 * worst['amplitude']:.3f} %, "
      f"phase {worst['phase']:.3f} deg, weights {worst['weight']:.5f} off (lowest weight {lowest:.3f})")
if compared == 0:
    print("nothing compared")
    sys.exit(70)
agrees = missing == 0 and worst["amplitude"] < 0.01 and worst["phase"] < 0.5 and worst["weight"] < 0.002
print("agrees" if agrees else "differs")
sys.exit(0 if agrees else 1)
