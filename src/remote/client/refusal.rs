//! Statuses that are no answer, as errors.

use crate::remote::client::body::Body;
use crate::remote::error::RemoteError;
use crate::remote::limits::ERROR_TEXT_BYTES_MAX;
use crate::remote::s3::xml::text_of;

/// Bytes of an error's body that are read.
const BODY_BYTES: usize = 4 << 10;

/// Returns the error for a status. `secrets` never become part of its text, even if the server sends
/// them back.
pub(super) fn refused(
    (shown, status): (&str, u16),
    headers: &[(String, String)],
    body: &mut Body,
    secrets: &[String],
) -> RemoteError {
    let detail = detail(matches!(status, 301 | 400), headers, body, secrets);
    let detail = detail.map_or_else(String::new, |text| format!(": {text}"));
    let url = shown.to_owned();
    match status {
        404 | 410 => RemoteError::NotFound(url),
        401 | 403 | 407 => RemoteError::Denied {
            url,
            status,
            detail,
        },
        412 => RemoteError::Changed(url),
        _ => RemoteError::Status {
            url,
            status,
            detail,
        },
    }
}

/// Returns the server's own words: a header of the hub, or an error of S3.
fn detail(
    is_elsewhere: bool,
    headers: &[(String, String)],
    body: &mut Body,
    secrets: &[String],
) -> Option<String> {
    let header = |name: &str| {
        let mut found = headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.clone())
    };
    // A request that was signed for another region.
    let region = header("x-amz-bucket-region");
    let region = region.map(|region| format!("the bucket is in region {region}: set AWS_REGION"));
    let own = header("x-error-message").or_else(|| header("x-error-code"));
    let own = own.or(region.filter(|_| is_elsewhere));
    let text = own.or_else(|| {
        let is_xml = header("content-type").is_some_and(|t| t.contains("xml"));
        let front = is_xml.then(|| front(body))?;
        let code = text_of(&front, "Code")?;
        let message = text_of(&front, "Message").unwrap_or_default();
        Some(format!("{code} {message}").trim().to_owned())
    })?;
    let is_secret = secrets
        .iter()
        .any(|s| s.len() > 3 && text.contains(s.as_str()));
    if is_secret {
        return None;
    }
    let plain = text.chars().filter(|c| !c.is_control());
    let text: String = plain.take(ERROR_TEXT_BYTES_MAX).collect();
    Some(text).filter(|t| !t.is_empty())
}

fn front(body: &mut Body) -> String {
    let mut bytes = vec![0; BODY_BYTES];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|r| !r.is_empty()) {
        match body.read(rest) {
            Ok(n) if n > 0 => filled += n,
            _ => break,
        }
    }
    bytes.truncate(filled);
    String::from_utf8_lossy(&bytes).into_owned()
}
