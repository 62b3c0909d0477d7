#!/usr/bin/env python3
"""Compares the tables PHASE-CAL and FLAG of a FITS-IDI file of kvn-corr, as astropy reads them, with the HDF5 file beside it, and the tones with
what the simulation put in: a comb of 5 MHz, 0.05 of the system strong, through a cable of 140 ns, 20 degrees at the start.

usage: idi_tones.py FILE.idi FILE.h5 [--control]
One scan, one window. --control: the cable is 1 ns longer than it was, and a flagged time is moved. Exit code 1: differs.
"""
import sys

import h5py
import numpy as np
from astropy.io import fits


def main():
    hdf, control = h5py.File(sys.argv[2]), "--control" in sys.argv
    scan = hdf["scans/0000"]
    cable_s = 140e-9 + (1e-9 if control else 0.0)
    faults, worst_phase, seen = [], 0.0, 0
    tone_of, tone_hz = hdf["tones/recorded_channel"][:], hdf["tones/frequency_hz"][:]
    stream = hdf["recorded_channels/stream"][:]
    station_of = hdf["streams/station"][:][stream]
    samples, tones, states = scan["samples_tr"][:], scan["tones_tg"][:], scan["states_trk"][:]
    with fits.open(sys.argv[1]) as hdus:
        hdus.verify("exception")
        table = hdus["PHASE-CAL"]
        bands, count = table.header["NO_BAND"], table.header["NO_TONES"]
        low_hz = table.header["REF_FREQ"] + np.atleast_1d(hdus["FREQUENCY"].data["BANDFREQ"][0])
        for row in table.data:
            station = row["ANTENNA_NO"] - 1
            freq = np.array(row["PC_FREQ_1"]).reshape(bands, count)
            value = (np.array(row["PC_REAL_1"]) + 1j * np.array(row["PC_IMAG_1"])).reshape(bands, count)
            for band, k in zip(*np.nonzero(np.isfinite(freq))):
                if not low_hz[band] < freq[band, k] < low_hz[band] + 16e6 or freq[band, k] % 5e6:
                    faults.append(f"station {station}: a tone at {freq[band, k]} Hz in the band from {low_hz[band]} Hz")
                g = [g for g in range(len(tone_hz)) if tone_hz[g] == freq[band, k] and station_of[tone_of[g]] == station]
                weight = samples[:, tone_of[g[0]]].astype(float)
                want = np.conj((tones[:, g[0]] * weight).sum() / weight.sum())
                if abs(value[band, k] - want) > 1e-6 * abs(want):
                    faults.append(f"station {station}, {freq[band, k]} Hz: {value[band, k]}, not {want}")
                # FITS-IDI has the conjugate: the cable turns it forwards.
                phase = np.angle(value[band, k] * np.exp(-2j * np.pi * (freq[band, k] * cable_s - 20 / 360)))
                noise = np.sqrt(4.3 / 2 / weight.sum()) / abs(value[band, k])
                worst_phase = max(worst_phase, abs(phase) / noise)
                seen += 1
            r = np.nonzero(station_of == station)[0]
            got = np.array(row["STATE_1"]).reshape(bands, 4)
            if not np.array_equal(np.sort(got, axis=0), np.sort(states[:, r].sum(axis=0), axis=0)):
                faults.append(f"station {station}: other state counts")
        if seen != len(tone_hz):
            faults.append(f"{seen} tones are in the table, {len(tone_hz)} should be")
        if worst_phase > 5:
            faults.append(f"a phase is {worst_phase:.1f} standard deviations off")
        step_s, start_s = float(hdf.attrs["integration_s"]), float(hdf.attrs["start_second"])
        flagged = set()
        for row in hdus["FLAG"].data:
            first, last = np.array(row["TIMERANG"], float) * 86400 - start_s + (step_s if control else 0.0)
            for t in range(round(first / step_s), round(last / step_s)):
                flagged.add((int(row["ANTS"][0]) - 1, t))
    empty = {(int(station_of[r]), int(t)) for t, r in zip(*np.nonzero(samples == 0))}
    if not empty or flagged != empty:
        faults.append(f"flagged {sorted(flagged)}, empty {sorted(empty)}")
    print("\n".join(faults[:10]))
    print(f"{seen} tones, phases within {worst_phase:.1f} standard deviations, {len(flagged)} integrations flagged: "
          f"{'differs' if faults else 'agrees'}")
    sys.exit(1 if faults else 0)


main()
