//! How much the sums of noise scatter, where its powers are not quite independent.

use super::grid::WIDTHS;
use super::powers::{Powers, quartiles, scatter};

/// How the sums of a stream along the tracks of one dispersion measure scatter, in units of what independent exponential
/// powers do. Channels of a band at one time are not quite independent: coarse samples keep their total power more even than
/// that of noise, gains that vary make it less so. What a boxcar holds of the same time feels that, the rest does not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// Scatter of boxcars, by width.
    pub scatter_w: [f64; WIDTHS.len()],
}

/// Share of the powers of a boxcar that any of its powers shares the time with, where it crosses its band in `crossed` times
/// its width: the mean of what two channels overlap.
fn together(crossed: f64) -> f64 {
    if crossed <= 1.0 { 1.0 - crossed / 3.0 } else { 1.0 / crossed - 1.0 / (3.0 * crossed * crossed) }
}

/// Scatter squared of the total powers of bands, in units of what independent powers do, less 1.
pub(super) fn evenness(powers: &Powers, band_channels: usize) -> Vec<f64> {
    let dumps = powers.dumps.max(1);
    let bands =
        powers.sum_ft.chunks(band_channels * dumps).zip(powers.count_ft.chunks(band_channels * dumps));
    let of = |(sum_ft, count_ft): (&[f32], &[f32])| {
        let (mut excess, mut count) = (vec![0.0f32; dumps], vec![0.0f32; dumps]);
        for (sum, n) in sum_ft.chunks_exact(dumps).zip(count_ft.chunks_exact(dumps)) {
            excess.iter_mut().zip(sum.iter().zip(n)).for_each(|(e, (s, n))| *e += s - n);
            count.iter_mut().zip(n).for_each(|(all, n)| *all += n);
        }
        let there = excess.iter().zip(&count).filter(|(_, n)| **n > 0.0);
        let mut values: Vec<f32> = there.map(|(e, n)| e / n.sqrt()).collect();
        if values.is_empty() {
            return 0.0;
        }
        scatter(quartiles(&mut values)).powi(2) - 1.0
    };
    bands.map(of).collect()
}

/// The scatter that the evenness of a stream's bands makes of boxcars of a width along tracks with these shifts.
pub(super) fn expected(evenness: &[f64], (shifts, band_channels): (&[usize], usize), width: usize) -> f64 {
    let of = |(shifts, even): (&[usize], &f64)| {
        let late = shifts.first().copied().unwrap_or(0) - shifts.last().copied().unwrap_or(0);
        even * together(late as f64 / width as f64)
    };
    let mean = shifts.chunks(band_channels).zip(evenness).map(of).sum::<f64>();
    (1.0 + mean / evenness.len().max(1) as f64).max(0.1).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of channels, counted one by one.
    #[test]
    fn what_channels_share_is_counted() {
        for crossed in [0.0, 0.4, 1.0, 2.7, 30.0] {
            let n = 400;
            let late = |f: usize| crossed * (f as f64 + 0.5) / f64::from(n as u32);
            let shared = |f: usize, g: usize| (1.0 - (late(f) - late(g)).abs()).max(0.0);
            let sum: f64 = (0..n).flat_map(|f| (0..n).map(move |g| (f, g))).map(|(f, g)| shared(f, g)).sum();
            let slow = sum / f64::from((n * n) as u32);
            assert!((together(crossed) - slow).abs() < 2e-3 + 0.02 * slow, "{crossed}: {slow}");
        }
    }

    /// A band whose channels are the same scatters as much as all of them together.
    #[test]
    fn evenness_is_that_of_the_total_power() {
        let mut rng = mirinae_common::random::stream(5, 1, 0);
        let (dumps, channels, spectra) = (4000, 16, 32.0f32);
        let total: Vec<f32> = (0..dumps)
            .map(|_| -> f32 { rand_distr::Distribution::sample(&rand_distr::StandardNormal, &mut rng) })
            .collect();
        // Each channel: the same deviation, of one standard deviation of a dump.
        let row = || total.iter().map(|d| spectra + spectra.sqrt() * d);
        let sum_ft: Vec<f32> = (0..channels).flat_map(|_| row()).collect();
        let count_ft = vec![spectra; sum_ft.len()];
        let powers = Powers { dumps, sum_ft, count_ft, ..Powers::default() };
        let found = evenness(&powers, channels);
        assert!((found[0] + 1.0 - 16.0).abs() < 1.5, "{found:?}");
        assert!((expected(&found, (&[0; 16], channels), 4) - 4.0).abs() < 0.3);
        assert!((expected(&[0.0], (&[0; 16], channels), 4) - 1.0).abs() < 1e-12);
    }
}
