//! Unpacks Rice's code: differences of neighbours, in blocks with a number of low bits each (Rice, Yeh & Miller 1993).

use super::bits::Bits;
use super::{Problem, Shape};

/// How the numbers were packed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rice {
    /// Pixels that share a number of low bits.
    pub(super) block: usize,
    /// Bytes of a pixel: 1, 2 or 4.
    pub(super) bytes: usize,
}

impl Rice {
    pub(super) fn unpack(self, bytes: &[u8], shape: Shape, out: &mut Vec<i64>) -> Result<(), Problem> {
        // Bits that tell the number of low bits, and the number that stands for differences as they are.
        let (tell, direct, mask) = match self.bytes {
            1 => (3, 6, 0xff),
            2 => (4, 14, 0xffff),
            _ => (5, 25, u32::MAX),
        };
        let width = 8 * self.bytes as u32;
        let mut bits = Bits::new(bytes);
        let mut last = bits.take(width)?;
        out.clear();
        while out.len() < shape.count {
            let block = self.block.min(shape.count - out.len());
            let low = bits.take(tell)?;
            if low > direct + 1 {
                return Err("it has a block with too many low bits");
            }
            for _ in 0..block {
                let code = match low {
                    0 => 0,
                    l if l == direct + 1 => bits.take(width)?,
                    l => {
                        let high = bits.zeros()?;
                        high << (l - 1) | bits.take(l - 1)?
                    }
                };
                // Even codes are differences from zero up, odd ones from -1 down.
                let difference = if code & 1 == 0 { code >> 1 } else { !(code >> 1) };
                last = last.wrapping_add(difference) & mask;
                out.push(self.value(last));
            }
        }
        Ok(())
    }

    /// Bytes have no sign; longer integers do.
    fn value(self, bits: u32) -> i64 {
        match self.bytes {
            1 => i64::from(bits),
            2 => i64::from(bits as u16 as i16),
            _ => i64::from(bits as i32),
        }
    }
}
