//! A certificate that signs itself (RFC 5280), in DER (X.690). It writes; it reads nothing.

use std::net::IpAddr;

use time::OffsetDateTime;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
/// ecdsa-with-SHA256, 1.2.840.10045.4.3.2.
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// subjectAltName, 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// extKeyUsage, 2.5.29.37.
const EXT_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
/// id-kp-serverAuth, 1.3.6.1.5.5.7.3.1.
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];

/// The statements of a certificate.
pub(super) struct Statements<'a> {
    /// A positive number that no other certificate of the same name has.
    pub(super) serial: [u8; 16],
    pub(super) names: &'a [String],
    pub(super) addresses: &'a [IpAddr],
    pub(super) from: OffsetDateTime,
    pub(super) to: OffsetDateTime,
    /// SubjectPublicKeyInfo of a key of P-256.
    pub(super) public_key: &'a [u8],
}

/// Returns a value with its tag and its length.
fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if let Some(short) = u8::try_from(length).ok().filter(|n| *n < 128) {
        out.push(short);
    } else {
        // The most significant byte first, without zeros at the front.
        let bytes = (0..8)
            .rev()
            .map(|n| u8::try_from(length >> (8 * n) & 0xff).unwrap_or(0));
        let used: Vec<u8> = bytes.skip_while(|b| *b == 0).collect();
        out.push(0x80 | u8::try_from(used.len()).unwrap_or(8));
        out.extend(used);
    }
    out.extend_from_slice(content);
    out
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    value(SEQUENCE, &parts.concat())
}

fn algorithm() -> Vec<u8> {
    sequence(&[value(OID, ECDSA_SHA256)])
}

/// Returns the subjectAltName extension, by which a file is seen to be for the same names.
pub(super) fn alternative_names(names: &[String], addresses: &[IpAddr]) -> Vec<u8> {
    let dns = names.iter().map(|name| value(0x82, name.as_bytes()));
    let ip = addresses.iter().map(|ip| match ip {
        IpAddr::V4(ip) => value(0x87, &ip.octets()),
        IpAddr::V6(ip) => value(0x87, &ip.octets()),
    });
    extension(
        SUBJECT_ALT_NAME,
        &sequence(&dns.chain(ip).collect::<Vec<_>>()),
    )
}

fn extension(id: &[u8], content: &[u8]) -> Vec<u8> {
    sequence(&[value(OID, id), value(0x04, content)])
}

/// UTCTime up to 2049, and GeneralizedTime from then on.
fn time(at: OffsetDateTime) -> Vec<u8> {
    let (month, day) = (u8::from(at.month()), at.day());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    match at.year() {
        year @ 1950..=2049 => value(0x17, format!("{:02}{rest}", year % 100).as_bytes()),
        year => value(0x18, format!("{year:04}{rest}").as_bytes()),
    }
}

/// Returns the part that is signed.
pub(super) fn to_be_signed(statements: &Statements<'_>) -> Vec<u8> {
    let s = statements;
    let common = sequence(&[value(OID, COMMON_NAME), value(0x0c, b"alimentar node")]);
    let name = sequence(&[value(SET, &common)]);
    let mut serial = s.serial;
    // Positive, and without zeros at the front.
    serial[0] = serial[0] & 0x7f | 0x40;
    let usage = extension(EXT_KEY_USAGE, &sequence(&[value(OID, SERVER_AUTH)]));
    let extensions = sequence(&[alternative_names(s.names, s.addresses), usage]);
    sequence(&[
        // Version 3.
        value(0xa0, &value(0x02, &[2])),
        value(0x02, &serial),
        algorithm(),
        name.clone(),
        sequence(&[time(s.from), time(s.to)]),
        name,
        s.public_key.to_vec(),
        value(0xa3, &extensions),
    ])
}

/// Returns the certificate of a part and its signature.
pub(super) fn certificate(signed: &[u8], signature: &[u8]) -> Vec<u8> {
    // No bit of the last byte is unused.
    let bits = [&[0], signature].concat();
    sequence(&[signed.to_vec(), algorithm(), value(0x03, &bits)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_has_as_many_bytes_as_it_needs() {
        assert_eq!(value(4, &[7]), [4, 1, 7]);
        assert_eq!(value(4, &[0; 127])[..2], [4, 127]);
        assert_eq!(value(4, &[0; 128])[..3], [4, 0x81, 128]);
        assert_eq!(value(4, &[0; 300])[..4], [4, 0x82, 1, 44]);
    }

    #[test]
    fn time_changes_its_form_in_2050() {
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        assert_eq!(
            time(at(784_111_777)),
            [&[0x17, 13], b"941106084937Z".as_slice()].concat()
        );
        assert_eq!(
            time(at(2_524_608_000)),
            [&[0x18, 15], b"20500101000000Z".as_slice()].concat()
        );
    }
}
