#!/usr/bin/env python3
"""Compares a measurement set that CASA made of our FITS-IDI, as python-casacore reads it, with the HDF5 product.

usage: ms_diff.py FILE.ms JOB.h5 CENTRE [--control]
Every cross correlation of a weight above 0 must be there at its time (1 ms), pair of stations, band (centre of its first channel within 1 Hz) and
polarisation: visibilities within 1e-6 of their largest, u, v, w within 1e-5 of their length; stations at their
places within 1 mm. --control: two baselines are swapped first. Exit code 1: differs.
"""
import json
import sys

import h5py
import numpy as np
from casacore.tables import table

# casacore's Stokes enumeration.
CORRELATIONS = {5: "RR", 6: "RL", 7: "LR", 8: "LL", 9: "XX", 10: "XY", 11: "YX", 12: "YY"}


def rows_of(ms):
    """(time in ms, stations, first channel in Hz, polarisation) to (visibilities, u v w)."""
    with table(ms, ack=False) as main, table(f"{ms}/SPECTRAL_WINDOW", ack=False) as windows, \
            table(f"{ms}/POLARIZATION", ack=False) as pols, table(f"{ms}/DATA_DESCRIPTION", ack=False) as kinds:
        freqs, corrs = windows.getcol("CHAN_FREQ"), pols.getcol("CORR_TYPE")
        window, pol = kinds.getcol("SPECTRAL_WINDOW_ID"), kinds.getcol("POLARIZATION_ID")
        data, uvw, times = main.getcol("DATA"), main.getcol("UVW"), main.getcol("TIME")
        one, two, kind = (main.getcol(c) for c in ("ANTENNA1", "ANTENNA2", "DATA_DESC_ID"))
    found = {}
    for r in range(len(times)):
        for k, code in enumerate(corrs[pol[kind[r]]]):
            key = round(times[r] * 1e3), one[r], two[r], round(freqs[window[kind[r]]][0]), CORRELATIONS[code]
            found[key] = data[r, :, k], uvw[r]
    return found


def lookup(found, time_s, a, b, hz, pol):
    for ms in (0, -1, 1):
        for near in (0, -1, 1):
            row = found.get((round(time_s * 1e3) + ms, a, b, round(hz) + near, pol))
            if row is not None:
                return row
    return None


def main():
    ms, hdf, centre, control = sys.argv[1], h5py.File(sys.argv[2]), int(sys.argv[3]), "--control" in sys.argv
    found, faults, compared = rows_of(ms), [], 0
    with table(f"{ms}/ANTENNA", ack=False) as antennas:
        places = antennas.getcol("POSITION")
    off = np.abs(places - hdf["stations/xyz_m"][:]).max()
    if not off < 1e-3:
        faults.append(f"stations are {off} m off")
    of = hdf["streams/station"][:]
    a, b = (of[hdf[f"baselines/{x}"][:]] for x in "ab")
    if control:
        a[[0, 1]], b[[0, 1]] = a[[1, 0]], b[[1, 0]]
    products = list(zip(*(hdf[f"cross_products/{x}"][:] for x in ("baseline", "polarisation", "band"))))
    start_s = int(hdf.attrs["start_mjd"]) * 86400.0 + float(hdf.attrs["start_second"])
    # As in DiFX, an average of channels is at the middle of their lower edges.
    average = json.loads(hdf.attrs["provenance"])["settings"]["channels_averaged"]
    low_hz, width_hz = hdf["bands/low_hz"][:], hdf["bands/bandwidth_hz"][:]
    for scan in (s for s in hdf["scans"].values() if centre < len(s["centre_source_c"])):
        vis, weight, uvw_m = scan["cross_vis_tcxf"][:, centre], scan["cross_weight_tcx"][:, centre], scan["uvw_m_tcb3"][:, centre]
        for t, seconds in enumerate(scan["time_s_t"][:]):
            for x, (pair, pol, band) in enumerate(products):
                if not weight[t, x] > 0:
                    continue
                pol = pol.decode()
                one, two, v, uvw = a[pair], b[pair], vis[t, x], -uvw_m[t, pair]
                hz = low_hz[band] + 0.5 * (average - 1) * width_hz[band] / (average * vis.shape[-1])
                row = lookup(found, start_s + seconds, one, two, hz, pol)
                if row is None:
                    turned = lookup(found, start_s + seconds, two, one, hz, pol[::-1])
                    row = turned and (np.conj(turned[0]), -turned[1])
                if row is None:
                    faults.append(f"{one}-{two} {pol} {low_hz[band]} Hz {seconds} s: not there")
                    continue
                # FITS-IDI has the conjugate; CASA turns it back (that sources come out where they are is checked by imaging).
                difference = np.abs(row[0] - v).max() / np.abs(v).max()
                if not difference < 1e-6:
                    faults.append(f"{one}-{two} {pol} {low_hz[band]} Hz {seconds} s: visibilities differ by {difference:.1e}")
                if not np.abs(row[1] - uvw).max() < 1e-5 * np.linalg.norm(uvw) + 1e-6:
                    faults.append(f"{one}-{two} {seconds} s: u, v, w {row[1]}, not {uvw}")
                compared += 1
    print("\n".join(faults[:10]))
    good = not faults and compared > 0
    print(f"{compared} spectra, {len(faults)} faults: {'agrees' if good else 'differs'}")
    sys.exit(0 if good else 1)


main()
