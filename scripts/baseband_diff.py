#!/usr/bin/env python3
"""Compares `kvn-corr inspect --json` with what the Python package baseband decodes.

usage: baseband_diff.py KVN_CORR FOLDER [--control]
FOLDER has baseband_facts.json (the package's word on its own samples), the VGOS pair and the KT recording. Those three
have headers that the package does not take: their payloads alone are given to its decoder. Start, stop, rate, shape,
first samples, means, powers and, exactly, the counts of every level must agree. Mark5B is read where channels and bits are
given, since its headers do not tell; without them, and of other formats, files must be refused with exit code 65. With --control we read copies in which the lowest bit of each payload is flipped: exits 0 if any of
them went unnoticed.
"""
import json, os, struct, subprocess, sys, tempfile
import numpy as np
import baseband
from baseband.vdif import VDIFPayload

PROGRAM, FOLDER = sys.argv[1:3]
CONTROL = "--control" in sys.argv
SAMPLES = os.path.join(os.path.dirname(baseband.__file__), "data")


def inspect(path, *options):
    """What we say about a file, or about a copy with the lowest bit of each payload flipped."""
    with tempfile.TemporaryDirectory() as folder:
        if CONTROL:
            data = bytearray(open(path, "rb").read())
            mark5b = data[:4] == b"\xed\xde\xad\xab"
            for at in range(0, len(data) - 32, 10016 if mark5b else frame_bytes(data)):
                data[at + (16 if mark5b or data[at + 3] & 0x40 else 32)] ^= 1 # the header is shorter in legacy mode
            path = os.path.join(folder, os.path.basename(path))
            open(path, "wb").write(data)
        command = [PROGRAM, "inspect", "--json", "--levels", "optimal", *options, path]
        done = subprocess.run(command, capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else done.returncode


def frame_bytes(header):
    return 8 * (struct.unpack_from("<4I", header)[2] & 0xFFFFFF)


def parts(values):
    """Complex values as pairs, flat."""
    values = np.asarray(values)
    return (np.stack([values.real, values.imag], -1) if np.iscomplexobj(values) else values).ravel().astype(float)


def differences(ours, fact):
    """Names of what differs."""
    if not isinstance(ours, dict):
        return [f"exit {ours}"]
    levels, bad = ours["levels"], []
    first = levels[:8]
    checks = [
        ("shape", [ours["shape"][0], len(levels)], [fact["shape"][0], np.prod(fact["shape"][1:])], 0),
        ("first samples", np.ravel(ours["head"]), np.ravel(fact["first8"]), 1e-6),
        ("means", np.ravel([c["mean"] for c in first]), np.ravel(fact["mean"]), 1e-5),
        # The facts were summed in single precision, one term after the other.
        ("powers", np.array([c["power"] for c in first]) / np.ravel(fact["power"]), np.ones(len(first)), 2e-4),
    ]
    if "rate_MHz" in fact:
        checks.append(("rate", [ours["sample_rate_hz"]], [fact["rate_MHz"] * 1e6], 0))
        bad += [key for key in ("start", "stop") if not str(ours[key]).startswith(fact[key])]
    for key, channels in (("hist_all", levels), ("hist_ch0", levels[:1])):
        if key in fact:
            wanted = [n for _, n in sorted((float(value), n) for value, n in fact[key].items())]
            checks.append((key, np.sum([[n for _, n in c["states"]] for c in channels], axis=0), wanted, 0))
    for name, a, b, bound in checks:
        a, b = np.asarray(a, float), np.asarray(b, float)
        if a.shape != b.shape or not np.all(abs(a - b) <= bound):
            bad.append(name)
    return bad


def decoded(path, channels, bits, is_complex):
    """The same facts from the payloads of a file, threads in ascending order, decoded by the package."""
    data, threads = open(path, "rb").read(), {}
    size = frame_bytes(data)
    for at in range(0, len(data) - size + 1, size):
        words = np.frombuffer(data, "<u4", (size - 32) // 4, at + 32)
        payload = VDIFPayload(words, sample_shape=(channels,), bps=bits, complex_data=is_complex)
        thread = struct.unpack_from("<4I", data, at)[3] >> 16 & 0x3FF
        threads.setdefault(thread, []).append(payload.data)
    # A recording may end within a round of its threads: samples are counted per thread, the shape by the longest.
    series = [np.concatenate(frames)[:, c] for _, frames in sorted(threads.items()) for c in range(channels)]

    def counts(channel):
        values, n = np.unique(np.round(parts(channel), 4), return_counts=True)
        return dict(zip(map(str, values), map(int, n)))

    whole = {}
    for channel in series:
        for value, n in counts(channel).items():
            whole[value] = whole.get(value, 0) + n
    return {
        "shape": [max(map(len, series)), len(series)],
        "first8": parts(np.array([s[:4] for s in series[:8]]).T),
        "mean": parts([s.mean(dtype=complex if is_complex else float) for s in series[:8]]),
        "power": [np.mean(abs(s.astype(complex)) ** 2) for s in series[:8]],
        "hist_all": whole, "hist_ch0": counts(series[0]),
    }


def cases():
    """Name, our answer, the fact; None for files that are to be refused."""
    facts = json.load(open(os.path.join(FOLDER, "baseband_facts.json")))
    for name, fact in facts.items():
        path = os.path.join(SAMPLES, name)
        if not name.endswith(".vdif"):
            if not CONTROL:
                yield name, inspect(path), None
            if name.endswith(".m5b"):
                given = ["--channels", str(fact["shape"][1]), "--bits", "2", "--rate", str(round(fact["rate_MHz"] * 1e6))]
                yield name + " as Mark5B", inspect(path, *given, "--near", fact["start"][:10]), fact
        elif "error" not in fact: # a sample that the package itself cannot read is no reference
            given = ["--rate", str(round(fact["rate_MHz"] * 1e6))] if "sample_rate" in fact["note"] else []
            yield name, inspect(path, *given), fact
    kt = os.path.join(FOLDER, "kt_vdif_4ch_10frames.vdif")
    yield os.path.basename(kt), inspect(kt, "--channels", "16"), decoded(kt, 16, 2, False)
    media = os.path.join(FOLDER, "correlx_vgos", "media")
    for name in sorted(os.listdir(media)):
        path = os.path.join(media, name)
        words = struct.unpack_from("<4I", open(path, "rb").read(16))
        layout = (1 << (words[2] >> 24 & 31), (words[3] >> 26 & 31) + 1, bool(words[3] >> 31))
        yield name, inspect(path), decoded(path, *layout)


agree = different = 0
for name, ours, fact in cases():
    bad = differences(ours, fact) if fact else [] if ours == 65 else ["not refused"]
    word = "refused, as it should be" if fact is None else f"{len(ours['levels'])} channels" if not bad else ""
    print(f"{name}: {'differs in ' + ', '.join(bad) if bad else 'agrees: ' + word}")
    agree, different = agree + (not bad), different + bool(bad)
print(f"{agree} of {agree + different} files agree: {'differs' if different else 'agrees'}")
sys.exit(int(agree == 0 if CONTROL else different > 0))
