#!/usr/bin/env python3
"""Makes the demo's spectrum: five species in LTE, seen by an interferometer, with seeded noise.

Needs Python 3.11 and numpy. It shares no code with alma-fit: it is the independent truth that the demo's fit is
judged by. Reads truth.toml and lines/, writes spectrum_1.txt and spectrum_2.txt (freq_MHz T_K) beside them.

Model (docs of alma-fit, "The model"): integrated opacity of a transition
    int tau dnu = c^2 / (8 pi nu^2) * A_ul g_u * N / Q(Tex) * exp(-E_l / k Tex) * (1 - exp(-h nu / k Tex)),
with A_ul g_u from the catalogue intensity at 300 K (Pickett et al. 1998), Gaussian profiles sampled at the channel
centres, T_B = eta * (J(Tex) - J(Tbg)) * (1 - exp(-tau)), opacities added over the lines of a species and
intensities over the species, Q(T) piecewise linear in log Q against log T.
"""

import tomllib
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
C_CM_S = 2.99792458e10
C_KM_S = 299792.458
H_OVER_K_PER_MHZ = 6.62607015e-34 * 1e6 / 1.380649e-23
HC_OVER_K_CM = 6.62607015e-34 * C_CM_S / 1.380649e-23


def read_species(name):
    """Frequency [MHz], log10 intensity [nm^2 MHz], E_l [K] of every line, and the table T [K], Q."""
    rows = (HERE / "lines" / f"{name}.cat").read_text(encoding="ascii").splitlines()
    freq, lgint, elow = (np.array([float(row[a:b]) for row in rows]) for a, b in ((0, 13), (21, 29), (31, 41)))
    table = np.loadtxt(HERE / "lines" / f"{name}.qpart")
    return freq, lgint, elow * HC_OVER_K_CM, table


def q_of_t(table, t_k):
    return np.exp(np.interp(np.log(t_k), np.log(table[:, 0]), np.log(table[:, 1])))


def planck_k(t_k, nu_mhz):
    """J(T) = (h nu / k) / (exp(h nu / k T) - 1)."""
    x = H_OVER_K_PER_MHZ * nu_mhz
    return x / np.expm1(x / t_k)


def spectrum_k(species, truth, nu_mhz, beam_arcsec, t_bg_k):
    """Brightness temperature of one species at the frequencies nu_mhz."""
    freq, lgint, e_low, table = species
    tex = truth["tex_k"]
    hnu_k = H_OVER_K_PER_MHZ * freq
    q300 = q_of_t(table, 300.0)
    a_gu = 2.7964e-16 * 10.0**lgint * freq**2 * q300 / (np.exp(-e_low / 300) - np.exp(-(e_low + hnu_k) / 300))
    area_hz = C_CM_S**2 / (8 * np.pi * (freq * 1e6) ** 2) * a_gu * 10.0 ** truth["logn"] / q_of_t(table, tex)
    area_hz *= np.exp(-e_low / tex) * -np.expm1(-hnu_k / tex)
    tau = np.zeros_like(nu_mhz)
    for centre, area in zip(freq * (1 - truth["v_kms"] / C_KM_S), area_hz):
        sigma_hz = centre * 1e6 * truth["fwhm_kms"] / C_KM_S / np.sqrt(8 * np.log(2))
        offset = (nu_mhz - centre) * 1e6 / sigma_hz
        tau += area / (sigma_hz * np.sqrt(2 * np.pi)) * np.exp(-0.5 * offset**2)
    area_source = truth["size_arcsec"] ** 2
    dilution = area_source / (area_source + beam_arcsec[0] * beam_arcsec[1])
    return dilution * (planck_k(tex, nu_mhz) - planck_k(t_bg_k, nu_mhz)) * -np.expm1(-tau)


def main():
    truth = tomllib.loads((HERE / "truth.toml").read_text(encoding="utf-8"))
    species = {name: read_species(name) for name in truth["species"]}
    random = np.random.default_rng(truth["seed"])
    for number, start in enumerate(truth["window_start_mhz"], 1):
        nu = start + truth["channel_mhz"] * np.arange(truth["channels"])
        model = sum(
            spectrum_k(species[name], values, nu, truth["beam_arcsec"], truth["t_bg_k"])
            for name, values in truth["species"].items()
        )
        noisy = model + truth["noise_k"] * random.standard_normal(nu.size)
        header = "freq_MHz T_K"
        np.savetxt(HERE / f"spectrum_{number}.txt", np.column_stack([nu, noisy]), fmt="%.6f %.5f", header=header)
        print(f"spectrum_{number}.txt: {nu[0]:.3f} to {nu[-1]:.3f} MHz, peak {model.max():.2f} K")


if __name__ == "__main__":
    main()
