"""Relations between line strength, Einstein A, catalogue intensity and level populations.

Sources: Pickett et al. 1998, J. Quant. Spectrosc. Radiat. Transfer 60, 883, equations 1 to 9;
constants: CODATA 2018 (exact in the SI since 2019).
"""

import math

K_PER_CM = 1.438776877  # h c / k [K cm]
K_PER_MHZ = 6.62607015e-34 / 1.380649e-23 * 1e6  # h / k [K / MHz]
MHZ_PER_CM = 29979.2458
A_FROM_SMU2 = 1.16395e-20  # A g_u = A_FROM_SMU2 nu^3 S mu^2, nu in MHz, S mu^2 in D^2
INTENSITY_FROM_SMU2 = 4.16231e-5  # I = this * nu * S mu^2 * (e^-El/kT - e^-Eu/kT) / Q, I in nm^2 MHz
INTENSITY_TO_A = 2.7964e-16  # A g_u = this * I nu^2 Q(T0) / (e^-El/kT0 - e^-Eu/kT0), T0 = 300 K
T0 = 300.0


def population_difference(nu_mhz, elow_cm, t_k):
    """exp(-E_l/kT) - exp(-E_u/kT)."""
    e_low = elow_cm * K_PER_CM
    return -math.exp(-e_low / t_k) * math.expm1(-K_PER_MHZ * nu_mhz / t_k)


def a_times_g(nu_mhz, lgint, elow_cm, q300):
    """A_ul g_u [1/s] of a catalogue line."""
    return INTENSITY_TO_A * 10.0**lgint * nu_mhz**2 * q300 / population_difference(nu_mhz, elow_cm, T0)


def lgint_from_a(nu_mhz, a_gu, elow_cm, q300):
    """Catalogue intensity (log10 nm^2 MHz at 300 K) of a line of given A_ul g_u."""
    return math.log10(a_gu / INTENSITY_TO_A / nu_mhz**2 / q300 * population_difference(nu_mhz, elow_cm, T0))


def relative_opacity(nu_mhz, a_gu, elow_cm, t_k):
    """Integrated opacity of a line at temperature t_k, up to the factor N/Q(T) that a species shares."""
    return a_gu / nu_mhz**3 * population_difference(nu_mhz, elow_cm, t_k)


def linear_top_mhz(j_up, b_mhz, d_mhz, h_mhz=0.0):
    """Frequency of J -> J-1 of a linear molecule."""
    j = j_up
    return 2 * b_mhz * j - 4 * d_mhz * j**3 + h_mhz * j**3 * ((j + 1) ** 3 - (j - 1) ** 3)


def linear_top_a(j_up, nu_mhz, mu_debye):
    """Einstein A of J -> J-1 of a linear molecule: S mu^2 = J mu^2, g = 2J+1."""
    return A_FROM_SMU2 * nu_mhz**3 * j_up * mu_debye**2 / (2 * j_up + 1)
