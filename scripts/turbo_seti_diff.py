"""Compares kvn-corr search narrow with turbo_seti on the same powers: a simulated sky's filterbank files.

usage: turbo_seti_diff.py KVN_CORR [--skies N] [--control]

Needs blimpy and turbo_seti (with numpy below 2.3). Each sky has 24 carriers on the sky and 8 beside single stations. blimpy must read
every file with the shape and frequencies that the search's channels have; turbo_seti (signal to noise 10, drifts up to 10 Hz/s, stretches
as long as the recording) must find the strong carriers where the search has them. Prints what both find of the carriers, hits that are none, hits of
interference that are left after each one's own tests, and CPU time of the searches. Exit 0: they agree, 1: not.

--control: the search's table is moved by 500 Hz before it is compared.
"""
import argparse
import contextlib
import csv
import io
import logging
import os
import resource
import subprocess
import sys
import tempfile
import warnings

import narrow_trials as trials

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)


def spectra(folder, name, config, program):
    out = os.path.join(folder, name)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    search = [program, "search", "narrow", config, "--out", out, "--stretch", "8", "--field", "80", "-q"]
    search += ["--channel-hz", str(trials.CHANNEL_HZ)]
    subprocess.run(search + (["--filterbank"] if name == "files" else []), check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with open(os.path.join(out, "trial.narrow.csv")) as f:
        return [hit for hit in csv.DictReader(f) if float(hit["start_s"]) == 0.0], cpu_s


def turbo(path, folder):
    """Hits of turbo_seti (Hz at the start, Hz/s) and its CPU seconds; what blimpy has of the file: channels, shape, first frequency, step."""
    from blimpy import Waterfall
    from turbo_seti.find_doppler.find_doppler import FindDoppler

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        view = Waterfall(path)
        wide = (view.header["nchans"], view.data.shape, view.header["fch1"], view.header["foff"])
        # As long as the first stretch: a power of two, which turbo_seti does not fill up. What the station has not recorded, whose motion
        # moves a narrow band by a twelfth of its width, gets mean powers: zeros would widen the scatter that turbo_seti divides by.
        data = view.data[: trials.SPECTRA]
        recorded = data.any(axis=(0, 1))
        data[:, :, ~recorded] = data[:, :, recorded].mean()
        view.data = data
        view.selection_shape = view.data.shape
        view.file_shape = view.data.shape
        view.n_ints_in_file = trials.SPECTRA
        short = path.replace(".fil", ".h5")
        view.write_to_hdf5(short)
        before = resource.getrusage(resource.RUSAGE_SELF)
        search = FindDoppler(short, max_drift=10, snr=10, out_dir=folder, n_coarse_chan=1, blank_dc=False)
        search.search()
        after = resource.getrusage(resource.RUSAGE_SELF)
    hits = []
    with open(short.replace(".h5", ".dat")) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                words = line.split()
                hits.append((float(words[3]) * 1e6, float(words[1])))
    return wide, hits, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("--skies", type=int, default=1)
    arguments.add_argument("--control", action="store_true")
    args = arguments.parse_args()
    ours = {"found": 0, "left": 0, "false": 0, "cpu": 0.0}
    theirs = {"found": 0, "false": 0, "local": 0, "cpu": 0.0}
    count = agreed = strong = files = 0
    for seed in range(1, args.skies + 1):
        with tempfile.TemporaryDirectory() as folder:
            truth, config = trials.simulate(args.program, 100 + seed, 24, False, folder, alone=True)
            hits, cpu_s = spectra(folder, "plain", config, args.program)
            hits, _ = spectra(folder, "files", config, args.program)
            ours["cpu"] += cpu_s
            if args.control:
                hits = [{**hit, "sky_mhz": float(hit["sky_mhz"]) + 500e-6} for hit in hits]
            on_sky = [one for one in truth if not one["station"]]
            count += len(on_sky) * len(trials.STATIONS)
            # Of every station's hits, whichever program's.
            found = {(one["sky_hz"], station) for hit in hits for one in on_sky if near(hit, one) for station in of(hit)}
            ours["found"] += len(found)
            ours["left"] += sum(hit["outcome"] == "passes" and not any(near(hit, o) for o in on_sky) for hit in hits)
            ours["false"] += sum(trials.of_truth(hit, truth) is None for hit in hits)
            out = os.path.join(folder, "files")
            for name in sorted(os.listdir(out)):
                if not name.endswith(".fil"):
                    continue
                files += 1
                station = name.split(".")[2]
                (channels, shape, first_mhz, step_mhz), lines, cpu_s = turbo(os.path.join(out, name), out)
                theirs["cpu"] += cpu_s
                wide_hz = abs(step_mhz) * 1e6 * channels
                if channels != shape[-1] or abs(wide_hz - trials.BAND_HZ) > 0.1:
                    print(f"{name}: blimpy has {shape}, foff {step_mhz}")
                    return 1
                low_hz = first_mhz * 1e6 - trials.BAND_HZ
                here = [o for o in on_sky if low_hz < o["sky_hz"] < low_hz + trials.BAND_HZ]
                seen = set()
                for sky_hz, drift in lines:
                    # turbo_seti tells the frequency at the start
                    one = next((o for o in here if abs(sky_hz - o["sky_hz"]) < 30.0), None)
                    if one:
                        seen.add(one["sky_hz"])
                    elif any(station in of(h) and abs(at_start(h) - sky_hz) < 150.0 for h in hits):
                        theirs["local"] += 1
                    else:
                        theirs["false"] += 1
                theirs["found"] += len(seen)
                for one in (o for o in here if o["sigma"] >= 11.0):
                    strong += 1
                    agreed += one["sky_hz"] in seen and (one["sky_hz"], station) in found
    print(f"{files} files opened by blimpy and turbo_seti; {count} carriers on the sky at a station each")
    print(f"kvn-corr:   {ours['found']} found, {ours['false']} hits of nothing, {ours['left']} of interference left, {ours['cpu']:.2f} s of CPU from the recordings on")
    print(f"turbo_seti: {theirs['found']} found, {theirs['false']} hits of nothing, {theirs['local']} of interference left, {theirs['cpu']:.2f} s of CPU from the powers on")
    print(f"strong carriers found by both: {agreed} of {strong}")
    return 0 if strong and agreed >= 0.9 * strong else 1


def at_start(hit):
    return float(hit["sky_mhz"]) * 1e6 - 0.5 * float(hit["length_s"]) * float(hit["drift_hz_per_s"])


def of(hit):
    """the stations that a hit is of: a hit of all together is there at each of them"""
    return trials.STATIONS if hit["station"] == "all" else [hit["station"]]


def near(hit, one):
    middle_s = float(hit["start_s"]) + 0.5 * float(hit["length_s"])
    return abs(float(hit["sky_mhz"]) * 1e6 - one["sky_hz"] - one["drift"] * middle_s) < 30.0


if __name__ == "__main__":
    sys.exit(main())
