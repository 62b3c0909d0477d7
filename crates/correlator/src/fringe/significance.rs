//! How often noise alone would show a peak as high.

use std::f64::consts::PI;

/// Probability that noise alone reaches a signal-to-noise ratio of `snr` somewhere in a search of `cells` cells.
///
/// `snr` is the peak's amplitude over the standard deviation of one component; a cell is one over the bandwidth times
/// one over the duration. The peak is sought between the cells too, so the expected number of peaks is that of a
/// smooth chi-square field with two degrees of freedom (Worsley 1994, Adv. Appl. Prob. 26, 13, theorem 4.1; the variance
/// of the derivative is that of a uniform aperture): `cells x pi / 6 x (snr^2 - 1) exp(-snr^2 / 2)`.
pub fn false_alarm(snr: f64, cells: f64) -> f64 {
    let squared = snr * snr;
    // Below the field's mean level the expectation says nothing: noise is certain to be there.
    if squared < 4.0 {
        return 1.0;
    }
    let expected = cells.max(1.0) * PI / 6.0 * (squared - 1.0) * (-squared / 2.0).exp();
    -(-expected).exp_m1()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_with_height_and_grows_with_the_search() {
        assert_eq!(false_alarm(1.0, 100.0), 1.0);
        assert!(false_alarm(5.0, 100.0) > false_alarm(6.0, 100.0));
        assert!(false_alarm(6.0, 1e4) > false_alarm(6.0, 1e2));
        assert!(false_alarm(7.0, 1e4) < 1e-5);
    }
}
