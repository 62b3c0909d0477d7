"""Writes MANIFEST.toml: what every file of the line list is, where it comes from, and what its checks said."""

import hashlib

from linelist import physics
from linelist.sources import PACKAGES, RANGE_MHZ

STRENGTHS = {
    "lgint": "intensities as catalogued",
    "a": "intensities from A_ul g_u and the partition function",
    "smu2": "intensities from S mu^2 and the partition function",
}


def _text(value):
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _done(built):
    """What was done to the lines, in words."""
    steps = []
    for part in built.parts:
        step = STRENGTHS.get(part.get("strength"), "lines as they are in the file")
        weight = part.get("weight")
        if weight is not None:
            step += f", g_u = (2J+1) times {'its ' + weight + ' weight' if isinstance(weight, str) else weight}"
        if step not in steps:
            steps.append(step)
    if (factor := built.entry["q"].get("factor", 1)) != 1:
        steps.append(f"Q times {factor} (nuclear spins that the degeneracies hold)")
    if built.entry.get("excited"):
        steps.append("Q of the ground state: lines share the column density of the ground state's species")
    if "note" in built.entry:
        steps.append(built.entry["note"])
    return "; ".join(steps)


def _sources(built):
    for part in built.parts:
        version, licence = PACKAGES[part["package"]]
        yield "[[species.lines_from]]"
        yield f"package = {_text(part['package'])}"
        yield f"package_version = {_text(version)}"
        yield f"licence = {_text(licence)}"
        if "file" in part:
            yield f"file = {_text(part['file'])}"
        else:
            yield f"list = {_text(part['list'] + ' (Splatalogue)')}"
            yield f"entry = {_text(part['name'])}"
            yield f"entry_version = {_text(part['version'])}"
            yield f"entry_date = {_text(part['created'][:10])}"


def _species(built, folder):
    cat, qpart = folder / f"{built.name}.cat.gz", folder / f"{built.name}.qpart"
    q, catalog = built.entry["q"], built.entry["q"]["catalog"]
    yield "[[species]]"
    yield f"name = {_text(built.name)}"
    yield f"title = {_text(built.entry['title'])}"
    yield f"tag = {built.tag}"
    yield f"lines = {len(built.lines)}"
    yield f"lines_in_source = {built.all_lines}"
    yield f"range_mhz = [{built.lines[0].freq_mhz:.4f}, {built.lines[-1].freq_mhz:.4f}]"
    yield f"source_range_mhz = [{built.source_range[0]:.4f}, {built.source_range[1]:.4f}]"
    yield f"q300 = {built.q[physics.T0]:.6g}"
    yield f"q_range_k = [{min(built.q):g}, {max(built.q):g}]"
    yield f"done = {_text(_done(built))}"
    if "known_defect" in built.entry:
        yield f"note = {_text(built.entry['known_defect'])}"
    if built.delta_log_a == built.delta_log_a:
        yield f"check_dlog_a = {round(built.delta_log_a, 6) + 0.0}"
    if built.level_sum:
        yield f"check_level_sum = [{', '.join(f'[{t:g}, {v:.3f}]' for t, v in built.level_sum.items())}]"
    yield f"cat = {_text(cat.name)}"
    yield f"cat_sha256 = {_text(hashlib.sha256(cat.read_bytes()).hexdigest())}"
    yield f"qpart = {_text(qpart.name)}"
    yield f"qpart_sha256 = {_text(hashlib.sha256(qpart.read_bytes()).hexdigest())}"
    version, licence = PACKAGES["astroquery"]
    yield "[species.q_from]"
    yield 'package = "astroquery"'
    yield f"package_version = {_text(version)}"
    yield f"licence = {_text(licence)}"
    yield f"catalog = {_text(catalog)}"
    yield f"entry = {_text(built.q_entry['name'])}"
    yield f"tag = {q['tag']}"
    yield f"entry_version = {_text(built.q_entry['version'])}"
    if built.q_entry.get("date"):
        yield f"entry_date = {_text(built.q_entry['date'])}"
    yield from _sources(built)
    yield ""


def write(built, folder, weakest, temperatures_k):
    """The manifest of all species; `weakest` and `temperatures_k` are the criterion for weak lines."""
    out = [
        "# Written by scripts/make-linelist; ../README.md explains it.",
        "format = 1",
        f"range_mhz = [{RANGE_MHZ[0]}, {RANGE_MHZ[1]}]",
        f"weakest = {weakest:g} # of the species' largest integrated opacity in the range, at every one of",
        f"weakest_at_k = [{', '.join(f'{t}' for t in temperatures_k)}]",
        "",
    ]
    for b in built:
        out.extend(_species(b, folder))
    (folder / "MANIFEST.toml").write_text("\n".join(out), encoding="utf-8")
