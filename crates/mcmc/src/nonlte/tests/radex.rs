//! RADEX's own results for the rotor.
//!
//! RADEX of 2024 (van der Tak et al. 2007; tolerance 1e-6, under-relaxation 0.3, start from the background), run on `rotor.dat` with
//! FWHM 1 km/s, Tbg 2.73 K and H2 of thermal ortho-to-para ratio. It prints four digits of the opacity and three decimals of Tex.

use super::made_up::rotor;
use crate::nonlte::{Background, Conditions, Excitation, Geometry, thermal_ortho_to_para};
use Geometry::{Lvg, Slab, Sphere};

/// Geometry, Tkin (K), log10 N (cm^-2), n(H2) (cm^-3), line, Tex (K), tau.
type Row = (Geometry, f64, f64, f64, usize, f64, f64);

#[rustfmt::skip]
const RADEX: [Row; 56] = [
    (Sphere, 10.0, 12.0, 1e3, 0, 2.764, 8.330e-01),
    (Sphere, 10.0, 12.0, 1e3, 1, 2.748, 4.298e-01),
    (Sphere, 10.0, 12.0, 1e3, 2, 2.786, 2.962e-02),
    (Sphere, 10.0, 12.0, 1e3, 3, 3.293, 3.954e-04),
    (Sphere, 20.0, 13.0, 1e5, 0, 10.921, 1.380e+00),
    (Sphere, 20.0, 13.0, 1e5, 1, 7.048, 4.043e+00),
    (Sphere, 20.0, 13.0, 1e5, 2, 5.692, 2.292e+00),
    (Sphere, 20.0, 13.0, 1e5, 3, 6.213, 3.349e-01),
    (Sphere, 30.0, 14.0, 1e4, 0, 10.498, 1.361e+01),
    (Sphere, 30.0, 14.0, 1e4, 1, 8.169, 3.511e+01),
    (Sphere, 30.0, 14.0, 1e4, 2, 6.333, 2.470e+01),
    (Sphere, 30.0, 14.0, 1e4, 3, 5.086, 4.820e+00),
    (Sphere, 60.0, 15.0, 1e6, 0, 63.688, 4.365e+00),
    (Sphere, 60.0, 15.0, 1e6, 1, 59.536, 1.682e+01),
    (Sphere, 60.0, 15.0, 1e6, 2, 59.027, 3.189e+01),
    (Sphere, 60.0, 15.0, 1e6, 3, 58.602, 4.433e+01),
    (Sphere, 150.0, 14.0, 1e7, 0, 252.445, 5.143e-02),
    (Sphere, 150.0, 14.0, 1e7, 1, 200.147, 2.518e-01),
    (Sphere, 150.0, 14.0, 1e7, 2, 173.086, 6.181e-01),
    (Sphere, 150.0, 14.0, 1e7, 3, 153.206, 1.131e+00),
    (Lvg, 10.0, 12.0, 1e3, 0, 2.770, 8.311e-01),
    (Lvg, 10.0, 12.0, 1e3, 1, 2.749, 4.305e-01),
    (Lvg, 10.0, 12.0, 1e3, 2, 2.786, 2.973e-02),
    (Lvg, 10.0, 12.0, 1e3, 3, 3.291, 3.969e-04),
    (Lvg, 20.0, 13.0, 1e5, 0, 11.891, 1.177e+00),
    (Lvg, 20.0, 13.0, 1e5, 1, 8.270, 3.502e+00),
    (Lvg, 20.0, 13.0, 1e5, 2, 6.367, 2.508e+00),
    (Lvg, 20.0, 13.0, 1e5, 3, 5.872, 4.857e-01),
    (Lvg, 30.0, 14.0, 1e4, 0, 12.433, 9.863e+00),
    (Lvg, 30.0, 14.0, 1e4, 1, 10.877, 2.615e+01),
    (Lvg, 30.0, 14.0, 1e4, 2, 8.400, 2.567e+01),
    (Lvg, 30.0, 14.0, 1e4, 3, 5.940, 8.945e+00),
    (Lvg, 150.0, 14.0, 1e7, 0, 239.133, 5.362e-02),
    (Lvg, 150.0, 14.0, 1e7, 1, 185.495, 2.678e-01),
    (Lvg, 150.0, 14.0, 1e7, 2, 162.231, 6.472e-01),
    (Lvg, 150.0, 14.0, 1e7, 3, 149.279, 1.135e+00),
    (Slab, 10.0, 12.0, 1e3, 0, 2.799, 8.220e-01),
    (Slab, 10.0, 12.0, 1e3, 1, 2.757, 4.343e-01),
    (Slab, 10.0, 12.0, 1e3, 2, 2.787, 3.026e-02),
    (Slab, 10.0, 12.0, 1e3, 3, 3.285, 4.045e-04),
    (Slab, 20.0, 13.0, 1e5, 0, 14.368, 8.247e-01),
    (Slab, 20.0, 13.0, 1e5, 1, 11.233, 2.535e+00),
    (Slab, 20.0, 13.0, 1e5, 2, 8.742, 2.561e+00),
    (Slab, 20.0, 13.0, 1e5, 3, 6.388, 9.512e-01),
    (Slab, 30.0, 14.0, 1e4, 0, 17.695, 5.771e+00),
    (Slab, 30.0, 14.0, 1e4, 1, 14.224, 1.907e+01),
    (Slab, 30.0, 14.0, 1e4, 2, 11.291, 2.354e+01),
    (Slab, 30.0, 14.0, 1e4, 3, 8.364, 1.291e+01),
    (Slab, 60.0, 15.0, 1e6, 0, 60.726, 4.377e+00),
    (Slab, 60.0, 15.0, 1e6, 1, 59.901, 1.596e+01),
    (Slab, 60.0, 15.0, 1e6, 2, 59.800, 3.012e+01),
    (Slab, 60.0, 15.0, 1e6, 3, 59.687, 4.181e+01),
    (Slab, 150.0, 14.0, 1e7, 0, 202.660, 6.192e-02),
    (Slab, 150.0, 14.0, 1e7, 1, 160.136, 3.020e-01),
    (Slab, 150.0, 14.0, 1e7, 2, 150.804, 6.734e-01),
    (Slab, 150.0, 14.0, 1e7, 3, 147.695, 1.106e+00),
];

/// The largest relative difference of Tex and tau, with rates that are off by a factor.
fn largest_difference(factor: f64) -> f64 {
    let molecule = rotor();
    let mut largest = 0.0_f64;
    for (geometry, tkin_k, log10_n_cm2, n_h2, line, tex_k, tau) in RADEX {
        let excitation = Excitation::new(&molecule, geometry, &Background::cosmic(2.73));
        let mut numbers = vec![0.0; excitation.n_work()];
        let mut work = excitation.work(&mut numbers);
        let (ratio, _) = thermal_ortho_to_para(tkin_k);
        // RADEX takes no densities below 1e-3 cm^-3; these do nothing.
        let densities_cm3 =
            [n_h2 / (1.0 + ratio), n_h2 * ratio / (1.0 + ratio)].map(|n| factor * n.max(2e-3));
        let conditions = Conditions { log10_n_cm2, tkin_k, fwhm_kms: 1.0, densities_cm3: &densities_cm3 };
        excitation.solve(&conditions, &mut work).unwrap();
        let found = excitation.line(line, &work);
        // Half a unit of the last printed digit is not ours to explain.
        largest = largest.max(((found.tex_k - tex_k).abs() - 5e-4).max(0.0) / tex_k);
        largest = largest.max((found.tau / tau - 1.0).abs());
    }
    largest
}

#[test]
fn agrees_with_radex() {
    let difference = largest_difference(1.0);
    assert!(difference < 1e-3, "{difference}");
    // A density that is 2 % off is seen.
    assert!(largest_difference(1.02) > 5e-3);
}
