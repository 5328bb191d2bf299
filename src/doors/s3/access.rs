//! The visitor of a request: the holder of the key that signed it, or an anonymous one.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::doors::request::DoorRequest;
use crate::doors::s3::claim::Asked;
use crate::doors::s3::claim::Claim;
use crate::doors::s3::claim::UNSIGNED_PAYLOAD;
use crate::doors::s3::errors::Code;
use crate::doors::s3::errors::S3Error;
use crate::doors::s3::sigv4::check_signature;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;
use crate::remote::s3::signature::EMPTY_BODY;

/// Finds the visitor of a request. A signature that does not hold is refused, even where nobody needs one.
///
/// # Errors
/// [`S3Error`].
pub(super) fn authenticate(
    doors: &Arc<Doors>,
    request: &DoorRequest,
    now: Timestamp,
) -> Result<Visitor, S3Error> {
    let asked = Asked {
        method: request.method.as_str(),
        path: &request.raw_path,
        query: &request.query,
        headers: &request.headers,
    };
    let Some(claim) = Claim::read(asked)? else {
        return match doors.options.is_token_needed {
            false => Ok(Visitor::anonymous()),
            true => Err(S3Error::new(
                Code::AccessDenied,
                "this server wants signed requests",
            )),
        };
    };
    let has_session = request.headers.contains_key("x-amz-security-token")
        || request.param("X-Amz-Security-Token").is_some();
    if has_session {
        return Err(S3Error::of(Code::InvalidToken));
    }
    let Some((token, secret)) = doors.tokens.secret_for_signature(&claim.access_key) else {
        return Err(S3Error::of(Code::InvalidAccessKeyId).with("AWSAccessKeyId", claim.access_key));
    };
    claim.check_time(now)?;
    check_signature(&claim, asked, secret.reveal())?;
    if request.method.is_safe() {
        check_payload(&claim.payload)?;
    }
    doors.tokens.touch(&token, now);
    Ok(Visitor::with(token))
}

/// Checks that a request that reads has no body, as it says itself.
fn check_payload(payload: &str) -> Result<(), S3Error> {
    let is_hash = payload.len() == 64 && payload.bytes().all(|b| b.is_ascii_hexdigit());
    match payload {
        EMPTY_BODY | UNSIGNED_PAYLOAD => Ok(()),
        _ if payload.starts_with("STREAMING-") => Err(S3Error::new(
            Code::NotImplemented,
            "bodies that are signed in pieces are not implemented here",
        )),
        _ if is_hash => Err(S3Error::of(Code::XAmzContentSha256Mismatch)),
        _ => Err(S3Error::argument(
            "x-amz-content-sha256",
            payload,
            "the hash of the body is not of a known form",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_of_a_body_is_only_taken_for_no_body() {
        assert!(check_payload(EMPTY_BODY).is_ok());
        assert!(check_payload(UNSIGNED_PAYLOAD).is_ok());
        let code = |payload: &str| check_payload(payload).unwrap_err().code;
        assert_eq!(code(&"a".repeat(64)), Code::XAmzContentSha256Mismatch);
        assert_eq!(
            code("STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            Code::NotImplemented
        );
        assert_eq!(code("x"), Code::InvalidArgument);
    }
}
