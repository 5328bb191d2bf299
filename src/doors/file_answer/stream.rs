//! The body of an answer out of parts.

use crate::doors::body::DoorBody;
use crate::doors::error::DoorError;
use crate::doors::file_answer::block_stream::BlockStream;
use crate::doors::file_answer::block_stream::Part;
use crate::doors::file_answer::block_stream::Rest;

/// Returns the body of parts. Its first block is read before, so that damage there has an answer of its own.
///
/// # Errors
/// [`DoorError::Failed`] if the first block is damaged.
pub(super) async fn body_of(parts: Vec<Part>, length: u64) -> Result<DoorBody, DoorError> {
    let mut rest = Rest::new(parts);
    let Some(first) = rest.next().await else {
        return Ok(DoorBody::empty());
    };
    let first = first?;
    if first.len() as u64 == length {
        return Ok(DoorBody::of(first));
    }
    let stream = BlockStream::new(first, rest, length);
    Ok(DoorBody::Stream(Box::pin(stream)))
}
