//! Headers of the formats.
use super::*;

#[test]
fn npy_headers_are_aligned() {
    for shape in [vec![3], vec![512, 5, 128, 128], vec![1_000_000, 5, 4096, 4096]] {
        let header = npy_header("<f4", &shape);
        assert_eq!(header.len() % 64, 0);
        assert_eq!(usize::from(u16::from_le_bytes([header[8], header[9]])) + 10, header.len());
        assert_eq!(header.last(), Some(&b'\n'));
    }
    assert!(String::from_utf8_lossy(&npy_header("|u1", &[3])).contains("'shape': (3,)"));
}
