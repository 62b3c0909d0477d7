#!/usr/bin/env python3
"""Compares `alma-fit nonlte` with other programs that solve the same equations.

usage: radex_diff.py ALMA_FIT LAMDA_FILE... [--control]
The other program is RADEX (https://personal.sron.nl/~vdtak/radex/) where a program `radex` of the 2024 version is on the
PATH, for all three shapes of the cloud; otherwise the Python package pythonradex, for the static sphere, whose formulas the two
share. A grid of temperature, column and density of H2 (all in the file's first partner with H2); lines with an opacity of
more than 0.001; the other program's runs that do not converge, or have opacities below -1 (pythonradex: -0.001), do not count. With RADEX half a
unit of its last printed digit is allowed for. With --control our densities are 10 % off.
"""
import csv, itertools, os, re, shutil, statistics, subprocess, sys, tempfile

ARGUMENTS = [a for a in sys.argv[1:] if a != "--control"]
PROGRAM, FILES = ARGUMENTS[0], ARGUMENTS[1:]
CONTROL = "--control" in sys.argv
RADEX = shutil.which("radex")
T_BG_K, FWHM_KMS = 2.73, 1.0
# RADEX's shortcut at small opacities costs up to 1.2 % of the trapping in an expanding sphere: see the book.
BOUNDS = {"sphere": 0.005, "lvg": 0.02, "slab": 0.005}
GRID = list(itertools.product([15, 40, 110, 280], [12, 14, 16], [3, 5, 7]))
SHAPES = {"sphere": 1, "lvg": 2, "slab": 3}


def partners(path):
    """Numbers of the collision partners of a LAMDA file."""
    lines = open(path, errors="replace").read().splitlines()
    first = lambda i: int(lines[i].split()[0])
    i = 8 + first(5)
    i += 3 + first(i)
    found = []
    for _ in range(first(i)):
        found.append(lines[i + 2].strip()[0])
        i += 9 + first(i + 4)
    return found


def ours(path, shape, t_k, logn, log_n):
    """Tex and tau of every line; ortho-to-para ratio 3."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "lines.csv")
        log_n += 0.0414 if CONTROL else 0.0
        command = [PROGRAM, "nonlte", path, "--tkin", f"{t_k}K", "--logn", str(logn), "--log10-nh2", str(log_n), "--opr", "3",
                   "--fwhm-kms", str(FWHM_KMS), "--geometry", shape, "--tbg", f"{T_BG_K}K", "--csv", out]
        subprocess.run(command, check=True, capture_output=True)
        return [(float(r["tex_k"]), float(r["tau"])) for r in csv.DictReader(open(out))]


def densities(path, log_n):
    """Densities (cm^-3) by the numbers of the format."""
    known, n = partners(path), 10.0**log_n
    if {"2", "3"} <= set(known) and "1" not in known:
        return {"2": 0.25 * n, "3": 0.75 * n}
    return {next(p for p in "123" if p in known): n}


def radex(path, shape, t_k, logn, log_n):
    """RADEX's word, None where it has none."""
    names = {"1": "h2", "2": "p-h2", "3": "o-h2"}
    with tempfile.TemporaryDirectory() as folder:
        gas = "".join(f"{names[p]}\n{n!r}\n" for p, n in densities(path, log_n).items())
        text = (f"{os.path.abspath(path)}\n{folder}/out\n0 0\n{t_k}\n{len(densities(path, log_n))}\n{gas}{T_BG_K}\n{10.0**logn!r}\n"
                f"{FWHM_KMS}\n{SHAPES[shape]}\n1\n1e-6\n0.3\n0\n")
        told = subprocess.run([RADEX], input=text, text=True, capture_output=True, cwd=folder).stdout
        steps = re.search(r"Finished in\s+(\d+)", told)
        if not steps or int(steps[1]) < 3:
            return None
        rows = [line.rsplit("--", 1)[1].split()[-10:] for line in open(f"{folder}/out") if " -- " in line]
        number = lambda text: float(re.sub(r"(\d)([-+]\d{3})$", r"\1e\2", text))
        return [(number(r[3]), number(r[4])) for r in rows]


def pythonradex(path, shape, t_k, logn, log_n):
    """The package's word, None where it has none."""
    import numpy
    from pythonradex import radiative_transfer
    from scipy import constants

    names = {"1": "H2", "2": "para-H2", "3": "ortho-H2"}
    cloud = radiative_transfer.Source(
        datafilepath=path, geometry="static sphere", line_profile_type="Gaussian", width_v=FWHM_KMS * 1e3, use_Ng_acceleration=True,
        treat_line_overlap=False)
    gas = {names[p]: n * 1e6 for p, n in densities(path, log_n).items()}
    black = lambda nu: 2 * constants.h * nu**3 / constants.c**2 / numpy.expm1(constants.h * nu / (constants.k * T_BG_K))
    cloud.update_parameters(N=10.0**logn * 1e4, Tkin=t_k, collider_densities=gas, ext_background=black, T_dust=0, tau_dust=0)
    try:
        cloud.solve_radiative_transfer()
    except Exception: # no convergence
        return None
    return list(zip(cloud.Tex, cloud.tau_nu0_individual_transitions))


def difference(a, b, printed):
    """Relative, less half a unit of the last printed digit."""
    return max(abs(a - b) - printed, 0.0) / abs(b)


other = radex if RADEX else pythonradex
# pythonradex lets no line escape with a probability above 1, as inverted lines do.
LEAST_TAU = -1 if RADEX else -1e-3
shapes = list(SHAPES) if RADEX else ["sphere"]
print("against", "RADEX" if RADEX else "pythonradex, for the static sphere alone")
worst_share = 1.0
for path, shape in itertools.product(FILES, shapes):
    by_tex, by_tau, left_out = [], [], 0
    for t_k, logn, log_n in GRID:
        known = other(path, shape, t_k, logn, log_n)
        if known is None or min(tau for _, tau in known) < LEAST_TAU:
            left_out += 1
            continue
        for (tex, tau), (tex_0, tau_0) in zip(ours(path, shape, t_k, logn, log_n), known):
            if abs(tau_0) > 1e-3:
                by_tex.append(difference(tex, tex_0, 5e-4 if RADEX else 0))
                by_tau.append(difference(tau, tau_0, 5e-4 * abs(tau_0) if RADEX else 0))
    within = sum(max(pair) < BOUNDS[shape] for pair in zip(by_tex, by_tau)) / len(by_tex)
    enough = {"sphere": 0.995, "lvg": 0.98, "slab": 0.985}[shape]
    worst_share = min(worst_share, within / enough)
    print(f"{os.path.basename(path)} {shape}: {len(by_tex)} lines, {left_out} of {len(GRID)} conditions left out, medians of Tex "
          f"{statistics.median(by_tex):.1e} and tau {statistics.median(by_tau):.1e}, within {BOUNDS[shape]}: {100 * within:.2f} %")
print("agree" if worst_share >= 1 else "differ")
sys.exit(0 if worst_share >= 1 else 1)
