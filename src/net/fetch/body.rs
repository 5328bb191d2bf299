//! Bodies of answers, read by threads that block.

use std::io;
use std::io::Read;
use std::time::Duration;

use bytes::Buf;
use bytes::Bytes;
use reqwest::Response;
use tokio::runtime::Handle;

use crate::net::fetch::reason::reason;
use crate::remote::TransportError;

/// The body of an answer.
pub(super) struct FetchBody {
    response: Response,
    handle: Handle,
    stall_timeout: Duration,
    /// Bytes that arrived and were not read yet.
    rest: Bytes,
}

impl FetchBody {
    pub(super) fn new(response: Response, handle: Handle, stall_timeout: Duration) -> Self {
        Self {
            response,
            handle,
            stall_timeout,
            rest: Bytes::new(),
        }
    }
}

impl Read for FetchBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() && !buffer.is_empty() {
            let (response, wait) = (&mut self.response, self.stall_timeout);
            let next = self
                .handle
                .block_on(async { tokio::time::timeout(wait, response.chunk()).await });
            match next {
                Ok(Ok(Some(bytes))) => self.rest = bytes,
                Ok(Ok(None)) => return Ok(0),
                Ok(Err(error)) => return Err(reason(error).into_io()),
                Err(_) => {
                    let why = format!("no byte in {} seconds", wait.as_secs_f32());
                    return Err(TransportError::TimedOut(why).into_io());
                }
            }
        }
        let n = self.rest.len().min(buffer.len());
        self.rest
            .copy_to_slice(buffer.get_mut(..n).unwrap_or_default());
        Ok(n)
    }
}
