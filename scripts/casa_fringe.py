#!/usr/bin/env python3
"""Has CASA's fringefit search the simulated observation of examples/kvn3 and compares with what was put in.

usage: HOME=EMPTY_FOLDER casa_fringe.py FILE.idi [--control]
Delays and rates against KY of every band must be those of examples/kvn3/sim.toml within 1.5 ns and 3 ps/s (three times the scatter
that half a second of such a source leaves). --control: KU and KT change places. Exit code 1: differs.
"""
import os
import sys

import casa_home  # noqa: F401, first: CASA reads its settings when it is imported
from casatasks import fringefit, importfitsidi
from casatools import table

PUT_IN = {"KU": (35.0, 40.0), "KT": (-20.0, -30.0)}  # ns, ps/s: residual_ns of the stations


def main():
    want = dict(PUT_IN)
    if "--control" in sys.argv:
        want = {"KU": PUT_IN["KT"], "KT": PUT_IN["KU"]}
    ms, cal = (os.path.join(os.environ["HOME"], name) for name in ("kvn3.ms", "kvn3.cal"))
    importfitsidi(fitsidifile=[sys.argv[1]], vis=ms)
    fringefit(vis=ms, caltable=cal, solint="inf", refant="KY", minsnr=5, zerorates=False)
    tb = table()
    tb.open(ms + "/ANTENNA")
    names = [str(n) for n in tb.getcol("NAME")]
    tb.close()
    tb.open(cal)
    found, antenna, band = tb.getcol("FPARAM"), tb.getcol("ANTENNA1"), tb.getcol("SPECTRAL_WINDOW_ID")
    flag = tb.getcol("FLAG")
    tb.close()
    wrong = solutions = 0
    for i in range(len(antenna)):
        name = names[antenna[i]]
        if name not in want:
            continue
        delay_ns, rate_ps = float(found[1, 0, i]), float(found[2, 0, i]) * 1e12
        bad = bool(flag[1, 0, i]) or abs(delay_ns - want[name][0]) > 1.5 or abs(rate_ps - want[name][1]) > 3.0
        print(f"{name} band {band[i]}: {delay_ns:.2f} ns, {rate_ps:.2f} ps/s, put in {want[name]}{' WRONG' if bad else ''}")
        wrong += bad
        solutions += 1
    print(f"{solutions} solutions, {wrong} wrong: {'differs' if wrong or solutions != 8 else 'agrees'}")
    sys.exit(int(wrong > 0 or solutions != 8))


main()
