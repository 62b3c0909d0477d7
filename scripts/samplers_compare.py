#!/usr/bin/env python3
"""Samples the posterior of B5 with alma-fit, emcee, zeus, dynesty and NumPyro in one run and writes one table.

usage: samplers_compare.py PROGRAM SHARED [--np N] [--only NAME,NAME] [--table FILE]

PROGRAM is alma-fit, SHARED the folder that has peers/alma and data/alma. The peers run with the Python that runs this; one
that is not installed, or fails, is said so in the table. CPU seconds are those of all processes; ESS and R-hat of all
chains are computed by arviz, alma-fit's too.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import children

PEERS = {"emcee": "emcee", "zeus": "zeus", "dynesty": "dynesty", "NumPyro NUTS": "nuts"}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("shared")
    parser.add_argument("--np", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--table", default="")
    return parser.parse_args()


def cpu_of(command, **options):
    """Runs a command; its output, its CPU seconds with those of all its processes, its exit code."""
    before = children.cpu_s()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    return done.stdout, children.cpu_s() - before, done.returncode


def ours(args, sampler, folder):
    """One run from the prior to the products; the share of sampling alone follows from the gradients of each stage."""
    import arviz
    import h5py
    import numpy as np

    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    text = open(os.path.join(root, "examples/b5/posterior.toml")).read()
    text = text.replace("../../../shared", os.path.abspath(args.shared))
    if sampler != "auto":
        text = text.replace("seed = 1", f'seed = 1\nsampler = "{sampler}"')
    config = os.path.join(folder, f"{sampler}.toml")
    open(config, "w").write(text)
    out = os.path.join(folder, sampler)
    mpi = ["mpirun", "-np", str(args.np)] if args.np > 1 else []
    output, cpu, code = cpu_of([*mpi, args.program, "run", config, "--out", out, "--no-progress"])
    if code != 0:
        return {"failed": output.strip().splitlines()[-1]}
    with h5py.File(os.path.join(out, "chain.h5")) as chain:
        samples = np.transpose(chain["samples"][:], (1, 0, 2))
        steps = float(chain["n_steps"][:].sum())
    dims = range(samples.shape[2])
    ess = min(float(arviz.ess(samples[:, :, k], method="bulk")) for k in dims)
    tail = min(float(arviz.ess(samples[:, :, k], method="tail")) for k in dims)
    r_hat = max(float(arviz.rhat(samples[:, :, k])) for k in dims)
    summary = open(os.path.join(out, "summary.txt")).read()
    search, warm = (float(x) for x in re.search(r"(\d+) in the search, (\d+) in the warm-up", summary).groups())
    share = steps / (search + warm + steps)
    return {
        "ess": ess, "tail": tail, "r_hat": r_hat, "cpu": cpu, "sampling": cpu * share, "calls": steps,
        "note": f"from the prior, {args.np} rank(s); gradients: search {search:.0f}, warm-up {warm:.0f}",
    }


def peer(args, name, folder):
    script = os.path.join(os.path.abspath(args.shared), "peers/alma/samplers.py")
    environment = dict(os.environ, NUMBA_CACHE_DIR=folder)
    output, cpu, code = cpu_of([sys.executable, script, PEERS[name]], cwd=folder, env=environment)
    path = os.path.join(folder, f"samp_{PEERS[name]}.json")
    if code != 0 or not os.path.exists(path):
        return {"failed": output.strip().splitlines()[-1] if output.strip() else f"exit code {code}"}
    found = json.load(open(path))
    if name == "dynesty":
        note = "stopped at its limit of calls" if found["maxcall_hit"] else "finished"
        return {"ess": found["kish_ess"], "tail": None, "r_hat": None, "cpu": cpu, "sampling": found["cpu_s"],
                "calls": found["calls"], "note": f"{note}; Kish's ESS; prior cut to a box around the truth"}
    burn = found["burn_cpu_s"]
    return {"ess": found["ess_min"], "tail": None, "r_hat": found["rhat_max"], "cpu": burn + found["cpu_s"],
            "sampling": found["cpu_s"], "calls": found["calls"], "note": "started at the truth"}


def row(name, r):
    if "failed" in r:
        return f"| {name} | | | | | | | could not be had: {r['failed'][:100]} |"
    text = lambda x, form: "" if x is None else format(x, form)
    return (f"| {name} | {r['cpu']:.1f} | {r['sampling']:.1f} | {r['ess']:.0f} | {text(r['r_hat'], '.4f')} | "
            f"{r['ess'] / r['sampling']:.3g} | {r['calls'] / r['ess']:.3g} | {r['note']} |")


def main():
    args = arguments()
    names = ["alma-fit auto", "alma-fit nuts", *PEERS]
    wanted = [n for n in names if not args.only or n in args.only.split(",")]
    lines = [
        "| sampler | CPU s | of them sampling | bulk ESS | R-hat | ESS per CPU s of sampling | calls per ESS | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted:
            if name.startswith("alma-fit"):
                lines.append(row(name, ours(args, name.split()[1], folder)))
            else:
                lines.append(row(name, peer(args, name, folder)))
            print(lines[-1], flush=True)
    if args.table:
        open(args.table, "w").write("\n".join(lines) + "\n")


main()
