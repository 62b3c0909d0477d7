//! The same tests for all implementations.
use super::*;
use mirinae_simd::{Simd, SimdPath};
use proptest::prelude::*;

/// Spectra of `streams` streams of two recorded channels with deterministic noise.
fn spectra(streams: usize, blocks: usize, channels: usize, seed: u32) -> Vec<Spectra> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
    };
    let mut make = || {
        let mut spectra = Spectra::new(2, blocks, channels);
        for recorded in 0..2 {
            for block in 0..blocks {
                let (re, im) = spectra.planes_mut(recorded, block);
                re.iter_mut().chain(im).for_each(|x| *x = noise());
            }
        }
        spectra
    };
    (0..streams).map(|_| make()).collect()
}

fn product(a: (usize, usize), b: (usize, usize)) -> Term {
    Term { sum: 0, a, b, first: [0, 0] }
}

fn products() -> Vec<Term> {
    vec![product((0, 0), (1, 0)), product((0, 1), (1, 0)), product((1, 1), (1, 1)), product((2, 0), (0, 1))]
}

fn fast_path() -> Fast {
    Fast(Simd::new(SimdPath::detect()))
}

/// Terms with sums of their own, in order.
fn numbered(terms: &[Term]) -> Vec<Term> {
    terms.iter().enumerate().map(|(sum, term)| Term { sum, ..*term }).collect()
}

fn run(correlator: &dyn CrossCorrelator, spectra: &[Spectra], blocks: usize, products: &[Term]) -> Sums {
    let products = numbered(products);
    let mut sums = Sums::new(products.len(), spectra[0].channels());
    correlator.accumulate(spectra, blocks, &products, &mut sums);
    sums
}

fn largest_difference(a: &Sums, b: &Sums, products: usize) -> f64 {
    let pairs = (0..products).flat_map(|p| {
        let ((ar, ai), (br, bi)) = (a.product(p), b.product(p));
        ar.iter().zip(br).chain(ai.iter().zip(bi)).map(|(x, y)| (x - y).abs()).collect::<Vec<_>>()
    });
    pairs.fold(0.0, f64::max)
}

fn known_products(correlator: &dyn CrossCorrelator) {
    let mut two = vec![Spectra::new(1, 2, 40), Spectra::new(1, 2, 40)];
    for block in 0..2 {
        for c in 0..40 {
            // a = 1 + 2i, b = (c + 3i): a conj(b) = (c + 6) + (2 c - 3) i.
            let (re, im) = two[0].planes_mut(0, block);
            (re[c], im[c]) = (1.0, 2.0);
            let (re, im) = two[1].planes_mut(0, block);
            (re[c], im[c]) = (c as f32, 3.0);
        }
    }
    let sums = run(correlator, &two, 2, &[product((0, 0), (1, 0)), product((1, 0), (1, 0))]);
    for c in 0..40 {
        let (re, im) = sums.product(0);
        assert_eq!((re[c], im[c]), (2.0 * (c as f64 + 6.0), 2.0 * (2.0 * c as f64 - 3.0)));
        let (re, im) = sums.product(1);
        assert_eq!((re[c], im[c]), (2.0 * ((c * c) as f64 + 9.0), 0.0));
    }
}

fn sums_add_up(correlator: &dyn CrossCorrelator) {
    let spectra = spectra(3, 4, 37, 7);
    let once = run(correlator, &spectra, 4, &products());
    let mut twice = once.clone();
    correlator.accumulate(&spectra, 4, &numbered(&products()), &mut twice);
    let (once, twice) = (once.product(3), twice.product(3));
    assert!(once.0.iter().zip(twice.0).all(|(o, t)| *t == 2.0 * o));
}

#[test]
fn scalar() {
    known_products(&Scalar);
    sums_add_up(&Scalar);
}

#[test]
fn fast() {
    known_products(&fast_path());
    sums_add_up(&fast_path());
}

proptest! {
    #[test]
    fn fast_is_the_oracle(blocks in 1usize..20, channels in 1usize..100, used in 1usize..20, seed in any::<u32>()) {
        let spectra = spectra(3, blocks, channels, seed);
        let used = used.min(blocks);
        let (slow, fast) = (run(&Scalar, &spectra, used, &products()), run(&fast_path(), &spectra, used, &products()));
        prop_assert!(largest_difference(&slow, &fast, 4) < 2e-6 * used as f64);
    }
}

/// Negative control: two baselines in each other's place are found.
#[test]
fn swapped_baselines_differ() {
    let spectra = spectra(3, 8, 64, 3);
    let mut swapped = products();
    swapped.swap(0, 3);
    let (right, wrong) = (run(&Scalar, &spectra, 8, &products()), run(&fast_path(), &spectra, 8, &swapped));
    assert!(largest_difference(&right, &wrong, 4) > 0.1);
    // So are the two sides of one baseline.
    let turned: Vec<Term> = products().iter().map(|p| product(p.b, p.a)).collect();
    assert!(largest_difference(&right, &run(&fast_path(), &spectra, 8, &turned), 4) > 0.1);
}
