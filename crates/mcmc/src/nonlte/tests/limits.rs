//! Analytic solutions, limits and a slow twin.

use super::made_up::{lines, rotor, two_levels};
use crate::nonlte::{Background, Conditions, Excitation, Geometry};
use crate::physics::{HCK_CM_K, HK_K_PER_MHZ};

const T_BG_K: f64 = 2.73;

fn conditions(log10_n_cm2: f64, tkin_k: f64, densities_cm3: &[f64]) -> Conditions<'_> {
    Conditions { log10_n_cm2, tkin_k, fwhm_kms: 1.0, densities_cm3 }
}

/// The excitation temperature of two levels: `exp(h nu/k Tex) = (C + A beta (1 + n_b)) / (C exp(-h nu/kT) + A beta n_b)`.
#[test]
fn two_levels_have_a_closed_form() {
    let molecule = two_levels();
    let hnu_k = HCK_CM_K * molecule.levels[1].energy_cm1;
    let photons = 1.0 / libm::expm1(hnu_k / T_BG_K);
    for geometry in [Geometry::Sphere, Geometry::Lvg, Geometry::Slab] {
        let excitation = Excitation::new(&molecule, geometry, &Background::cosmic(T_BG_K));
        let mut numbers = vec![f64::NAN; excitation.n_work()];
        let mut work = excitation.work(&mut numbers);
        for (log10_n, density) in [(10.0, 1e2), (14.0, 1e3), (16.0, 1e4), (18.0, 1e1), (20.0, 1e7)] {
            excitation.solve(&conditions(log10_n, 55.0, &[density]), &mut work).unwrap();
            let line = excitation.line(0, &work);
            let (beta, _) = geometry.escape(line.tau);
            let (collide, radiate) = (2e-10 * density, 1e-6 * beta);
            let ratio = (collide + radiate * (1.0 + photons))
                / (collide * libm::exp(-hnu_k / 55.0) + radiate * photons);
            let tex_k = hnu_k / libm::log(ratio);
            assert!((line.tex_k / tex_k - 1.0).abs() < 1e-10, "{geometry:?} {log10_n}: {}", line.tex_k);
            // tau as the LTE model has it, for the populations at Tex: c^2/(8 pi nu^2) A g_u/g_l N_l (1 - exp) / 1.0645 dv.
            let lower = 1.0 / (1.0 + 3.0 * libm::exp(-hnu_k / tex_k));
            let nu_cm1 = molecule.levels[1].energy_cm1;
            let tau = 1e-6 / (8.0 * std::f64::consts::PI * nu_cm1.powi(3))
                * 3.0
                * 10f64.powf(log10_n)
                * lower
                * -libm::expm1(-hnu_k / tex_k)
                / (1.064_467_019e5);
            assert!((line.tau / tau - 1.0).abs() < 1e-8, "{log10_n}: {} {tau}", line.tau);
        }
    }
}

#[test]
fn dense_gas_is_in_equilibrium_with_its_temperature_and_empty_space_with_the_background() {
    let molecule = rotor();
    let excitation = Excitation::new(&molecule, Geometry::Sphere, &Background::cosmic(T_BG_K));
    let mut numbers = vec![0.0; excitation.n_work()];
    let mut work = excitation.work(&mut numbers);
    for (densities, log10_n, tex_k) in
        [([1e14, 0.0], 12.0, 45.0), ([1e13, 1e13], 17.0, 45.0), ([1e-9, 0.0], 9.0, T_BG_K)]
    {
        excitation.solve(&conditions(log10_n, 45.0, &densities), &mut work).unwrap();
        for line in &lines(&excitation, &work)[..5] {
            assert!((line.tex_k / tex_k - 1.0).abs() < 1e-4, "{densities:?}: {line:?}");
        }
    }
}

#[test]
fn opacity_times_source_function_is_the_emission() {
    let molecule = rotor();
    let excitation = Excitation::new(&molecule, Geometry::Lvg, &Background::cosmic(T_BG_K));
    let mut numbers = vec![0.0; excitation.n_work()];
    let mut work = excitation.work(&mut numbers);
    excitation.solve(&conditions(13.5, 45.0, &[3e4, 1e4]), &mut work).unwrap();
    for (line, planned) in lines(&excitation, &work).iter().zip(&molecule.lines) {
        let hnu_k = HK_K_PER_MHZ * planned.freq_mhz;
        let j_k = hnu_k / libm::expm1(hnu_k / line.tex_k);
        assert!((line.emission_k / (line.tau * j_k) - 1.0).abs() < 1e-6, "{line:?}");
    }
    assert!((work.populations().iter().sum::<f64>() - 1.0).abs() < 1e-13);
}

/// The populations by many under-relaxed iterations of Gauss-Seidel on the plain rate equations.
#[test]
fn agrees_with_a_slow_twin_and_does_not_depend_on_history() {
    let molecule = rotor();
    let photons: Vec<f64> = molecule
        .lines
        .iter()
        .map(|l| 1.0 / libm::expm1(HCK_CM_K * molecule.wavenumber_cm1(l) / T_BG_K))
        .collect();
    let excitation = Excitation::new(&molecule, Geometry::Sphere, &Background::cosmic(T_BG_K));
    let (mut numbers, mut others) = (vec![0.0; excitation.n_work()], vec![7.0; excitation.n_work()]);
    let (mut work, mut other) = (excitation.work(&mut numbers), excitation.work(&mut others));
    let densities = [2e5, 1e5];
    let at = conditions(14.2, 35.0, &densities);
    excitation.solve(&at, &mut work).unwrap();
    excitation.solve(&conditions(18.0, 200.0, &densities), &mut other).unwrap();
    excitation.solve(&at, &mut other).unwrap();
    assert_eq!(work.populations(), other.populations());

    let n = molecule.levels.len();
    let mut x = vec![1.0 / n as f64; n];
    for _ in 0..6000 {
        let mut rate = vec![vec![0.0; n]; n];
        for (collisions, density) in molecule.collisions.iter().zip(densities) {
            for (k, &(up, low)) in collisions.pairs.iter().enumerate() {
                // 35 K lies between 20 and 40 K.
                let down =
                    density * (collisions.row(1)[k] + 0.75 * (collisions.row(2)[k] - collisions.row(1)[k]));
                let gap_k = HCK_CM_K * (molecule.levels[up].energy_cm1 - molecule.levels[low].energy_cm1);
                rate[up][low] += down;
                rate[low][up] +=
                    down * molecule.levels[up].g / molecule.levels[low].g * libm::exp(-gap_k / 35.0);
            }
        }
        for (line, photons) in molecule.lines.iter().zip(&photons) {
            let (g, nu) =
                (molecule.levels[line.up].g / molecule.levels[line.low].g, molecule.wavenumber_cm1(line));
            let per_excess = 10f64.powf(14.2) / 1e5 * line.a_ul
                / (8.0 * std::f64::consts::PI * 1.064_467_019_4 * nu.powi(3));
            let (beta, _) = Geometry::Sphere.escape(per_excess * (x[line.low] * g - x[line.up]));
            rate[line.up][line.low] += line.a_ul * beta * (1.0 + photons);
            rate[line.low][line.up] += line.a_ul * beta * photons * g;
        }
        for i in 0..n {
            let into: f64 = (0..n).map(|j| x[j] * rate[j][i]).sum();
            x[i] = 0.5 * x[i] + 0.5 * into / rate[i].iter().sum::<f64>();
        }
        let total: f64 = x.iter().sum();
        x.iter_mut().for_each(|x| *x /= total);
    }
    for (x, found) in x.iter().zip(work.populations()) {
        assert!((x / found - 1.0).abs() < 1e-7, "{x} {found}");
    }
}

#[test]
fn bad_conditions_are_errors() {
    let molecule = two_levels();
    let excitation = Excitation::new(&molecule, Geometry::Sphere, &Background::cosmic(T_BG_K));
    let mut numbers = vec![0.0; excitation.n_work()];
    let mut work = excitation.work(&mut numbers);
    for (log10_n, tkin_k, density) in
        [(f64::NAN, 10.0, 1.0), (400.0, 10.0, 1.0), (14.0, 0.0, 1.0), (14.0, 10.0, 0.0), (14.0, 10.0, -1.0)]
    {
        assert!(excitation.solve(&conditions(log10_n, tkin_k, &[density]), &mut work).is_err());
    }
}
