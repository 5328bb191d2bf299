//! Determines the columns of a target's rows before they are written.

use std::borrow::Cow;
use std::ops::ControlFlow;

use crate::inspect::output::OutputPlan;
use crate::inspect::output::PushError;
use crate::inspect::output::Refusal;
use crate::inspect::output::RowCheck;
use crate::inspect::output::TooManyColumns;
use crate::inspect::table::Batch;
use crate::inspect::table::Row;
use crate::inspect::table::Scan;
use crate::inspect::table::Scratch;
use crate::inspect::table::TableError;
use crate::registry::Target;
use crate::registry::error::Error;
use crate::registry::error::target::TargetError;

/// Determines the columns of a scan's rows, and checks that all of them can be written. `plan` has
/// the requested columns. Columns that the source declares come first.
///
/// # Errors
/// Read errors as [`Target::blame`] returns them, and [`TargetError::TooManyColumns`].
pub fn plan_of(
    scan: &Scan<'_>,
    target: &Target,
    check: &RowCheck,
    plan: &mut OutputPlan,
) -> Result<(), Error> {
    plan.add_declared(&target.column_names()?)
        .map_err(|e| StopReason::Columns(e).of(target))?;
    let empty = plan.clone();
    let done = scan.run::<_, _, StopReason>(
        Scratch::default,
        |scratch, batch| {
            let mut own = if empty.is_fixed() {
                empty.clone()
            } else {
                OutputPlan::default()
            };
            for row in batch.rows() {
                learn(&mut own, batch, &row, check, scratch)?;
            }
            Ok(own)
        },
        |made| {
            plan.merge(&made.value).map_err(StopReason::Columns)?;
            Ok(ControlFlow::Continue(()))
        },
    );
    done.map_err(|e| e.of(target))
}

fn learn(
    plan: &mut OutputPlan,
    batch: &Batch,
    row: &Row<'_>,
    check: &RowCheck,
    scratch: &mut Scratch,
) -> Result<(), StopReason> {
    let text = match whole(batch, row) {
        Ok(text) => text,
        Err(PushError::Read(error)) => return Err(StopReason::Rows(error)),
        Err(_) => {
            plan.record_refusal();
            return Ok(());
        }
    };
    match check.prepare(batch.shape(), &text) {
        Ok(text) => {
            plan.add_row(batch.shape(), &text, scratch)
                .map_err(StopReason::Columns)?;
        }
        Err(_) => plan.record_refusal(),
    }
    Ok(())
}

/// Returns the whole text of a row.
pub(in crate::registry) fn whole<'a>(
    batch: &Batch,
    row: &Row<'a>,
) -> Result<Cow<'a, [u8]>, PushError> {
    match batch.long(row) {
        None => Ok(Cow::Borrowed(row.text)),
        Some(long) => match long.read_all() {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(TableError::Limit(why)) => Err(PushError::Refused(Refusal::of_row(why))),
            Err(error) => Err(PushError::Read(error)),
        },
    }
}

enum StopReason {
    Rows(TableError),
    Columns(TooManyColumns),
}

impl StopReason {
    fn of(self, target: &Target) -> Error {
        match self {
            Self::Rows(error) => target.blame(error),
            Self::Columns(TooManyColumns { name }) => Error::Target(TargetError::TooManyColumns {
                target: target.name().to_owned(),
                column: name,
            }),
        }
    }
}

impl From<TableError> for StopReason {
    fn from(error: TableError) -> Self {
        Self::Rows(error)
    }
}
