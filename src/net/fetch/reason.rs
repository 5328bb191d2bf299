//! Errors of the client as reasons. They name no URL, because it may have secrets.

use std::error::Error;
use std::io;

use crate::remote::TransportError;

/// Texts of errors that another try does not mend: what came is no answer of HTTP.
const FINAL: [&str; 3] = ["invalid HTTP", "message head is too large", "header list"];

/// Returns the reason, without the URL.
pub(super) fn reason(error: reqwest::Error) -> TransportError {
    let is_timeout = error.is_timeout();
    let error = error.without_url();
    let mut texts = vec![error.to_string()];
    let mut is_final = error.is_builder();
    let mut source = error.source();
    while let Some(cause) = source {
        is_final |= cause.is::<rustls::Error>();
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            is_final |= io.kind() == io::ErrorKind::ConnectionRefused;
            is_final |= io.get_ref().is_some_and(|e| e.is::<rustls::Error>());
        }
        texts.push(cause.to_string());
        source = cause.source();
    }
    // The innermost cause says most.
    let why = texts.last().cloned().unwrap_or_default();
    is_final |= FINAL
        .iter()
        .any(|text| texts.iter().any(|t| t.contains(text)));
    if is_timeout {
        TransportError::TimedOut(why)
    } else if is_final {
        TransportError::Refused(why)
    } else {
        TransportError::Broken(why)
    }
}
