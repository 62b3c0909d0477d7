//! How much of the data a model spectrum explains.

/// Channels where the model is below this part of its maximum do not count: they are many and say little.
const NEGLIGIBLE: f64 = 0.03;
/// Scale factors that are tried, relative to the least-squares one.
const FACTORS: [f64; 11] = [0.05, 0.1, 0.15, 0.22, 0.32, 0.45, 0.6, 0.75, 0.9, 1.0, 1.15];

/// The scale factor (at most `most`) at which the model explains most, and what it explains there: the sum over channels of
/// `m (2 min(d, m) - m) / sigma^2`, m being the scaled model and d the data. Where the data are at least as bright as the model that is
/// its signal to noise squared; where they are not it is less, and negative where they are below half of it.
pub fn gain(data_k: &[f64], per_k: &[f64], model_k: &[f64], most: f64) -> (f64, f64) {
    let floor = NEGLIGIBLE * model_k.iter().copied().fold(0.0, f64::max);
    if floor <= 0.0 {
        return (0.0, 0.0);
    }
    let (mut product, mut square) = (0.0, 0.0);
    let mut seen = Vec::new();
    for ((d, w), m) in data_k.iter().zip(per_k).zip(model_k) {
        if *m > floor && *w > 0.0 {
            let (d, m) = (d * w, m * w);
            product += d * m;
            square += m * m;
            seen.push((d, m));
        }
    }
    if product <= 0.0 {
        return (0.0, 0.0);
    }
    let mut best = (0.0, 0.0);
    for factor in FACTORS {
        let scale = (factor * product / square).min(most);
        let explained: f64 = seen
            .iter()
            .map(|(d, m)| {
                let m = scale * m;
                m * (2.0 * d.min(m) - m)
            })
            .sum();
        if explained > best.1 {
            best = (scale, explained);
        }
    }
    best
}
