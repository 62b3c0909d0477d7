#!/usr/bin/env python3
"""Efficiency of many ranks: plays alma-fit's handing out of stretches with the gradients that a run's transitions needed.

usage: scaling_model.py chain.h5 GRADIENT_MS MESSAGE_US [--ranks 96,1000] [--rungs N] [--latency US] [--at-once N]

chain.h5 is of a run of any number of ranks, GRADIENT_MS the time of a gradient, MESSAGE_US what a stretch costs rank 0 (both
messages with their conversions: examples/messages.rs), --latency what a rank waits for both messages on the network.
With temperatures a rank gets several stretches in one message after the warm-up (as alma-fit decides it, or --at-once).
With more than 32 ranks rank 0 only hands out. Every stretch gets the gradients of consecutive transitions of a random chain.
"""
import argparse
import heapq

import h5py
import numpy as np

AHEAD, FIRST_ONLY_SERVES = 64, 32
STRETCHES_A_RANK, MOST_AT_ONCE = 4, 8


def play(ranks, groups, rungs, rounds, draws, ahead, cost, seconds_0, latency_s, at_once=1):
    """Seconds until all groups have `rounds` rounds, and the seconds of work in them."""
    now, served, work = 0.0, 0.0, 0.0
    free = list(range(1 if ranks > FIRST_ONLY_SERVES else 0, ranks))
    done = np.zeros(groups, int)  # rounds of each group
    left, out = np.full(groups, rungs), np.full(groups, rungs)  # stretches to come back, and to hand out, of its present round
    ready = [(0, g) for g in range(groups)]  # groups with something to hand out, least far first
    heapq.heapify(ready)
    blocked, events = [], []
    while done.min() < rounds:
        base = done.min()
        while free and ready:
            far, g = ready[0]
            if far - base >= ahead or far >= rounds:
                break
            n = min(at_once, out[g])
            out[g] -= n
            if out[g] == 0:
                heapq.heappop(ready)
            rank = free.pop()
            served = max(served, now) + n * seconds_0
            t = sum(cost(draws) for _ in range(n))
            work += t
            heapq.heappush(events, (served + latency_s + t, rank, g, n))
        now, rank, g, n = heapq.heappop(events)
        free.append(rank)
        left[g] -= n
        if left[g] == 0:
            done[g] += 1
            left[g], out[g] = rungs, rungs
            heapq.heappush(ready, (done[g], g))
    return now, work


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("chain")
    parser.add_argument("gradient_ms", type=float)
    parser.add_argument("message_us", type=float)
    parser.add_argument("--ranks", default="2,96,1000")
    parser.add_argument("--rungs", type=int, default=1)
    parser.add_argument("--round", type=int, default=10, help="transitions of a stretch after the warm-up (tempering: 1)")
    parser.add_argument("--rounds", type=int, default=30, help="rounds after the warm-up")
    parser.add_argument("--warm-up", type=int, default=8, help="rounds of the warm-up, of 8 transitions, in which all wait")
    parser.add_argument("--at-once", type=int, default=0, help="stretches in a message after the warm-up; 0: as alma-fit does")
    parser.add_argument("--latency", type=float, default=50.0)
    args = parser.parse_args()
    with h5py.File(args.chain) as chain:
        steps = chain["n_steps"][:]
    rng = np.random.default_rng(1)
    scale = 1e-3 * args.gradient_ms

    def cost(draws):
        start, c = rng.integers(max(1, len(steps) - draws)), rng.integers(steps.shape[1])
        return scale * steps[start : start + draws, c].sum()

    print(f"{steps.mean():.1f} gradients a transition (sd {steps.std():.1f}), {args.rungs} temperatures")
    for ranks in (int(r) for r in args.ranks.split(",")):
        for per_rank in (2, 4, 8):
            groups = max(2, int(np.ceil(per_rank * ranks / args.rungs)))
            common = (1e-6 * args.message_us, 1e-6 * args.latency)
            warm, warm_work = play(ranks, groups, args.rungs, args.warm_up, 8, 1, cost, *common)
            at_once = args.at_once or min(MOST_AT_ONCE, max(1, groups * args.rungs // (STRETCHES_A_RANK * ranks)))
            at_once = at_once if args.rungs > 1 else 1
            drawn, work = play(ranks, groups, args.rungs, args.rounds, args.round, AHEAD, cost, *common, at_once)
            both = (work + warm_work) / ranks / (drawn + warm)
            print(
                f"{ranks:5} ranks, {groups * args.rungs:6} chains: warm-up {100 * warm_work / ranks / warm:5.1f} %, "
                f"sampling {100 * work / ranks / drawn:5.1f} %, both {100 * both:5.1f} %"
            )


main()
