//! Which columns the rows of a target have, before they are written.

use std::borrow::Cow;
use std::ops::ControlFlow;

use crate::inspect::output::Plan;
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

/// Learns which columns the rows of a scan have, and whether all of them can be written. `plan` says
/// which columns were named; the columns that the source says it has come first.
///
/// # Errors
/// Of reading, as [`Target::blame`] says it, and [`Error::TooManyColumns`].
pub fn plan_of(
    scan: &Scan<'_>,
    target: &Target,
    check: &RowCheck,
    plan: &mut Plan,
) -> Result<(), Error> {
    plan.announce(&target.column_names()?)
        .map_err(|e| Ended::Columns(e).of(target))?;
    let empty = plan.clone();
    let done = scan.run::<_, _, Ended>(
        Scratch::default,
        |scratch, batch| {
            let mut own = match empty.is_fixed() {
                true => empty.clone(),
                false => Plan::default(),
            };
            for row in batch.rows() {
                learn(&mut own, batch, &row, check, scratch)?;
            }
            Ok(own)
        },
        |made| {
            plan.merge(&made.value).map_err(Ended::Columns)?;
            Ok(ControlFlow::Continue(()))
        },
    );
    done.map_err(|e| e.of(target))
}

fn learn(
    plan: &mut Plan,
    batch: &Batch,
    row: &Row<'_>,
    check: &RowCheck,
    scratch: &mut Scratch,
) -> Result<(), Ended> {
    let text = match whole(batch, row) {
        Ok(text) => text,
        Err(PushError::Read(error)) => return Err(Ended::Rows(error)),
        Err(_) => {
            plan.refuse();
            return Ok(());
        }
    };
    match check.prepare(batch.shape(), &text) {
        Ok(text) => {
            plan.learn(batch.shape(), &text, scratch)
                .map_err(Ended::Columns)?;
        }
        Err(_) => plan.refuse(),
    }
    Ok(())
}

/// The whole text of a row.
pub(in crate::registry) fn whole<'a>(
    batch: &Batch,
    row: &Row<'a>,
) -> Result<Cow<'a, [u8]>, PushError> {
    match batch.long(row) {
        None => Ok(Cow::Borrowed(row.text)),
        Some(long) => match long.whole() {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(TableError::Limit(why)) => Err(PushError::Refused(Refusal::of_row(why))),
            Err(error) => Err(PushError::Read(error)),
        },
    }
}

enum Ended {
    Rows(TableError),
    Columns(TooManyColumns),
}

impl Ended {
    fn of(self, target: &Target) -> Error {
        match self {
            Self::Rows(error) => target.blame(error),
            Self::Columns(TooManyColumns { name }) => Error::TooManyColumns {
                target: target.name().to_owned(),
                column: name,
            },
        }
    }
}

impl From<TableError> for Ended {
    fn from(error: TableError) -> Self {
        Self::Rows(error)
    }
}
