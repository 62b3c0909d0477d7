#!/usr/bin/env python3
"""Compares `alma-fit inspect --csv` with astropy and spectral-cube on FITS files of many kinds, written here by astropy.

usage: spectra_diff.py ALMA_FIT [--control]
Frequencies must agree to 1e-9 and brightness temperatures to 1e-6 of the highest; blanks must be the same channels. With
--control the files that we read have a rest frequency, axis or beam that is off by 1e-6: exits 0 if that goes unnoticed.
"""
import os, subprocess, sys, tempfile, warnings
import numpy as np
from astropy import units as u
from astropy import wcs as astropy_wcs
from astropy.io import fits
from spectral_cube import SpectralCube

warnings.simplefilter("ignore")
PROGRAM = sys.argv[1]
CONTROL = "--control" in sys.argv
REST_HZ, C_KMS = 220.3e9, 299792.458
X, Y = 2, 1
RNG = np.random.default_rng(5)


def header(ctype, unit, value, step, **more):
    """Cards of a cube of 5 x 4 pixels; the spectral axis is the third."""
    cards = fits.Header()
    for k, (name, centre, pixel) in enumerate([("RA---SIN", 10.0, -1e-5), ("DEC--SIN", 20.0, 1e-5)], 1):
        cards[f"CTYPE{k}"], cards[f"CUNIT{k}"], cards[f"CRVAL{k}"] = name, "deg", centre
        cards[f"CRPIX{k}"], cards[f"CDELT{k}"] = 3.0, pixel
    cards["CTYPE3"], cards["CUNIT3"], cards["CRPIX3"] = ctype, unit, 7.0
    cards["CRVAL3"], cards["CDELT3"] = value, step
    cards["BUNIT"], cards["BMAJ"], cards["BMIN"], cards["BPA"] = "Jy/beam", 1.4e-4, 1.1e-4, 30.0
    cards["RESTFRQ"] = REST_HZ
    for key, text in more.items():
        cards[key] = text
    return cards


LSRK = {"SPECSYS": "LSRK"}
CASES = {
    "FREQ Hz ascending": header("FREQ", "Hz", 218e9, 1e6, **LSRK),
    "FREQ GHz descending": header("FREQ", "GHz", 218.0, -1e-3, **LSRK),
    "FREQ in K": header("FREQ", "Hz", 218e9, 1e6, BUNIT="K", **LSRK),
    "FREQ in mJy/beam": header("FREQ", "Hz", 218e9, 1e6, BUNIT="mJy/beam", **LSRK),
    "VRAD m/s": header("VRAD", "m/s", -5500.0, -2994.0, **LSRK),
    "VRAD km/s": header("VRAD", "km/s", 3000.0, 5.0, **LSRK),
    "VOPT": header("VOPT", "m/s", 3.0e6, 5.0e3, **LSRK),
    "VOPT-F2W": header("VOPT-F2W", "m/s", 3.0e6, 5.0e3, **LSRK),
    "VELO (the standard's)": header("VELO", "m/s", 3.0e6, 5.0e3, **LSRK),
    "VELO-F2V": header("VELO-F2V", "m/s", 3.0e6, 5.0e3, **LSRK),
    "VELO-LSR, VELREF 257": header("VELO-LSR", "m/s", 3.0e6, 5.0e3, VELREF=257),
    "VELO-HEL, VELREF 2": header("VELO-HEL", "m/s", 3.0e6, 5.0e3, VELREF=2),
    "FELO-HEL, VELREF 2": header("FELO-HEL", "m/s", 3.0e6, 5.0e3, VELREF=2),
    "stale ALTRPIX": header("VRAD", "m/s", -5500.0, -2994.0, ALTRPIX=1401.0, ALTRVAL=2.2e11, **LSRK),
}


def frequencies(cards, n):
    """Channel centres (Hz) by astropy."""
    axis = astropy_wcs.WCS(cards).sub([astropy_wcs.WCSSUB_SPECTRAL])
    axis.fix()
    axis.wcs.set()
    world = axis.wcs_pix2world(np.arange(n), 0)[0]
    name, beta = axis.wcs.ctype[0][:4], world / (1e3 * C_KMS)
    ratio = {
        "FREQ": lambda: world / REST_HZ,
        "VRAD": lambda: 1 - beta,
        "VOPT": lambda: 1 / (1 + beta),
        "VELO": lambda: np.sqrt((1 - beta) / (1 + beta)),
    }[name]()
    return REST_HZ * ratio


def ours(path):
    """Frequencies (Hz) and brightness temperatures (K) as we read them."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.csv")
        command = [PROGRAM, "inspect", path, "--pixel", f"{X},{Y}", "--csv", out]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{path}: {done.stderr}")
        freq_mhz, t_k = np.genfromtxt(out, delimiter=",", skip_header=1, unpack=True)
    return freq_mhz * 1e6, t_k


def differences(name, path, freq_hz, t_k):
    """Largest relative differences of frequency and temperature."""
    order = np.argsort(freq_hz)
    found_hz, found_k = ours(path)
    if not np.array_equal(np.isnan(t_k[order]), np.isnan(found_k)):
        print(f"{name}: other blanks")
        return np.inf, np.inf
    by_freq = np.max(np.abs(found_hz / freq_hz[order] - 1))
    return by_freq, np.nanmax(np.abs(found_k - t_k[order])) / np.nanmax(np.abs(t_k))


def spoil(hdus):
    """The fault of the control."""
    cards = hdus[0].header
    if cards["CTYPE3"].startswith("FREQ"):
        cards["CRVAL3"] *= 1 + 1e-6
    else:
        cards["RESTFRQ"] *= 1 + 1e-6
    if len(hdus) > 1:
        hdus[1].data["BMAJ"] *= 1 + 1e-4


def check(name, folder, hdus, freq_hz, t_k, kind=".fits"):
    path = os.path.join(folder, "case" + kind)
    if CONTROL:
        spoil(hdus)
    hdus.writeto(path, overwrite=True)
    by_freq, by_t = differences(name, path, freq_hz, t_k)
    good = by_freq < 1e-9 and by_t < 1e-6
    print(f"{name:40s} frequency {by_freq:.1e}, temperature {by_t:.1e}{'' if good else '  DIFFERS'}")
    return good


def kelvin(cards, data, freq_hz):
    """Brightness temperature (K) of our pixel by spectral-cube's beam and astropy's units."""
    values = data[:, Y, X].astype(float)
    if cards["BUNIT"] == "K":
        return values
    cube = SpectralCube.read(fits.PrimaryHDU(data, cards))
    unit = u.Unit(cards["BUNIT"].replace("/beam", ""))
    factor = [(1 * unit).to(u.K, u.brightness_temperature(f * u.Hz, cube.beam.sr)).value for f in freq_hz]
    return values * np.array(factor)


def main():
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for name, cards in CASES.items():
            data = RNG.normal(size=(40, 4, 5)).astype("f4")
            data[5, Y, X] = np.nan
            freq_hz = frequencies(cards, 40)
            kind = ".fits.gz" if name.startswith("VRAD km/s") else ".fits"
            t_k = kelvin(cards, data, freq_hz)
            results.append(check(name, folder, fits.HDUList([fits.PrimaryHDU(data, cards)]), freq_hz, t_k, kind))
        # Integers with BLANK, BSCALE, BZERO; a degenerate Stokes axis before the spectral one.
        cards = CASES["FREQ in K"].copy()
        for key in ["CTYPE", "CUNIT", "CRPIX", "CRVAL", "CDELT"]:
            cards[f"{key}4"] = cards[f"{key}3"]
        cards["CTYPE3"], cards["CUNIT3"], cards["CRPIX3"], cards["CRVAL3"], cards["CDELT3"] = "STOKES", "", 1.0, 1.0, 1.0
        counts = RNG.integers(-3000, 3000, size=(40, 1, 4, 5)).astype("i2")
        counts[9, 0, Y, X] = -32768
        hdu = fits.PrimaryHDU(counts, cards)
        hdu.header["BLANK"], hdu.header["BSCALE"], hdu.header["BZERO"] = -32768, 0.01, 3.0
        t_k = counts[:, 0, Y, X] * 0.01 + 3.0
        t_k[9] = np.nan
        freq_hz = frequencies(CASES["FREQ in K"], 40)
        hdus = fits.HDUList([hdu])
        if CONTROL:
            hdu.header["CRVAL4"] *= 1 + 1e-6
            hdu.header["CRVAL3"] = 1.0
        path = os.path.join(folder, "integers.fits")
        hdus.writeto(path)
        by_freq, by_t = differences("integers", path, freq_hz, t_k)
        print(f"{'integers, BLANK, BSCALE, Stokes axis':40s} frequency {by_freq:.1e}, temperature {by_t:.1e}")
        results.append(by_freq < 1e-9 and by_t < 1e-6)
        # A beam a channel, as CASA writes them.
        cards = CASES["FREQ Hz ascending"].copy()
        for key in ["BMAJ", "BMIN", "BPA"]:
            del cards[key]
        cards["CASAMBM"] = True
        data = RNG.normal(size=(40, 4, 5)).astype("f4")
        major, minor = np.linspace(0.5, 0.55, 40), np.linspace(0.4, 0.42, 40)
        columns = [("BMAJ", "1E", "arcsec", major), ("BMIN", "1E", "arcsec", minor), ("BPA", "1E", "deg", 0 * major)]
        columns += [("CHAN", "1J", None, np.arange(40)), ("POL", "1J", None, np.zeros(40))]
        columns = [fits.Column(name=n, format=f, unit=unit, array=a) for n, f, unit, a in columns]
        table = fits.BinTableHDU.from_columns(columns, name="BEAMS")
        table.header["NCHAN"], table.header["NPOL"] = 40, 1
        hdus = fits.HDUList([fits.PrimaryHDU(data, cards), table])
        freq_hz = frequencies(cards, 40)
        plain = os.path.join(folder, "beams.fits")
        hdus.writeto(plain)
        beams = SpectralCube.read(plain).beams
        convert = lambda f, beam: (1 * u.Jy).to(u.K, u.brightness_temperature(f * u.Hz, beam.sr)).value
        t_k = data[:, Y, X] * np.array([convert(f, beam) for f, beam in zip(freq_hz, beams)])
        results.append(check("a beam a channel (BEAMS)", folder, hdus, freq_hz, t_k))
    print(f"{sum(results)} of {len(results)} agree")
    sys.exit(0 if (any(results) if CONTROL else all(results)) else 1)


main()
