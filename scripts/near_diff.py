#!/usr/bin/env python3
"""Compare delays of near bodies with the formula of Sekido & Fukushima (2006), evaluated here with ERFA.

usage: near_diff.py PATH/TO/kvn-corr [--control]
Makes orbits (a satellite at 42000 km, the distance of the Moon, of Mars), writes them as orbit ephemeris messages with a job, lets
kvn-corr delay make its table (no troposphere, no displacements) and compares on baselines: within 1 ps for the satellite (to which the
formula's expansion is good), 0.1 and 0.3 ps for the others. Of the bodies that bend light Sun and Earth are in here; the Moon and planets are below that.
--control: the orbits in the messages are 100 m off; must fail.
"""
import csv
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import erfa
import numpy as np

C = 299792458.0
GM_SUN, GM_EARTH, AU = 1.32712440041e20, 3.986004418e14, 149597870700.0
UT1_UTC, XP, YP, TAI_UTC = -0.0155, 0.0180, 0.3324, 37.0
MJD0, START_S = 60000, 79200.0
STATIONS = {"Ky": (-3042281.0290, 4045902.6673, 3867374.3313), "Ku": (-3287268.6591, 4023450.1291, 3687379.9883),
            "Kt": (-3171731.6818, 4292678.5318, 3481038.7880)}
# Name, distance in m, speed across in m/s, scale of time.
BODIES = [("SATELLITE", 4.2e7, 3078.0, "UTC"), ("MOON", 3.9e8, 1018.0, "TT"), ("MARS", 1.5e11, 12000.0, "TDB")]
TOWARD = (math.radians(250.745), math.radians(39.81))


def orbit(distance_m, speed, seconds):
    """Geocentric place and velocity on a circle, some seconds after the start."""
    ra, dec = TOWARD
    k = np.array([math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)])
    e = np.array([-math.sin(ra), math.cos(ra), 0.0])
    w = speed / distance_m
    s, c = math.sin(w * seconds), math.cos(w * seconds)
    return distance_m * (c * k + s * e), speed * (c * e - s * k)


def message(name, distance_m, speed, scale, moved_m):
    rows = []
    offset = {"UTC": 0.0, "TT": TAI_UTC + 32.184, "TDB": TAI_UTC + 32.184}[scale]
    for i in range(-30, 12):
        at = START_S + 60.0 * i
        place, velocity = orbit(distance_m, speed, 60.0 * i - offset)
        place = place + moved_m * np.array([0.0, 0.0, 1.0])
        clock = f"{int(at // 3600):02d}:{int(at // 60 % 60):02d}:{at % 60:02.0f}"
        rows.append(f"2023-02-25T{clock} " + " ".join(f"{x / 1e3:.12f}" for x in (*place, *velocity)))
    head = (f"CCSDS_OEM_VERS = 2.0\nMETA_START\nOBJECT_NAME = {name}\nCENTER_NAME = EARTH\nREF_FRAME = ICRF\n"
            f"TIME_SYSTEM = {scale}\nMETA_STOP\n")
    return head + "\n".join(rows) + "\n"


def job(folder):
    lines = ["[correlation]\nchannels = 64\nintegration_s = 0.128\n[model]\ntroposphere = false\ndisplacements = false"]
    for day in range(-1, 3):
        lines.append(f"[[model.eop]]\nmjd = {MJD0 + day}.0\ntai_utc_s = {TAI_UTC}\nut1_utc_s = {UT1_UTC}\n"
                     f"x_arcsec = {XP}\ny_arcsec = {YP}")
    lines += [f'[[stations]]\ncode = "{c}"\nposition_m = {list(p)}' for c, p in STATIONS.items()]
    lines += [f'[[sources]]\nname = "{b[0]}"\nra = 250.745\ndec = 39.81\norbit = "{b[0]}.oem"' for b in BODIES]
    names = ", ".join(f'"{b[0]}"' for b in BODIES)
    lines.append(f'[[scans]]\nname = "s"\nstart = "2023-02-25T22:00:00"\nduration_s = 300.0\nsource = "MARS"\ncentres = [{names}]')
    (folder / "job.toml").write_text("\n".join(lines) + "\n")


def earth(tt):
    """Barycentric place and velocity of the geocentre, and the Sun from it, at a fraction of the day in TT."""
    helio, bary = erfa.epv00(2400000.5 + MJD0, tt / 86400.0)
    return bary["p"] * AU, bary["v"] * AU / 86400.0, -helio["p"] * AU


def station(xyz, utc):
    """GCRS place and its velocity."""
    def place(t):
        tt = t + TAI_UTC + 32.184
        sec = math.pi / 648000.0
        m = erfa.c2t06a(2400000.5 + MJD0, tt / 86400.0, 2400000.5 + MJD0, (t + UT1_UTC) / 86400.0, XP * sec, YP * sec)
        return m.T @ np.array(xyz)
    return place(utc), (place(utc + 1.0) - place(utc - 1.0)) / 2.0


def path(end, start):
    """The logarithm of Shapiro's delay from start to end, seen from the mass."""
    end, start = end.astype(np.longdouble), start.astype(np.longdouble)
    r, s, between = (np.sqrt(np.sum(x * x)) for x in (end, start, start - end))
    return float(np.log((r + s + between) / (r + s - between)))


def delay(name, distance_m, speed, scale, utc, code):
    """t_station - t_geocentre by equation 13 of Sekido & Fukushima 2006, station 1 in the geocentre (its own bending by the Earth cancels)."""
    tt = utc + TAI_UTC + 32.184
    place, velocity, sun = earth(tt)
    potential = GM_SUN / np.linalg.norm(sun)
    light = distance_m / C
    for _ in range(10):
        then = earth(tt - light)[0] - place
        if scale == "TDB":
            body = orbit(distance_m, speed, utc - START_S - light)[0] + then
        else:
            near = orbit(distance_m, speed, utc - START_S - light)[0]
            late = np.dot(velocity, near) / C**2
            near = orbit(distance_m, speed, utc - START_S - light - late)[0]
            body = near * (1 - potential / C**2) - 0.5 * np.dot(velocity, near) / C**2 * velocity + then
        light = np.linalg.norm(body) / C
    b, w = station(STATIONS[code], utc)
    r01, r02 = body, body - b
    n01, n02 = np.linalg.norm(r01), np.linalg.norm(r02)
    k, unit = (r01 + r02) / (n01 + n02), r02 / n02
    v2 = velocity + w
    factor = 1 - 2 * potential / C**2 - (np.dot(velocity, velocity) + 2 * np.dot(velocity, w)) / (2 * C**2)
    first = -np.dot(k, b) / C * factor
    second = -np.dot(velocity, b) / C**2 * (1 + np.dot(unit, v2) / C - np.dot(velocity + 2 * w, k) / (2 * C))
    halley = np.dot(k, b) / (2 * n02) * np.linalg.norm(np.cross(v2 / C, unit)) ** 2
    bent = 2 * GM_SUN / C**3 * (path(b - sun, body - sun) - path(-sun, body - sun))
    bent += 2 * GM_EARTH / C**3 * path(b, body)
    return (first + second + bent) / (1 + np.dot(unit, v2) / C) * (1 + halley)


def main():
    program, control = sys.argv[1], "--control" in sys.argv
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for body in BODIES:
            (folder / f"{body[0]}.oem").write_text(message(*body, 100.0 if control else 0.0))
        job(folder)
        table = folder / "delays.csv"
        subprocess.run([program, "delay", folder / "job.toml", "--no-troposphere", "--step", "60", "--above", "0", "--csv", table], check=True)
        rows = list(csv.DictReader(open(table)))
    good = True
    for body in BODIES:
        ours = {(round((float(r["mjd_utc"]) - MJD0) * 86400), r["station"]): float(r["delay_s"]) for r in rows if r["source"] == body[0]}
        worst = 0.0
        for (utc, code), value in ours.items():
            off = value - delay(*body, float(utc), code)
            reference = ours[(utc, "Ky")] - delay(*body, float(utc), "Ky")
            worst = max(worst, abs(off - reference))
        most = {"SATELLITE": 1e-12, "MOON": 0.1e-12, "MARS": 0.3e-12}[body[0]]
        print(f"{body[0]}: {len(ours)} delays, largest difference on a baseline {worst * 1e12:.3f} ps (at most {most * 1e12:.1f})")
        good &= len(ours) >= 18 and worst <= most
    sys.exit(0 if good else 1)


main()
