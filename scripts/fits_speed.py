#!/usr/bin/env python3
"""Measures fits-pack beside packers in Python (peers/fits/pypack.py), alternately, in CPU seconds; counts requests per file.

usage: fits_speed.py FITS_PACK SHARED [ROUNDS]     (Python with numpy, astropy, fitsio; strace where it is there)
500 galaxies of five bands, 128 x 128 single precision: read, stacked, nulls masked, asinh, checksums, written. Ours also keeps the mask,
the table and the statistics; "with sky" estimates sky and noise and marks foreground objects, too. The peers count from behind their
imports; of ours what a run of one galaxy takes (MPI's start and end, the report) is subtracted. Prints the ratio to py-fitsio last.
"""
import glob, os, re, shutil, subprocess, sys, tempfile

import children

PROGRAM, SHARED = sys.argv[1:3]
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 3
PEERS = f"{SHARED}/peers/fits"
GALAXIES = 500
CONFIG = """[input]
catalog = "list.csv"
path = "{dir}/{id}-{band}.fits"
[bands]
names = ["u", "g", "r", "i", "z"]
nulls = "zero"
[image]
planes = "asinh"
"""
PLAIN = 'sky = "ignore"\nforeground = false\n'


def cpu(command, env):
    """CPU seconds of a command and all its children."""
    before = children.cpu_s()
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    used = children.cpu_s() - before
    assert done.returncode == 0, done.stdout + done.stderr
    return used, done.stdout


def ours(work, config):
    def run(env):
        shutil.rmtree(f"{work}/out", ignore_errors=True)
        return cpu([PROGRAM, "run", f"{work}/{config}", "--out", f"{work}/out", "-q"], env)[0]
    return run


def peer(name):
    def run(env):
        text = cpu([sys.executable, f"{PEERS}/pypack.py", name], env)[1]
        return float(re.search(r"cpu ([\d.]+)", text).group(1)) # without the start of Python
    return run


with tempfile.TemporaryDirectory() as work:
    env = dict(os.environ, FITS_DIR=work, LIST=f"{work}/list", OUT=f"{work}/py.npy", OMPI_ALLOW_RUN_AS_ROOT="1",
               OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    subprocess.run([sys.executable, f"{PEERS}/gen.py", str(GALAXIES), "128", "s128"], check=True, env=env)
    names = sorted(glob.glob(f"{work}/s128/*/*-u.fits"))
    with open(f"{work}/list", "w") as peers, open(f"{work}/list.csv", "w") as table:
        table.write("id,dir,ra,dec\n")
        for name in names:
            folder, stem = os.path.split(os.path.relpath(name, work))
            table.write(f"{stem[:-7]},{folder},0,0\n")
            peers.writelines(f"{folder}/{stem[:-7]}-{band}.fits\n" for band in "ugriz")
    for config, extra in [("pack.toml", PLAIN), ("sky.toml", "")]:
        open(f"{work}/{config}", "w").write(CONFIG + extra)
    with open(f"{work}/list.csv") as table, open(f"{work}/one.csv", "w") as one:
        one.writelines(table.readlines()[:2])
    open(f"{work}/one.toml", "w").write((CONFIG + PLAIN).replace("list.csv", "one.csv"))
    start = sorted(ours(work, "one.toml")(env) for _ in range(5))[2]
    runs = {"fits-pack": ours(work, "pack.toml"), "fits-pack, with sky": ours(work, "sky.toml"),
            "py-fitsio, NumPy": peer("fitsio"), "astropy, NumPy": peer("astropy")}
    times = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            times[name].append(run(env) - (start if name.startswith("fits-pack") else 0))
    files = 5 * GALAXIES
    print(f"{files} files, {ROUNDS} rounds; a run of one galaxy takes {start:.3f} s, which is subtracted")
    for name, seconds in times.items():
        best, middle = min(seconds), sorted(seconds)[len(seconds) // 2]
        print(f"{name:20} {files / best:8.0f} files per CPU second (best), {files / middle:8.0f} (median), {1e6 * middle / files:7.1f} us a file")
    if shutil.which("strace"):
        shutil.rmtree(f"{work}/out", ignore_errors=True)
        command = [PROGRAM, "run", f"{work}/pack.toml", "--out", f"{work}/out", "-q"]
        subprocess.run(["strace", "-f", "-e", "trace=%file,read,pread64,close,lseek,fstat", "-o", f"{work}/trace"] + command, check=True, env=env, capture_output=True)
        counts, ours_now = {}, {}
        for line in open(f"{work}/trace"):
            match = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(\(| resumed)(.*)", line)
            if not match:
                continue
            thread, call, kind, rest = match.groups()
            if call == "openat" and "/s128/" in rest:
                ours_now[thread] = True
            if kind == "(" and (ours_now.get(thread) or "/s128/" in rest):
                counts[call] = counts.get(call, 0) + 1
            if call == "close":
                ours_now[thread] = False
        print("requests per file: " + ", ".join(f"{call} {n / files:.2f}" for call, n in sorted(counts.items())))
    middle = {name: sorted(seconds)[len(seconds) // 2] for name, seconds in times.items()}
    print(f"fits-pack is {middle['py-fitsio, NumPy'] / middle['fits-pack']:.2f} times faster than py-fitsio with NumPy (medians)")
