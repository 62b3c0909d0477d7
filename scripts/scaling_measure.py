#!/usr/bin/env python3
"""Strong and weak scaling of alma-fit's samplers on one and two ranks, from runs of two lengths on B5.

usage: scaling_measure.py PROGRAM SHARED [--only NAME,NAME] [--repeat N]

Each time is the difference between a long and a short run of the same plan, so that start, search, warm-up and most of the products
cancel; what the products of more draws take is measured by `alma-fit report` and taken off. Strong: the same chains on two ranks.
Weak: twice the chains on two ranks. By the clock counts what ranks wait for each other; by CPU seconds what they do besides, and waiting
that keeps a core busy. The shortest of N runs counts.
"""
import argparse
import os
import re
import subprocess
import tempfile
import time

import children

# [fit] for a number of ranks' worth of work, and the two lengths.
SAMPLERS = {
    "hmc": ("chains = {chains}\nwarm_up = 8\ness = 1e9\ndraws = {length}", 16, (50, 550)),
    "nuts": ("chains = {chains}\nwarm_up = 8\ness = 1e9\ndraws = {length}", 16, (50, 350)),
    "tempering": ("chains = {chains}\nwarm_up = 5\ness = 1e9\ndraws = {length}", 2, (4, 44)),
    "ensemble": ("walkers = {chains}\nburn = 10\nsteps = {length}", 80, (100, 1100)),
}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("shared")
    parser.add_argument("--only", default="")
    parser.add_argument("--repeat", type=int, default=2)
    return parser.parse_args()


def timed(command):
    """Seconds by the clock and of CPU."""
    clock, cpu = time.perf_counter(), children.cpu_s()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stdout)
    return time.perf_counter() - clock, children.cpu_s() - cpu


def run(args, folder, sampler, ranks, chains, length):
    """Seconds of a run without what its products take."""
    settings = SAMPLERS[sampler][0].format(chains=chains, length=length)
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    text = open(os.path.join(root, "examples/b5/posterior.toml")).read()
    text = text.replace("../../../shared", os.path.abspath(args.shared))
    text = re.sub(r"\[fit\]\nseed = 1\n", f'[fit]\nseed = 1\nsampler = "{sampler}"\n{settings}\n', text)
    config, out = os.path.join(folder, "fit.toml"), os.path.join(folder, "out")
    open(config, "w").write(text)
    mpi = ["mpirun", "--allow-run-as-root", "-np", str(ranks)] if ranks > 1 else []
    best = [float("inf")] * 2
    for _ in range(args.repeat):
        whole = timed([*mpi, args.program, "run", config, "--out", out, "--fresh", "--no-progress", "-q"])
        report = timed([args.program, "report", out, "--out", os.path.join(folder, "again")])
        best = [min(b, w - r) for b, w, r in zip(best, whole, report)]
    return best


def main():
    args = arguments()
    print("| sampler | chains or walkers | one rank | two ranks | strong, by the clock (CPU) | twice as many on two | weak |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for sampler, (_, chains, (short, long)) in SAMPLERS.items():
            if args.only and sampler not in args.only.split(","):
                continue

            def took(ranks, n):
                a, b = (run(args, folder, sampler, ranks, n, length) for length in (long, short))
                return a[0] - b[0], a[1] - b[1]

            (one, cpu_one), (two, cpu_two), (weak, cpu_weak) = took(1, chains), took(2, chains), took(2, 2 * chains)
            print(
                f"| {sampler} | {chains} | {one:.2f} s | {two:.2f} s | {50 * one / two:.0f} % ({100 * cpu_one / cpu_two:.0f} %) | "
                f"{weak:.2f} s | {100 * one / weak:.0f} % ({200 * cpu_one / cpu_weak:.0f} %) |",
                flush=True,
            )


main()
