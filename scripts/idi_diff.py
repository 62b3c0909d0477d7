#!/usr/bin/env python3
"""Compares a FITS-IDI file of kvn-corr, as astropy reads it, with the HDF5 file that it was made from.

usage: idi_diff.py FILE.idi FILE.h5 CENTRE [--control]
Every row is looked up in the HDF5 file by time, stations and source: conjugate visibilities and weights must be equal bit for bit, u, v, w
(turned round, m) within 1e-6 of their length, frequencies within 1 Hz. --control: one value is changed first. Exit code 1: differs.
"""
import sys

import h5py
import numpy as np
from astropy.io import fits

C_M_S = 299792458.0
CODES = {"RR": 0, "LL": 1, "RL": 2, "LR": 3, "XX": 0, "YY": 1, "XY": 2, "YX": 3, "HH": 0, "VV": 1, "HV": 2, "VH": 3}


def main():
    idi, hdf, centre = sys.argv[1], h5py.File(sys.argv[2]), int(sys.argv[3])
    control = "--control" in sys.argv
    faults = []
    with fits.open(idi) as hdus:
        hdus.verify("exception")
        uv = hdus["UV_DATA"]
        data, keys = uv.data, uv.header
        first = {-1: 0, -2: 1, -5: 0, -6: 1}[keys["STK_1"]]
        pols, bands, channels = keys["NO_STKD"], keys["NO_BAND"], keys["NO_CHAN"]
        flux = np.array(data["FLUX"], dtype=np.float32).reshape(len(data), bands, channels, pols, 2)
        vis = flux[..., 0] - 1j * flux[..., 1]
        weight = np.array(data["WEIGHT"], dtype=np.float32).reshape(len(data), bands, pols)
        low_hz = keys["REF_FREQ"] + np.atleast_1d(hdus["FREQUENCY"].data["BANDFREQ"][0])
        names = [n.strip() for n in hdus["SOURCE"].data["SOURCE"]]
        if control:
            vis[len(vis) // 2, 0, channels // 2, 0] *= 1.0001
        stream_station = hdf["streams/station"][:]
        a, b = (stream_station[hdf[f"baselines/{x}"][:]] for x in "ab")
        of_h5 = {}
        start_mjd, start_s = int(hdf.attrs["start_mjd"]), float(hdf.attrs["start_second"])
        for scan in hdf["scans"].values():
            if centre >= len(scan["centre_source_c"]):
                continue
            for t, seconds in enumerate(scan["time_s_t"][:]):
                of_h5[round((start_s + seconds) * 1e4)] = (scan, t)
        seen = 0
        for r in range(len(data)):
            seconds = (data["DATE"][r] - 2400000.5 - start_mjd) * 86400 + data["TIME"][r] * 86400
            found = of_h5.get(round(seconds * 1e4))
            if found is None:
                faults.append(f"row {r}: no integration at {seconds} s")
                continue
            scan, t = found
            name = hdf["sources/name"][scan["centre_source_c"][centre]].decode()
            if names[data["SOURCE"][r] - 1] != name.replace(" ", "_")[:16]:
                faults.append(f"row {r}: source {names[data['SOURCE'][r] - 1]}, not {name}")
            one, two = data["BASELINE"][r] // 256 - 1, data["BASELINE"][r] % 256 - 1
            kind, of = ("auto", "stream") if one == two else ("cross", "baseline")
            table = hdf[f"{kind}_products"]
            want_weight = np.zeros((bands, pols), np.float32)
            want = np.zeros((bands, channels, pols), np.complex64)
            for p in range(len(table[of])):
                index, pol = table[of][p], table["polarisation"][p].decode()
                stations = (stream_station[index],) * 2 if kind == "auto" else (a[index], b[index])
                if stations not in [(one, two), (two, one)]:
                    continue
                turned = kind == "cross" and stations[0] > stations[1]
                band = int(np.argmin(abs(low_hz - hdf["bands/low_hz"][table["band"][p]])))
                if abs(low_hz[band] - hdf["bands/low_hz"][table["band"][p]]) > 1:
                    faults.append(f"row {r}: no band at {hdf['bands/low_hz'][table['band'][p]]} Hz")
                k = CODES[pol[::-1] if turned else pol] - first
                if kind == "auto":
                    v, w = scan["auto_vis_tyf"][t, p], scan["auto_weight_ty"][t, p]
                else:
                    v, w = scan["cross_vis_tcxf"][t, centre, p], scan["cross_weight_tcx"][t, centre, p]
                want[band, :, k] = np.conj(v) if turned else v
                want_weight[band, k] = w
                if kind == "cross":
                    uvw = (1 if turned else -1) * scan["uvw_m_tcb3"][t, centre, index]
                    got = np.array([data[x][r] for x in ("UU---SIN", "VV---SIN", "WW---SIN")], float) * C_M_S
                    if np.abs(got - uvw).max() > 1e-6 * np.linalg.norm(uvw):
                        faults.append(f"row {r}: u, v, w {got}, not {uvw}")
            if not np.array_equal(weight[r], want_weight) or not np.array_equal(vis[r].astype(np.complex64), want):
                faults.append(f"row {r} (baseline {data['BASELINE'][r]}, {seconds} s): other visibilities or weights")
            seen += int((want_weight > 0).sum())
        total = sum(
            int((s["cross_weight_tcx"][:, centre] > 0).sum()) + int((s["auto_weight_ty"][:] > 0).sum())
            for s in hdf["scans"].values()
            if centre < len(s["centre_source_c"])
        )
        if seen != total:
            faults.append(f"{seen} spectra of weight above 0 are there, {total} should be")
    print("\n".join(faults[:10]))
    print(f"{len(data)} rows, {seen} spectra: {'differs' if faults else 'agrees'}")
    sys.exit(1 if faults else 0)


main()
