"""Draws the completeness and false alarms of kvn-corr search narrow as SVG from the tables of narrow_trials.py and narrow_noise.py.

usage: narrow_plot.py TRIALS.csv [NOISE.csv] OUT.svg
"""
import csv
import math
import sys

WIDE, HIGH, LEFT, TOP = 300, 220, 50, 24


def panel(x0, title, across, up, ticks_x, ticks_y):
    """a frame with ticks, and the function from values to places"""

    def place(x, y):
        px = x0 + LEFT + (x - across[0]) / (across[1] - across[0]) * WIDE
        py = TOP + HIGH - (y - up[0]) / (up[1] - up[0]) * HIGH
        return px, py

    parts = [f'<rect x="{x0 + LEFT}" y="{TOP}" width="{WIDE}" height="{HIGH}" fill="none" stroke="#888"/>']
    parts.append(f'<text x="{x0 + LEFT + WIDE / 2}" y="{TOP - 8}" text-anchor="middle">{title}</text>')
    for value, text in ticks_x:
        x, y = place(value, up[0])
        parts.append(f'<path d="M{x:.1f} {y}v4" stroke="#888"/><text x="{x:.1f}" y="{y + 17}" text-anchor="middle">{text}</text>')
    for value, text in ticks_y:
        x, y = place(across[0], value)
        parts.append(f'<path d="M{x} {y:.1f}h-4" stroke="#888"/><text x="{x - 7}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    return parts, place


def rician(sigma):
    """share of amplitudes of this sigma that exceed 6.44 with noise: what no search of one amplitude can better"""
    total, step = 0.0, 0.005
    for k in range(int(12 / step)):
        x = 6.44 + (k + 0.5) * step
        # exp(-(x - s)^2 / 2) of the exponentially scaled Bessel function I0, by its asymptotic series
        z = x * sigma
        scaled = (1 + 1 / (8 * z) + 9 / (128 * z * z)) / math.sqrt(2 * math.pi * z)
        total += x * math.exp(-0.5 * (x - sigma) ** 2) * scaled * step
    return total


def shares(place, passes_by_sigma):
    """the share that passed of each sigma, with its error"""
    parts = []
    for sigma, passes in sorted(passes_by_sigma.items()):
        share, n = sum(passes) / len(passes), len(passes)
        error = math.sqrt((share * (1 - share) + 0.25 / n) / n)
        x, y = place(sigma, share)
        _, low = place(sigma, max(share - error, 0))
        _, high = place(sigma, min(share + error, 1))
        parts.append(f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="#1f5fa8"/><circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#1f5fa8"/>')
    return parts


def completeness(path):
    with open(path) as f:
        trials = [(float(r["sigma"]), int(r["passes"])) for r in csv.DictReader(f)]
    ticks = [(s, str(s)) for s in range(5, 12)]
    parts, place = panel(0, f"passed of {len(trials)} carriers", (5, 11), (0, 1), ticks, [(v / 4, str(v / 4)) for v in range(5)])
    line = " ".join("{:.1f},{:.1f}".format(*place(s / 20, rician(s / 20))) for s in range(100, 221))
    parts.append(f'<polyline points="{line}" fill="none" stroke="#bbb" stroke-width="2"/>')
    bins = {}
    for sigma, passes in trials:
        bins.setdefault(sigma if sigma in (7.0, 8.1) else math.floor(2 * sigma) / 2 + 0.25, []).append(passes)
    parts += shares(place, bins)
    parts.append(f'<text x="{LEFT + WIDE / 2}" y="{TOP + HIGH + 34}" text-anchor="middle">sigma injected (all stations)</text>')
    return parts


def false_alarms(path):
    with open(path) as f:
        noise = [r for r in csv.DictReader(f) if r["sigma"] != "candidates"]
    counts = [(float(r["sigma"]), float(r["hits"]), float(r["allowed"])) for r in noise]
    top = math.ceil(math.log10(max(a for _, _, a in counts)))
    ticks = [(6 + k / 10, f"{6 + k / 10:.1f}") for k in range(0, 8, 2)]
    parts, place = panel(LEFT + WIDE + 20, "hits of noise", (5.95, 6.75), (-0.5, top), ticks, [(v, f"10^{v}" if v else "1") for v in range(top + 1)])
    line = " ".join("{:.1f},{:.1f}".format(*place(s, math.log10(a))) for s, _, a in counts)
    parts.append(f'<polyline points="{line}" fill="none" stroke="#bbb" stroke-width="2"/>')
    for sigma, hits, _ in counts:
        if hits:
            x, y = place(sigma, math.log10(hits))
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#b03a2e"/>')
    parts.append(f'<text x="{2 * LEFT + WIDE + 20 + WIDE / 2}" y="{TOP + HIGH + 34}" text-anchor="middle">sigma found (line: what the threshold allows)</text>')
    return parts


def main():
    trials, *noise, out = sys.argv[1:]
    parts = completeness(trials)
    for path in noise:
        parts += false_alarms(path)
    panels = 1 + len(noise)
    size = (panels * (LEFT + WIDE) + 20 * panels, TOP + HIGH + 44)
    with open(out, "w") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" font-family="sans-serif" font-size="12">\n')
        f.write(f'<rect width="{size[0]}" height="{size[1]}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")


if __name__ == "__main__":
    main()
