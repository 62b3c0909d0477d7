//! Every path against the library, and against the others.

use super::super::vector::{exp, ln, one_minus_exp_neg};
use super::{Kernel, Lanes, MAX_LANES, Simd, SimdPath};

/// The functions of all values of a column.
struct Functions<'a>(&'a [f64], &'a mut [[f64; 3]]);

impl Kernel for Functions<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        for (x, out) in self.0.chunks(L::N).zip(self.1.chunks_mut(L::N)) {
            let x = L::load(x);
            let mut columns = [[0.0; MAX_LANES]; 3];
            exp(x).store(&mut columns[0]);
            one_minus_exp_neg(x).store(&mut columns[1]);
            ln(x.max(L::splat(1e-300))).store(&mut columns[2]);
            out.iter_mut().enumerate().for_each(|(i, out)| *out = columns.map(|c| c[i]));
        }
    }
}

fn values() -> Vec<f64> {
    let mut x: Vec<f64> = (-70_000..70_000).map(|i| f64::from(i) * 0.01).collect();
    x.extend((0..20_000).map(|i| 10f64.powf(f64::from(i) * 1e-3 - 17.2)));
    x
}

#[test]
fn all_paths_agree_with_the_library() {
    let x = values();
    for path in SimdPath::ALL {
        let Some(simd) = Simd::new(path) else {
            eprintln!("skipped: this machine has no {path:?}");
            continue;
        };
        let mut out = vec![[0.0; 3]; x.len()];
        simd.run(Functions(&x, &mut out));
        for (x, [e, m, l]) in x.iter().zip(&out) {
            assert!((e / x.exp() - 1.0).abs() < 5e-12, "{path:?}: exp({x}) = {e}");
            let library = -(-x).exp_m1();
            assert!((m - library).abs() <= 2e-11 * library.abs(), "{path:?}: 1 - exp(-{x}) = {m}");
            let library = x.max(1e-300).ln();
            assert!(
                (l - library).abs() <= 4e-16 * library.abs().max(1.0),
                "{path:?}: ln({x}) = {l} {library}"
            );
        }
    }
}

#[test]
fn paths_with_fused_multiply_add_give_the_same_bits() {
    let x = values();
    let columns: Vec<Vec<[f64; 3]>> = [SimdPath::Avx2, SimdPath::Avx512]
        .into_iter()
        .filter_map(Simd::new)
        .map(|simd| {
            let mut out = vec![[0.0; 3]; x.len()];
            simd.run(Functions(&x, &mut out));
            out
        })
        .collect();
    assert!(columns.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn the_best_path_is_there() {
    assert!(SimdPath::detect().is_available());
    for path in SimdPath::ALL {
        assert_eq!(SimdPath::from_level(path.level()), path);
    }
}
