//! Calls into decoder libraries: catches panics, and sorts errors by cause.

use crate::inspect::table::TableError;
use crate::panics::Panicked;
use crate::panics::caught;

/// Prefix of errors about a crossed limit.
pub(in crate::inspect::table) const OVER_LIMIT: &str = "over a limit: ";
/// Prefixes of library errors about unsupported features.
const NOT_YET: [&str; 2] = ["Not yet implemented: ", "NYI: "];

/// Calls into a library that may panic on damaged bytes.
pub(in crate::inspect::table) fn guarded<T, E: std::fmt::Display>(
    call: impl FnOnce() -> Result<T, E>,
) -> Result<T, TableError> {
    match caught(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            let why = error.to_string();
            // A feature that a library lacks is no damage.
            for prefix in NOT_YET {
                if let Some(what) = why.strip_prefix(prefix) {
                    return Err(TableError::Unsupported(what.to_owned()));
                }
            }
            // Libraries pass on a limit error like any other error.
            match why.find(OVER_LIMIT) {
                Some(at) => Err(TableError::Limit(
                    why.get(at + OVER_LIMIT.len()..)
                        .unwrap_or_default()
                        .to_owned(),
                )),
                None => Err(TableError::Damaged(why)),
            }
        }
        Err(Panicked) => Err(TableError::Damaged("its decoder gave up".to_owned())),
    }
}
