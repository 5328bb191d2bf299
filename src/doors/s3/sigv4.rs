//! The check of a signature: AWS Signature Version 4. The clock is an argument. Pure.

use crate::doors::s3::claim::Asked;
use crate::doors::s3::claim::Claim;
use crate::doors::s3::errors::Code;
use crate::doors::s3::errors::S3Error;
use crate::remote::percent_decoded;
use crate::remote::percent_encoded;
use crate::remote::s3::signature::Covered;
use crate::remote::s3::signature::signature;
use crate::remote::s3::signature::text_to_sign;

/// Checks that the holder of a secret signed a request.
///
/// # Errors
/// [`Code::SignatureDoesNotMatch`], with the texts that were signed here, for comparison.
pub(super) fn check_signature(
    claim: &Claim,
    asked: Asked<'_>,
    secret: &str,
) -> Result<(), S3Error> {
    let canonical = canonical_of(claim, asked, &canonical_path(asked.path));
    let text = text_to_sign(&canonical, &claim.instant, claim.scope());
    if is_signed(claim, &text, secret) {
        return Ok(());
    }
    // Some clients sign the path as they send it, with characters that AWS would encode. It is the same path.
    let as_sent = canonical_of(claim, asked, asked.path);
    let as_sent = text_to_sign(&as_sent, &claim.instant, claim.scope());
    if is_signed(claim, &as_sent, secret) {
        return Ok(());
    }
    Err(S3Error::of(Code::SignatureDoesNotMatch)
        .with("AWSAccessKeyId", &claim.access_key)
        .with("StringToSign", text)
        .with("CanonicalRequest", canonical))
}

/// Compares signatures without a hint by time.
fn is_signed(claim: &Claim, text: &str, secret: &str) -> bool {
    let wanted = signature(text, claim.scope(), secret);
    blake3::hash(wanted.as_bytes()) == blake3::hash(claim.signature.as_bytes())
}

fn canonical_of(claim: &Claim, asked: Asked<'_>, path: &str) -> String {
    let values = claim
        .signed_headers
        .iter()
        .map(|name| header_value(asked, name));
    let values: Vec<String> = values.collect();
    let names = claim.signed_headers.iter().map(String::as_str);
    let headers: Vec<(&str, &str)> = names.zip(values.iter().map(String::as_str)).collect();
    let covered = Covered {
        method: asked.method,
        path,
        query: &canonical_query(asked.query, claim.is_presigned()),
        headers: &headers,
        payload: &claim.payload,
    };
    covered.canonical()
}

/// Returns the path, encoded once, as S3 has it: other services encode it twice.
fn canonical_path(raw: &str) -> String {
    let parts = raw
        .split('/')
        .map(|part| match String::from_utf8(percent_decoded(part)) {
            Ok(text) => percent_encoded(&text, true),
            Err(_) => part.to_owned(),
        });
    parts.collect::<Vec<_>>().join("/")
}

fn canonical_query(query: &[(String, String)], is_presigned: bool) -> String {
    let covered = query
        .iter()
        .filter(|(name, _)| !is_presigned || name != "X-Amz-Signature");
    let mut pairs: Vec<(String, String)> = covered
        .map(|(name, value)| (percent_encoded(name, false), percent_encoded(value, false)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// Returns the values of a header, trimmed, with one blank for each run of them.
fn header_value(asked: Asked<'_>, name: &str) -> String {
    let values = asked.headers.get_all(name).into_iter().map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        let words: Vec<&str> = text
            .split([' ', '\t'])
            .filter(|word| !word.is_empty())
            .collect();
        words.join(" ")
    });
    values.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;
