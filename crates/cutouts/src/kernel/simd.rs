//! Lets the compiler use the vectors of eight numbers of newer processors, without another result.
//!
//! No operation is fused or reordered by it, but where the source says `mul_add`: the same bytes with and without.

/// Runs a loop that has been written for the compiler to vectorise; `work` must be inlined to gain from it.
#[inline(always)]
pub fn wide<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        // SAFETY: the processor has AVX2 and FMA, as has just been asked.
        return unsafe { with_avx2(work) };
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[cfg(test)]
mod tests {
    use crate::kernel::asinh;

    #[test]
    fn vectors_change_nothing() {
        // Large numbers among them, and none.
        for most in [160, 90] {
            let value = |i: i32| libm::expf((i % most) as f32 - 80.0) * (i as f32 - 2048.0);
            let values: Vec<f32> = (0..4096).map(value).collect();
            let mut wide = values.clone();
            asinh::stretch(&mut wide, 0.3, 2.0);
            for (value, wide) in values.iter().zip(&wide) {
                assert_eq!((2.0 * asinh::asinh(0.3 * value)).to_bits(), wide.to_bits());
            }
        }
    }
}
