//! Sums of powers along the track of a dispersion measure.

/// Adds, for every arrival `from .. from + out.len()` (dumps of the powers; may lie outside), the powers of all channels at that
/// dump and so many later as the channel is late. `power_ft` has rows of `dumps` dumps, one for each channel; beyond them there
/// is nothing.
pub fn track_sums(power_ft: &[f32], dumps: usize, shifts: &[usize], from: i64, out: &mut [f32]) {
    out.fill(0.0);
    for (row, &shift) in power_ft.chunks_exact(dumps.max(1)).zip(shifts) {
        let first = from + shift as i64;
        let begin = first.clamp(0, dumps as i64);
        let end = (first + out.len() as i64).clamp(begin, dumps as i64);
        let at = (begin - first).clamp(0, out.len() as i64) as usize;
        let row = &row[begin as usize..end as usize];
        out[at..at + row.len()].iter_mut().zip(row).for_each(|(o, p)| *o += p);
    }
}

/// Running sums, with a 0 before the first: what a boxcar holds is a difference of two.
pub fn running(values: &[f32], sums: &mut Vec<f64>) {
    sums.clear();
    sums.push(0.0);
    let mut sum = 0.0;
    sums.extend(values.iter().map(|v| {
        sum += f64::from(*v);
        sum
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_are_their_twin(dumps in 1usize..40, shifts in proptest::collection::vec(0usize..50, 1..6), from in -60i64..60, n in 0usize..70, seed in any::<u32>()) {
            let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 24) as f32;
            let power_ft: Vec<f32> = (0..dumps * shifts.len()).map(value).collect();
            let mut out = vec![7.0; n];
            track_sums(&power_ft, dumps, &shifts, from, &mut out);
            for (i, found) in out.iter().enumerate() {
                let mut slow = 0.0;
                for (f, shift) in shifts.iter().enumerate() {
                    let t = from + i as i64 + *shift as i64;
                    if t >= 0 && t < dumps as i64 {
                        slow += power_ft[f * dumps + t as usize];
                    }
                }
                prop_assert_eq!(*found, slow);
            }
        }
    }

    #[test]
    fn boxcars_are_differences() {
        let mut sums = Vec::new();
        running(&[1.0, 2.0, 4.0], &mut sums);
        assert_eq!(sums, [0.0, 1.0, 3.0, 7.0]);
    }
}
