//! Signature Version 4 of AWS for the service S3: the computation that signing and checking share.
//! Pure.

use std::fmt;

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Digest;
use sha2::Sha256;
use time::OffsetDateTime;

use crate::clock::Timestamp;
use crate::ident::to_hex;

/// Name of the algorithm.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// SHA-256 of nothing, for requests without a body.
pub(crate) const EMPTY_BODY: &str =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The parts of a request that a signature covers.
#[derive(Clone, Debug)]
pub(crate) struct Covered<'a> {
    /// The method in capitals.
    pub(crate) method: &'a str,
    /// The path, percent-encoded once.
    pub(crate) path: &'a str,
    /// The query, encoded and sorted.
    pub(crate) query: &'a str,
    /// Headers in the order of the signature: names in lower case, values trimmed.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// SHA-256 of the body in hexadecimal, or a word in its place.
    pub(crate) payload: &'a str,
}

impl Covered<'_> {
    /// Returns the names of the headers as signatures list them.
    pub(crate) fn names(&self) -> String {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        names.join(";")
    }

    /// Returns the canonical form of the request.
    pub(crate) fn canonical(&self) -> String {
        let headers = self.headers.iter();
        let lines: String = headers.map(|(n, v)| format!("{n}:{v}\n")).collect();
        format!(
            "{}\n{}\n{}\n{lines}\n{}\n{}",
            self.method,
            self.path,
            self.query,
            self.names(),
            self.payload
        )
    }
}

/// Day and region in which a key may sign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// The day, as `20130524`.
    pub(crate) date: &'a str,
    /// The region.
    pub(crate) region: &'a str,
}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/s3/aws4_request", self.date, self.region)
    }
}

/// Returns the text that a signature signs: the time, the scope and the hash of the canonical request.
pub(crate) fn text_to_sign(canonical: &str, instant: &str, scope: Scope<'_>) -> String {
    let digest = to_hex(&Sha256::digest(canonical.as_bytes()));
    format!("{ALGORITHM}\n{instant}\n{scope}\n{digest}")
}

/// Returns the signature of a text in hexadecimal.
pub(crate) fn signature(text: &str, scope: Scope<'_>, secret: &str) -> String {
    let first = format!("AWS4{secret}");
    let steps = [scope.date, scope.region, "s3", "aws4_request", text];
    let key = steps
        .iter()
        .fold(first.into_bytes(), |key, step| mac(&key, step));
    to_hex(&key)
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Returns the day and the second in the forms of signatures: `20130524`, `20130524T000000Z`.
pub(crate) fn dates(now: Timestamp) -> (String, String) {
    let at = OffsetDateTime::from_unix_timestamp(now.0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let date = format!("{:04}{:02}{:02}", at.year(), u8::from(at.month()), at.day());
    let instant = format!(
        "{date}T{:02}{:02}{:02}Z",
        at.hour(),
        at.minute(),
        at.second()
    );
    (date, instant)
}

/// Returns the time of such a second; `None` for a text of another form.
#[cfg(any(feature = "doors", test))]
pub(crate) fn time_of(instant: &str) -> Option<Timestamp> {
    let part = |from: usize, to: usize| instant.get(from..to);
    let is_formed = instant.len() == 16 && part(8, 9)? == "T" && part(15, 16)? == "Z";
    let digits = [part(0, 8)?, part(9, 15)?].concat();
    if !is_formed || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(9, 11)?, part(11, 13)?, part(13, 15)?);
    Timestamp::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_of_a_signature_is_read_as_it_was_written() {
        let at = Timestamp::parse_rfc3339("2013-05-24T01:02:03Z").unwrap();
        let (date, instant) = dates(at);
        assert_eq!(
            (date.as_str(), instant.as_str()),
            ("20130524", "20130524T010203Z")
        );
        assert_eq!(time_of(&instant), Some(at));
        for wrong in [
            "",
            "20130524",
            "20130524T010203",
            "20131324T010203Z",
            "+0130524T010203Z",
            "2013052éT010203Z",
        ] {
            assert_eq!(time_of(wrong), None, "{wrong}");
        }
    }
}
