//! Every path against plain arithmetic, and sixteen lanes in plain Rust for what machines without AVX-512 cannot run.
use super::spectra::All;
use super::transform::Numbers;
use super::*;
use mirinae_fourier::{FftDirection, Instructions, single};
use num_complex::Complex32;

/// Runs a check with all lanes that this machine has.
fn everywhere<K: Kernel>(kernel: impl Fn() -> K) {
    kernel().run::<portable::Plain<8>>();
    kernel().run::<portable::Plain<16>>();
    for path in SimdPath::ALL {
        if path.is_available() {
            Simd::new(path).run(kernel());
        } else {
            println!("skipped: this machine has no {path:?}");
        }
    }
}

fn noise(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(99);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

struct Operations;

impl Kernel for Operations {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (n, from) = (L::N, noise(L::N * L::N, 3));
        let mut to = vec![0.0f32; n * n];
        let mut doubles = vec![1.0f64; n];
        // SAFETY: all have the sizes that are needed.
        unsafe {
            L::transpose(from.as_ptr(), n, to.as_mut_ptr(), n);
            L::load(from.as_ptr()).add_to(doubles.as_mut_ptr());
        }
        for i in 0..n {
            assert!((0..n).all(|j| to[j * n + i] == from[i * n + j]));
            assert_eq!(doubles[i], 1.0 + f64::from(from[i]));
        }
        // SAFETY: as above.
        unsafe { L::load_reversed(from.as_ptr()).store(to.as_mut_ptr()) };
        assert!((0..n).all(|i| to[i] == from[n - 1 - i]));
        let (bytes, values) =
            ([0xe4u8, 0x1b, 0x72, 0xc9, 0x5a, 0x93, 0x0f, 0x36], [-3.3359, -1.0, 1.0, 3.3359]);
        let value = |byte: u8, place: usize| values[usize::from(byte >> (2 * place) & 3)];
        let table: Vec<f32> =
            (0..=255).flat_map(|byte| (0..4).map(move |place| value(byte, place))).collect();
        for offset in 0..4 {
            // SAFETY: as above; the table holds four values for each byte.
            unsafe { L::decode(bytes.as_ptr(), 2 * offset, table.as_ptr()).store(to.as_mut_ptr()) };
            for (i, x) in to[..n].iter().enumerate() {
                let place = offset as usize + i;
                assert_eq!(*x, value(bytes[place / 4], place % 4));
            }
        }
    }
}

#[test]
fn operations_of_all_paths() {
    everywhere(|| Operations);
}

struct Transform(usize);

impl Kernel for Transform {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (re, im) = (noise(self.0, 1), noise(self.0, 2));
        let fft = Fft::new(self.0, L::N);
        let (mut re_f, mut im_f) = (vec![0.0; self.0], vec![0.0; self.0]);
        let mut bins = All(&mut re_f, &mut im_f);
        // SAFETY: input and output hold all points.
        unsafe { fft.process::<L, _, _>(&mut fft.scratch(), &Numbers(&re, &im), &mut bins) };
        let mut exact: Vec<Complex32> = re.iter().zip(&im).map(|(r, i)| Complex32::new(*r, *i)).collect();
        single(self.0, FftDirection::Forward, Instructions::Any).process(&mut exact);
        let found = re_f.iter().zip(&im_f).map(|(r, i)| Complex32::new(*r, *i));
        let off: f32 = found.zip(&exact).map(|(f, e)| (f - e).norm_sqr()).sum();
        let relative = (off / exact.iter().map(Complex32::norm_sqr).sum::<f32>()).sqrt();
        assert!(relative < 5e-7, "{} points: {relative:e}", self.0);
    }
}

#[test]
fn transforms_of_all_lengths() {
    for k in 8..=16 {
        everywhere(|| Transform(1 << k));
    }
    assert!(!Fft::supports(128) && !Fft::supports(1000) && Fft::supports(1 << 18));
}
