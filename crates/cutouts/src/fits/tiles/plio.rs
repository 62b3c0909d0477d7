//! Unpacks IRAF's lists of lines: runs of equal values, made for masks (FITS 4.0, section 10.4.3).

use super::{Problem, Shape};

/// Words in front of the list that are read.
const HEAD: usize = 7;

pub(super) fn unpack(bytes: &[u8], shape: Shape, out: &mut Vec<i64>) -> Result<(), Problem> {
    let words: Vec<i16> = bytes.as_chunks().0.iter().map(|pair| i16::from_be_bytes(*pair)).collect();
    let list = list(&words)?;
    let mut level = 1i64;
    out.clear();
    let mut words = list.iter();
    while let Some(&word) = words.next() {
        if out.len() >= shape.count {
            break;
        }
        let data = i64::from(word & 4095);
        let room = shape.count - out.len();
        match word >> 12 {
            code @ (0 | 4 | 5) => {
                let run = data as usize;
                out.resize(out.len() + run.min(room), if code == 4 { level } else { 0 });
                if code == 5
                    && (1..=room).contains(&run)
                    && let Some(end) = out.last_mut()
                {
                    *end = level;
                }
            }
            1 => {
                let high = *words.next().ok_or("its list ends within a value")?;
                level = (i64::from(high) << 12) + data;
            }
            2 => level += data,
            3 => level -= data,
            code @ (6 | 7) => {
                level += if code == 6 { data } else { -data };
                out.push(level);
            }
            _ => return Err("its list has an unknown instruction"),
        }
    }
    // What the list does not reach is zero.
    out.resize(shape.count, 0);
    Ok(())
}

/// The instructions, without what stands before them.
fn list(words: &[i16]) -> Result<&[i16], Problem> {
    const SHORT: Problem = "its list is shorter than it says";
    let head = words.get(..HEAD.min(words.len())).unwrap_or_default();
    let (first, end) = match *head {
        [_, _, length, ..] if length > 0 => (3, i64::from(length)),
        [_, first, _, low, high, ..] => (i64::from(first), (i64::from(high) << 15) + i64::from(low)),
        _ => return Err(SHORT),
    };
    if end <= 0 {
        return Err("its list is empty");
    }
    let (first, end) = (usize::try_from(first).map_err(|_| SHORT)?, end as usize);
    words.get(first..end).ok_or(SHORT)
}
