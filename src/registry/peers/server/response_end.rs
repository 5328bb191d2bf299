//! Ends of requests without a full response.

use crate::protocol::Refusal;
use crate::protocol::RefusalCode;
use crate::registry::error::Error;

/// End of a request without a full response.
pub(crate) enum ResponseEnd {
    /// The request is refused.
    Refused(Refusal),
    /// This registry failed. The peer does not learn the cause.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for ResponseEnd {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Returns the same refusal for a missing and for a hidden dataset.
pub(crate) fn not_found() -> ResponseEnd {
    ResponseEnd::Refused(Refusal::new(RefusalCode::NotFound, "no such dataset"))
}

/// Returns the refusal for an offset at which no chunk or node begins.
pub(crate) fn bad_offset() -> ResponseEnd {
    ResponseEnd::Refused(Refusal::new(RefusalCode::NotFound, "nothing begins there"))
}
