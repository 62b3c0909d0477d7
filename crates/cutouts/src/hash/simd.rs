//! Two SHA-256 at a time with the processor's instructions for it (x86 SHA extensions).

/// Compresses as many blocks of two hashes; false where the processor has no instructions for it, and nothing was done.
pub fn compress_both(
    a: &mut [u32; 8],
    a_blocks: &[[u8; 64]],
    b: &mut [u32; 8],
    b_blocks: &[[u8; 64]],
) -> bool {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("sha")
        && std::arch::is_x86_feature_detected!("sse4.1")
        && std::arch::is_x86_feature_detected!("ssse3")
    {
        // SAFETY: the processor has these instructions, as has just been asked.
        unsafe { x86::compress_both(a, a_blocks, b, b_blocks) };
        return true;
    }
    let _ = (a, a_blocks, b, b_blocks);
    false
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_loadu_si128, _mm_set_epi8,
        _mm_set_epi32, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8,
        _mm_shuffle_epi32,
    };

    /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, section 4.2.2).
    const K: [u32; 64] = [
        0x428a_2f98,
        0x7137_4491,
        0xb5c0_fbcf,
        0xe9b5_dba5,
        0x3956_c25b,
        0x59f1_11f1,
        0x923f_82a4,
        0xab1c_5ed5,
        0xd807_aa98,
        0x1283_5b01,
        0x2431_85be,
        0x550c_7dc3,
        0x72be_5d74,
        0x80de_b1fe,
        0x9bdc_06a7,
        0xc19b_f174,
        0xe49b_69c1,
        0xefbe_4786,
        0x0fc1_9dc6,
        0x240c_a1cc,
        0x2de9_2c6f,
        0x4a74_84aa,
        0x5cb0_a9dc,
        0x76f9_88da,
        0x983e_5152,
        0xa831_c66d,
        0xb003_27c8,
        0xbf59_7fc7,
        0xc6e0_0bf3,
        0xd5a7_9147,
        0x06ca_6351,
        0x1429_2967,
        0x27b7_0a85,
        0x2e1b_2138,
        0x4d2c_6dfc,
        0x5338_0d13,
        0x650a_7354,
        0x766a_0abb,
        0x81c2_c92e,
        0x9272_2c85,
        0xa2bf_e8a1,
        0xa81a_664b,
        0xc24b_8b70,
        0xc76c_51a3,
        0xd192_e819,
        0xd699_0624,
        0xf40e_3585,
        0x106a_a070,
        0x19a4_c116,
        0x1e37_6c08,
        0x2748_774c,
        0x34b0_bcb5,
        0x391c_0cb3,
        0x4ed8_aa4a,
        0x5b9c_ca4f,
        0x682e_6ff3,
        0x748f_82ee,
        0x78a5_636f,
        0x84c8_7814,
        0x8cc7_0208,
        0x90be_fffa,
        0xa450_6ceb,
        0xbef9_a3f7,
        0xc671_78f2,
    ];

    /// One hash: words A, B, E, F and C, D, G, H of the state, highest first, as the instructions want them; sixteen words of
    /// the message schedule.
    struct Hash {
        abef: __m128i,
        cdgh: __m128i,
        w: [__m128i; 4],
    }

    impl Hash {
        #[inline]
        #[target_feature(enable = "sha,sse4.1,ssse3")]
        fn new(s: &[u32; 8]) -> Self {
            let [a, b, c, d, e, f, g, h] = s.map(u32::cast_signed);
            let abef = _mm_set_epi32(a, b, e, f);
            Self { abef, cdgh: _mm_set_epi32(c, d, g, h), w: [abef; 4] }
        }

        #[inline]
        #[target_feature(enable = "sha,sse4.1,ssse3")]
        fn state(&self) -> [u32; 8] {
            let high = |v| (_mm_extract_epi32::<3>(v), _mm_extract_epi32::<2>(v));
            let low = |v| (_mm_extract_epi32::<1>(v), _mm_extract_epi32::<0>(v));
            let ((a, b), (e, f)) = (high(self.abef), low(self.abef));
            let ((c, d), (g, h)) = (high(self.cdgh), low(self.cdgh));
            [a, b, c, d, e, f, g, h].map(i32::cast_unsigned)
        }

        #[inline]
        #[target_feature(enable = "sha,sse4.1,ssse3")]
        fn load(&mut self, block: &[u8; 64]) {
            // Words are big-endian.
            let order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
            for (w, bytes) in self.w.iter_mut().zip(block.as_chunks::<16>().0) {
                // SAFETY: sixteen bytes are there; the instruction takes any address.
                let words = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
                *w = _mm_shuffle_epi8(words, order);
            }
        }

        /// Rounds 4 i to 4 i + 3, and the words of the schedule sixteen rounds later.
        #[inline]
        #[target_feature(enable = "sha,sse4.1,ssse3")]
        fn rounds<const I: usize>(&mut self) {
            let k = &K[4 * I..4 * I + 4];
            let [k0, k1, k2, k3] = [k[0], k[1], k[2], k[3]].map(u32::cast_signed);
            let words = self.w[I % 4];
            let sum = _mm_add_epi32(words, _mm_set_epi32(k3, k2, k1, k0));
            self.cdgh = _mm_sha256rnds2_epu32(self.cdgh, self.abef, sum);
            self.abef = _mm_sha256rnds2_epu32(self.abef, self.cdgh, _mm_shuffle_epi32::<0x0e>(sum));
            if I < 12 {
                let [w4, w8, w12] = [self.w[(I + 1) % 4], self.w[(I + 2) % 4], self.w[(I + 3) % 4]];
                let partial = _mm_add_epi32(_mm_sha256msg1_epu32(words, w4), _mm_alignr_epi8::<4>(w12, w8));
                self.w[I % 4] = _mm_sha256msg2_epu32(partial, w12);
            }
        }
    }

    #[target_feature(enable = "sha,sse4.1,ssse3")]
    pub(super) fn compress_both(
        a: &mut [u32; 8],
        a_blocks: &[[u8; 64]],
        b: &mut [u32; 8],
        b_blocks: &[[u8; 64]],
    ) {
        let (mut x, mut y) = (Hash::new(a), Hash::new(b));
        for (a_block, b_block) in a_blocks.iter().zip(b_blocks) {
            let before = [x.abef, x.cdgh, y.abef, y.cdgh];
            x.load(a_block);
            y.load(b_block);
            macro_rules! rounds {
                ($($i:literal)*) => { $( x.rounds::<$i>(); y.rounds::<$i>(); )* };
            }
            rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
            x.abef = _mm_add_epi32(x.abef, before[0]);
            x.cdgh = _mm_add_epi32(x.cdgh, before[1]);
            y.abef = _mm_add_epi32(y.abef, before[2]);
            y.cdgh = _mm_add_epi32(y.cdgh, before[3]);
        }
        (*a, *b) = (x.state(), y.state());
    }
}
