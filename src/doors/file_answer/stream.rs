//! The body of an answer out of parts.

use std::sync::Arc;

use tokio::sync::Semaphore;

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
    let ahead = parts.iter().find_map(Part::ahead);
    let mut rest = Rest::new(parts);
    let Some(first) = rest.read_next().await else {
        return Ok(DoorBody::empty());
    };
    let first = first?;
    if first.len() as u64 == length {
        return Ok(DoorBody::of(first));
    }
    let ahead = ahead.unwrap_or_else(|| Arc::new(Semaphore::new(0)));
    let stream = BlockStream::new(first, rest, length, ahead);
    Ok(DoorBody::Stream(Box::pin(stream)))
}
