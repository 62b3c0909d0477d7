"""Draws the completeness of kvn-corr search bursts as SVG from the tables of burst_trials.py.

usage: burst_plot.py TRIALS.csv... OUT.svg
"""
import csv
import sys

from burst_trials import TARGETS
from narrow_plot import HIGH, LEFT, TOP, WIDE, panel, rician, shares


def main():
    trials = {}
    for path in sys.argv[1:-1]:
        with open(path) as f:
            for row in csv.DictReader(f):
                trials.setdefault(float(row["sigma"]), []).append(int(row["passes"]))
    count = sum(len(passes) for passes in trials.values())
    ticks = [(s, str(s)) for s in range(4, 12)]
    parts, place = panel(0, f"passed of {count} pulses", (4.5, 11.5), (0, 1), ticks[1:], [(v / 4, str(v / 4)) for v in range(5)])
    line = " ".join("{:.1f},{:.1f}".format(*place(s / 20, rician(s / 20))) for s in range(90, 231))
    parts.append(f'<polyline points="{line}" fill="none" stroke="#bbb" stroke-width="2"/>')
    for sigma, wanted in TARGETS.items():
        x, y = place(sigma, wanted)
        parts.append(f'<path d="M{x - 5:.1f} {y:.1f}h10" stroke="#b03a2e" stroke-width="2"/>')
    parts += shares(place, trials)
    x, y = LEFT + WIDE / 2, TOP + HIGH + 34
    parts.append(f'<text x="{x}" y="{y}" text-anchor="middle">sigma injected, all baselines</text>')
    parts.append(f'<text x="{x}" y="{y + 17}" text-anchor="middle">grey: one amplitude in noise; red: wanted</text>')
    size = (LEFT + WIDE + 20, y + 27)
    with open(sys.argv[-1], "w") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" font-family="sans-serif" font-size="12">\n')
        f.write(f'<rect width="{size[0]}" height="{size[1]}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")


if __name__ == "__main__":
    main()
