//! Lists the units of work that are not done, by the checkpoints that they leave.

use mirinae_common::checkpoint::CheckpointError;
use mirinae_common::outcome::Failure;

/// The units that are not done; `is_done` loads a unit's checkpoint. Damaged ones are made again.
///
/// # Errors
/// Exit 65 where a checkpoint is another plan's, 2 where it cannot be read.
pub(crate) fn undone(
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
