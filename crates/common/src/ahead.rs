//! Asks the system to have a part of a file at hand before it is read, while others compute.

use rustix::fs::{Advice, fadvise};
use std::fs::File;
use std::num::NonZeroU64;

/// Says that `n` bytes from `offset` on will be read next. The system may begin to read them; it need not, and nothing waits.
pub fn will_need(file: &File, offset: u64, n: u64) {
    if let Some(n) = NonZeroU64::new(n) {
        // Advice alone: a file system that has no use for it says so, and reading goes on without.
        let _ = fadvise(file, offset, Some(n), Advice::WillNeed);
    }
}
