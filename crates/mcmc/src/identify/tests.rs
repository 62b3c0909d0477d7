use super::*;
use crate::model::{Beam, ChannelResponse};

fn gaussian(freq: &[f64], centre: f64, fwhm_mhz: f64, peak: f64) -> Vec<f64> {
    freq.iter()
        .map(|f| peak * (-4.0 * std::f64::consts::LN_2 * ((f - centre) / fwhm_mhz).powi(2)).exp())
        .collect()
}

#[test]
fn peaks_are_found_with_their_places_and_widths() {
    let freq: Vec<f64> = (0..400).map(|i| 100_000.0 + 0.25 * f64::from(i)).collect();
    let lines = [(100_020.1, 10.0), (100_050.0, 5.0), (100_053.0, 4.0), (100_080.0, 0.4)];
    let mut t_k = vec![0.0; freq.len()];
    for (centre, peak) in lines {
        gaussian(&freq, centre, 2.0, peak).iter().zip(&mut t_k).for_each(|(g, t)| *t += g);
    }
    let mut sigma_k = vec![0.1; freq.len()];
    sigma_k[10] = f64::INFINITY;
    let peaks = find_peaks(&freq, &t_k, &sigma_k, 5.0);
    let places: Vec<f64> = peaks.iter().map(|p| p.freq_mhz).collect();
    assert_eq!(peaks.len(), 3, "{peaks:?}");
    for (found, (centre, _)) in places.iter().zip(lines) {
        assert!((found - centre).abs() < 0.1, "{places:?}");
    }
    assert!((peaks[0].fwhm_kms / (2.0 / 100_020.1 * 299_792.458) - 1.0).abs() < 0.02, "{:?}", peaks[0]);
    assert!((typical_fwhm_kms(&peaks).unwrap() - 6.0).abs() < 0.6);
    // A dip of less than the noise in a line does not part it.
    let mut dented = gaussian(&freq, 100_050.0, 4.0, 10.0);
    dented[200] -= 0.3;
    assert_eq!(find_peaks(&freq, &dented, &sigma_k, 5.0).len(), 1);
    dented[200] -= 3.0;
    assert_eq!(find_peaks(&freq, &dented, &sigma_k, 5.0).len(), 2, "the control: a deep dip does");
}

#[test]
fn what_is_explained_counts_absent_lines_and_not_the_brightness_of_others() {
    let freq: Vec<f64> = (0..400).map(|i| 100_000.0 + 0.25 * f64::from(i)).collect();
    let one = gaussian(&freq, 100_020.0, 2.0, 1.0);
    let pair: Vec<f64> = one.iter().zip(gaussian(&freq, 100_070.0, 2.0, 1.0)).map(|(a, b)| a + b).collect();
    let weights = vec![10.0; freq.len()];
    let data: Vec<f64> = one.iter().map(|m| 3.0 * m).collect();
    let (scale, right) = gain(&data, &weights, &one, f64::INFINITY);
    assert!((scale - 3.0).abs() < 0.5, "{scale}");
    // Half of the pair is not there: nothing is explained.
    assert!(gain(&data, &weights, &pair, f64::INFINITY).1 < 0.1 * right);
    // A weak species under a bright line gets credit for what it explains itself.
    let (_, limited) = gain(&data, &weights, &one, 0.3);
    let own: f64 = one.iter().map(|m| (3.0 * m).powi(2)).sum();
    assert!((limited - own).abs() < 0.02 * own, "{limited} {own}");
    assert_eq!(gain(&data, &weights, &vec![0.0; freq.len()], 1.0), (0.0, 0.0));
}

#[test]
fn channels_are_found_in_their_window() {
    let window = |first: f64| Window {
        name: "w".into(),
        freq_mhz: (0..10).map(|i| first + f64::from(i)).collect(),
        beam: Beam::Elliptical { bmaj_arcsec: 1.0, bmin_arcsec: 1.0 },
        response: ChannelResponse::default(),
    };
    let data = Data {
        windows: vec![window(100.0), window(200.0)],
        t_k: vec![0.0; 20],
        per_k: vec![1.0; 20],
        threshold: 5.0,
    };
    assert_eq!([99.6, 100.4, 104.6, 209.4].map(|f| data.channel(f)), [Some(0), Some(0), Some(5), Some(19)]);
    assert_eq!((data.channel(150.0), data.channel(99.4)), (None, None));
    assert_eq!(data.freq_mhz().count(), 20);
}
