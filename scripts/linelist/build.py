"""Makes the species of the line list, checks them, and writes the files and the manifest."""

import gzip
import io
import math
import statistics
from dataclasses import dataclass, field

from linelist import catfile, manifest, physics, sources
from linelist.sources import RANGE_MHZ

WEAKEST = 1e-7  # of the strongest integrated opacity of the species in the range ...
CUT_TEMPERATURES_K = (30.0, 100.0, 300.0)  # ... at every one of these


@dataclass
class Built:
    """A species: its lines, its partition function, where they come from, and what the checks say."""

    entry: dict
    q: dict
    q_entry: dict
    lines: list
    all_lines: int
    parts: list
    source_range: tuple
    delta_log_a: float = math.nan
    linear_a: float = 0.0
    linear_mhz: float = 0.0
    level_sum: dict = field(default_factory=dict)
    failures: list = field(default_factory=list)

    @property
    def name(self):
        return self.entry["name"]

    @property
    def tag(self):
        return self.entry.get("tag", self.entry["q"]["tag"])


def _strengths(lines, q300, t_k):
    return [
        physics.relative_opacity(
            line.freq_mhz, physics.a_times_g(line.freq_mhz, line.lgint, line.elow_cm, q300), line.elow_cm, t_k
        )
        for line in lines
    ]


def cut(lines, q300):
    """The lines in the range, less those below WEAKEST of the strongest at all of CUT_TEMPERATURES_K."""
    inside = [line for line in lines if RANGE_MHZ[0] <= line.freq_mhz <= RANGE_MHZ[1]]
    keep = [False] * len(inside)
    for t_k in CUT_TEMPERATURES_K:
        strengths = _strengths(inside, q300, t_k)
        floor = WEAKEST * max(strengths, default=0.0)
        keep = [k or s >= floor for k, s in zip(keep, strengths)]
    return [line for line, k in zip(inside, keep) if k]


def _level_sum(pairs, q):
    """Sum of g exp(-E/kT) over the distinct upper levels of the list, divided by Q: shows a wrong factor."""
    levels = {}
    for line, label in pairs:
        energy = line.elow_cm * physics.K_PER_CM + line.freq_mhz * physics.K_PER_MHZ
        levels[label.upper_state() + (round(energy, 1),)] = (energy, line.gup)
    return {t: sum(g * math.exp(-e / t) for e, g in levels.values()) / q[t] for t in (37.5, 75.0, 150.0) if t in q}


def build(opened, entry):
    """Gathers, checks and cuts one species of species.toml."""
    q, q_entry = opened.partition_function(entry["q"])
    lines, pairs, parts = [], [], []
    for part in entry["parts"]:
        if "cat" in part:
            lines += opened.cat_file(part["cat"])
            parts.append({"file": part["cat"], "package": part["package"]})
        else:
            own = list(sources.splatalogue_lines(opened, part, q[physics.T0]))
            pairs += own
            lines += [line for line, _ in own]
            info = opened.splatalogue_info(part["id"])
            keys = {key: part.get(key) for key in ("list", "weight", "strength")}
            parts.append({"package": "casadata", **keys, **info})
    lines.sort(key=lambda line: (line.freq_mhz, line.elow_cm, line.lgint, line.upper, line.lower, line.text))
    source_range = (lines[0].freq_mhz, lines[-1].freq_mhz)
    built = Built(entry, q, q_entry, cut(lines, q[physics.T0]), len(lines), parts, source_range)
    _check(built, lines, pairs)
    return built


def _check(built, lines, pairs):
    if not built.lines:
        built.failures.append("no lines in the range")
    q300 = built.q[physics.T0]
    deltas = [
        math.log10(physics.a_times_g(l.freq_mhz, l.lgint, l.elow_cm, q300) / l.a_source)
        for l in lines
        if l.a_source == l.a_source
    ]
    if deltas:
        built.delta_log_a = statistics.median(deltas)
        if abs(built.delta_log_a - built.entry.get("source_a_off_dex", 0.0)) > 2e-3:
            built.failures.append(f"A from LGINT is {built.delta_log_a:+.4f} dex off the source's")
    both = {label.without_hyperfine for _, label in pairs if label.hyperfine}
    both &= {label.text for _, label in pairs if not label.hyperfine}
    if both:
        built.failures.append(f"{len(both)} transitions are listed unsplit and as hyperfine components")
    if "linear" in built.entry:
        _check_linear(built, lines)
    if pairs and not built.entry.get("excited"):
        built.level_sum = _level_sum(pairs, built.q)
        low, high = built.entry.get("level_sum", (0.85, 1.1))
        t_k = 75.0 if 75.0 in built.level_sum else 37.5
        value = built.level_sum[t_k]
        if not low <= value <= high:
            built.failures.append(f"levels sum to {value:.3f} of Q at {t_k} K, expected {low} to {high}")


def _check_linear(built, lines):
    """Frequencies and A of a linear molecule against its rotational constants and dipole moment."""
    constants = built.entry["linear"]
    ground = {line.gup: line for line in sorted(lines, key=lambda line: -line.elow_cm)}  # lowest energy wins
    checked = 0
    for j_up in range(1, 40):
        line = ground.get(2 * j_up + 1)
        expected = physics.linear_top_mhz(j_up, constants["b"], constants["d"], constants.get("h", 0.0))
        if line is None or not RANGE_MHZ[0] <= expected <= RANGE_MHZ[1]:
            continue
        checked += 1
        a = physics.a_times_g(line.freq_mhz, line.lgint, line.elow_cm, built.q[physics.T0]) / line.gup
        a_expected = physics.linear_top_a(j_up, line.freq_mhz, constants["mu"])
        built.linear_a = max(built.linear_a, abs(math.log10(a / a_expected)))
        built.linear_mhz = max(built.linear_mhz, abs(line.freq_mhz - expected))
    if not checked or built.linear_a > 5e-3 or built.linear_mhz > 1.0:
        built.failures.append(
            f"{checked} lines differ from those of the rotational constants by up to {built.linear_mhz:.3f} MHz"
            f" and {built.linear_a:.4f} dex in A"
        )


def report(built):
    """Prints a line a species; returns the names of those that fail."""
    print(f"{'species':14s} {'tag':>6s} {'lines':>7s} {'kept':>7s} {'dlogA':>9s}  level sum / Q at 37.5, 75, 150 K")
    for b in built:
        sums = " ".join(f"{v:6.3f}" for v in b.level_sum.values()) or "     - (original .cat file, or excited)"
        print(f"{b.name:14s} {b.tag:6d} {b.all_lines:7d} {len(b.lines):7d} {b.delta_log_a:9.5f}  {sums}")
        if "linear" in b.entry:
            print(f"    from constants: within {b.linear_mhz:.3f} MHz and {b.linear_a:.5f} dex in A")
        for failure in b.failures:
            print(f"    FAILS: {failure}")
    return [b.name for b in built if b.failures]


def _cat_text(lines, tag, with_text):
    return "".join(catfile.format_line(line, tag, with_text) + "\n" for line in lines)


def qpart_text(built):
    """The two-column partition function table, with where it comes from in its header."""
    source = built.entry["q"]
    factor = source.get("factor", 1)
    note = f" times {factor}" if factor != 1 else ""
    entry = f"{source['catalog']} entry {source['tag']} ({built.q_entry['name']}){note}"
    return f"# T[K] Q   {built.entry['title']}: {entry}\n" + "".join(f"{t:g} {v:.6f}\n" for t, v in built.q.items())


def write_subset(built, subset, root):
    """Plain .cat and .qpart files of some species in some frequency ranges, for an example."""
    out = root / subset["folder"]
    out.mkdir(parents=True, exist_ok=True)
    for old in [*out.glob("*.cat"), *out.glob("*.qpart")]:
        old.unlink()
    by_name = {b.name: b for b in built}
    for name in subset["species"]:
        b = by_name[name]
        lines = [l for l in b.lines if any(lo <= l.freq_mhz <= hi for lo, hi in subset["windows_mhz"])]
        (out / f"{name}.cat").write_text(_cat_text(lines, b.tag, True), encoding="ascii")
        (out / f"{name}.qpart").write_text(qpart_text(b), encoding="ascii")


def _gzip(data):
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=9, mtime=0, filename="") as file:
        file.write(data)
    return buffer.getvalue()


def write_list(built, folder):
    """NAME.cat.gz and NAME.qpart for every species, and the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob("*.cat.gz"), *folder.glob("*.qpart")]:
        old.unlink()
    for b in built:
        (folder / f"{b.name}.cat.gz").write_bytes(_gzip(_cat_text(b.lines, b.tag, False).encode("ascii")))
        (folder / f"{b.name}.qpart").write_text(qpart_text(b), encoding="ascii")
    manifest.write(built, folder, WEAKEST, CUT_TEMPERATURES_K)
