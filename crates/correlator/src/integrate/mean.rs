//! Adds integrations that follow one another into one, for phase centres that are kept at a coarser resolution in time.

use super::{Record, STATES};
use num_complex::{Complex32, Complex64};

/// The weighted mean of some integrations.
#[derive(Debug, Default)]
pub struct Mean {
    record: Record,
    cross: Vec<Complex64>,
    auto: Vec<Complex64>,
    tones: Vec<Complex64>,
    cross_weight: Vec<f64>,
    auto_weight: Vec<f64>,
    coverage: Vec<f64>,
    added: u64,
}

/// Adds values times the weight of their row.
fn add(sums: &mut Vec<Complex64>, values: &[Complex32], weights: &[f32], into: &mut Vec<f64>) {
    sums.resize(values.len(), Complex64::default());
    into.resize(weights.len(), 0.0);
    let width = values.len() / weights.len().max(1);
    for ((sums, values), weight) in
        sums.chunks_mut(width.max(1)).zip(values.chunks(width.max(1))).zip(weights)
    {
        let weight = f64::from(*weight);
        for (sum, v) in sums.iter_mut().zip(values) {
            *sum += Complex64::new(v.re.into(), v.im.into()) * weight;
        }
    }
    into.iter_mut().zip(weights).for_each(|(sum, w)| *sum += f64::from(*w));
}

/// The mean, and the weights of a whole of `all` integrations.
fn finish(sums: &[Complex64], weights: &[f64], all: f64, mean: &mut [Complex32], weight: &mut [f32]) {
    let width = (sums.len() / weights.len().max(1)).max(1);
    for ((mean, sums), sum) in mean.chunks_mut(width).zip(sums.chunks(width)).zip(weights) {
        let scale = if *sum > 0.0 { 1.0 / sum } else { 0.0 };
        for (mean, v) in mean.iter_mut().zip(sums) {
            *mean = Complex32::new((v.re * scale) as f32, (v.im * scale) as f32);
        }
    }
    weight.iter_mut().zip(weights).for_each(|(weight, sum)| *weight = (sum / all) as f32);
}

impl Mean {
    /// Adds an integration. Coordinates are those of the last one.
    pub fn add(&mut self, record: &Record) {
        if self.added == 0 {
            *self = Self { record: record.clone(), ..Self::default() };
            self.record.samples_r.fill(0);
            self.record.states_rk.fill([0; STATES]);
        }
        self.added += 1;
        add(&mut self.cross, &record.cross_cpf, &record.cross_weight_cp, &mut self.cross_weight);
        add(&mut self.auto, &record.auto_pf, &record.auto_weight_p, &mut self.auto_weight);
        self.coverage.resize(record.coverage_s.len(), 0.0);
        self.coverage.iter_mut().zip(&record.coverage_s).for_each(|(sum, c)| *sum += f64::from(*c));
        self.record.uvw_cb.copy_from_slice(&record.uvw_cb);
        self.record.samples_r.iter_mut().zip(&record.samples_r).for_each(|(sum, n)| *sum += n);
        for (sums, counts) in self.record.states_rk.iter_mut().zip(&record.states_rk) {
            sums.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
        }
        // Tones of one integration are means over what was valid of it; how much that was differs little.
        self.tones.resize(record.tones_g.len(), Complex64::default());
        let wide = |t: &Complex32| Complex64::new(t.re.into(), t.im.into());
        self.tones.iter_mut().zip(&record.tones_g).for_each(|(sum, t)| *sum += wide(t));
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.added == 0
    }

    /// The mean of what was added, its weights those of a whole of `all` integrations; then it is empty again.
    pub fn take(&mut self, all: u64) -> Record {
        let Self { mut record, cross, auto, tones, cross_weight, auto_weight, coverage, added } =
            std::mem::take(self);
        let all = all as f64;
        finish(&cross, &cross_weight, all, &mut record.cross_cpf, &mut record.cross_weight_cp);
        finish(&auto, &auto_weight, all, &mut record.auto_pf, &mut record.auto_weight_p);
        record.coverage_s.iter_mut().zip(&coverage).for_each(|(mean, sum)| *mean = (sum / all) as f32);
        let narrow =
            |t: &Complex64| Complex32::new((t.re / added as f64) as f32, (t.im / added as f64) as f32);
        record.tones_g.iter_mut().zip(&tones).for_each(|(mean, sum)| *mean = narrow(sum));
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(value: f32, weight: f32) -> Record {
        Record {
            cross_cpf: vec![Complex32::new(value, -value); 2],
            cross_weight_cp: vec![weight],
            auto_pf: vec![Complex32::new(1.0, 0.0)],
            auto_weight_p: vec![1.0],
            coverage_s: vec![weight],
            uvw_cb: vec![[1.0, 2.0, 3.0]],
            samples_r: vec![10],
            states_rk: vec![[1, 2, 3, 4]],
            tones_g: vec![Complex32::new(0.0, value)],
        }
    }

    #[test]
    fn integrations_count_by_their_weights() {
        let mut mean = Mean::default();
        mean.add(&record(1.0, 1.0));
        mean.add(&record(4.0, 0.5));
        let made = mean.take(4);
        assert_eq!(made.cross_cpf, [Complex32::new(2.0, -2.0); 2]);
        assert_eq!((made.cross_weight_cp[0], made.coverage_s[0]), (0.375, 0.375));
        assert_eq!((made.auto_pf[0].re, made.auto_weight_p[0]), (1.0, 0.5));
        assert_eq!((made.samples_r[0], made.states_rk[0]), (20, [2, 4, 6, 8]));
        assert_eq!(made.tones_g[0].im, 2.5);
        // What has no weight at all is zero.
        assert!(mean.is_empty());
        mean.add(&record(9.0, 0.0));
        let none = mean.take(1);
        assert_eq!((none.cross_cpf[0], none.cross_weight_cp[0]), (Complex32::default(), 0.0));
    }
}
