//! Lists the units of work that are not done, by the checkpoints that they leave.

use crate::checkpoint::CheckpointError;
use crate::outcome::Failure;

/// The units that are not done; `is_done` loads a unit's checkpoint. Damaged ones are made again.
///
/// # Errors
/// Exit 65 where a checkpoint is another plan's, 2 where it cannot be read.
pub fn undone(
    units: impl Iterator<Item = usize>,
    is_done: impl Fn(usize) -> Result<bool, CheckpointError>,
) -> Result<Vec<usize>, Failure> {
    let mut todo = Vec::new();
    for unit in units {
        match is_done(unit) {
            Ok(true) => {}
            Ok(false) => todo.push(unit),
            Err(error @ CheckpointError::Damaged { .. }) => {
                tracing::warn!(unit, %error, "made again");
                todo.push(unit);
            }
            Err(error @ CheckpointError::ForeignPlan { .. }) => return Err(Failure::input(error)),
            Err(error) => return Err(Failure::run(error)),
        }
    }
    Ok(todo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;

    #[test]
    fn what_is_missing_or_damaged_is_to_be_done() {
        let folder = tempfile::tempdir().unwrap();
        let part = |unit: usize, plan: u8| Checkpoint::new(folder.path().join(unit.to_string()), [plan; 32]);
        [0, 2, 3].iter().for_each(|&unit| part(unit, 1).save(&unit).unwrap());
        std::fs::write(part(3, 1).path(), "what is this").unwrap();
        let of = |plan| undone(0..4, |unit| part(unit, plan).load::<usize>().map(|part| part == Some(unit)));
        assert_eq!(of(1).unwrap(), [1, 3]);
        assert_eq!(of(2).unwrap_err().exit as u8, 65);
    }
}
