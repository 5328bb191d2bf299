//! The text in front of the payload: a version, a stanza for each recipient and a MAC.

use std::io::BufRead;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use sha2::Sha256;

use crate::age_format::AgeError;
use crate::age_format::FileKey;
use crate::age_format::derive;
use crate::wire::limits::AGE_HEADER_BYTES_MAX;
use crate::wire::limits::AGE_LINE_BYTES_MAX;
use crate::wire::limits::AGE_STANZAS_MAX;

/// The first bytes of an age file.
pub const MAGIC: &[u8] = crate::wire::AGE_MAGIC;
const STANZA_PREFIX: &[u8] = b"-> ";
const MAC_PREFIX: &[u8] = b"---";
const MAC_INFO: &[u8] = b"header";
const MAC_BYTES: usize = 32;
/// Characters of base64 in a full line of a body; a shorter line ends the body.
const BODY_COLUMNS: usize = 64;

/// A wrapped file key, or an unknown extension of the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stanza {
    /// The type, and arguments that depend on it.
    pub(super) arguments: Vec<String>,
    /// Bytes that depend on the type.
    pub(super) body: Vec<u8>,
}

impl Stanza {
    /// Returns the type.
    pub(super) fn kind(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }

    fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(STANZA_PREFIX);
        to.extend_from_slice(self.arguments.join(" ").as_bytes());
        to.push(b'\n');
        let body = STANDARD_NO_PAD.encode(&self.body);
        let mut lines = body.as_bytes().chunks_exact(BODY_COLUMNS);
        for line in lines.by_ref() {
            to.extend_from_slice(line);
            to.push(b'\n');
        }
        // Shorter than a full line, and empty where the body fills its lines.
        to.extend_from_slice(lines.remainder());
        to.push(b'\n');
    }
}

/// A header whose MAC no key has checked yet.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) stanzas: Vec<Stanza>,
    /// The encoded bytes that the MAC covers.
    covered: Vec<u8>,
    mac: [u8; MAC_BYTES],
}

impl Header {
    /// Reads a header and nothing behind it.
    ///
    /// # Errors
    /// [`AgeError::Header`] if it breaks the format or a limit, [`AgeError::Io`].
    pub(super) fn read(input: &mut impl BufRead) -> Result<Self, AgeError> {
        let mut lines = HeaderLines {
            input,
            all: Vec::new(),
        };
        if lines.next()? != MAGIC.strip_suffix(b"\n").unwrap_or(MAGIC) {
            return Err(AgeError::Header);
        }
        let mut stanzas = Vec::new();
        loop {
            let line = lines.next()?;
            if let Some(arguments) = line.strip_prefix(STANZA_PREFIX) {
                if stanzas.len() == AGE_STANZAS_MAX {
                    return Err(AgeError::Header);
                }
                let arguments = decode_arguments(arguments)?;
                let body = read_body(&mut lines)?;
                stanzas.push(Stanza { arguments, body });
                continue;
            }
            let mac = line.strip_prefix(MAC_PREFIX);
            let mac = mac.and_then(|rest| rest.strip_prefix(b" "));
            let mac = mac.and_then(decode_exact).ok_or(AgeError::Header)?;
            if stanzas.is_empty() {
                return Err(AgeError::Header);
            }
            let end = lines.all.len() - (line.len() + 1) + MAC_PREFIX.len();
            let mut covered = lines.all;
            covered.truncate(end);
            return Ok(Self {
                stanzas,
                covered,
                mac,
            });
        }
    }

    /// Encodes a header under a new MAC.
    ///
    /// # Errors
    /// [`AgeError::Recipients`] without stanzas or with too many, [`AgeError::Derivation`].
    pub(super) fn encode(stanzas: &[Stanza], key: &FileKey) -> Result<Vec<u8>, AgeError> {
        if stanzas.is_empty() || stanzas.len() > AGE_STANZAS_MAX {
            return Err(AgeError::Recipients);
        }
        let mut bytes = MAGIC.to_vec();
        stanzas.iter().for_each(|stanza| stanza.encode(&mut bytes));
        bytes.extend_from_slice(MAC_PREFIX);
        let mac = mac_of(&bytes, key)?.finalize().into_bytes();
        bytes.push(b' ');
        bytes.extend_from_slice(STANDARD_NO_PAD.encode(mac).as_bytes());
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Checks the MAC, in a time that does not depend on its bytes.
    ///
    /// # Errors
    /// [`AgeError::Mac`] if it differs, [`AgeError::Derivation`].
    pub(super) fn check_mac(&self, key: &FileKey) -> Result<(), AgeError> {
        let mac = mac_of(&self.covered, key)?;
        mac.verify_slice(&self.mac).map_err(|_| AgeError::Mac)
    }
}

fn mac_of(covered: &[u8], key: &FileKey) -> Result<Hmac<Sha256>, AgeError> {
    let key = derive(key.as_slice(), &[], MAC_INFO)?;
    let mac = Hmac::<Sha256>::new_from_slice(key.as_slice());
    let mut mac = mac.map_err(|_| AgeError::Derivation)?;
    mac.update(covered);
    Ok(mac)
}

/// Reads lines and keeps their bytes.
struct HeaderLines<'a, R> {
    input: &'a mut R,
    all: Vec<u8>,
}

impl<R: BufRead> HeaderLines<'_, R> {
    /// Returns the next line without its line feed.
    fn next(&mut self) -> Result<Vec<u8>, AgeError> {
        let mut line = Vec::new();
        let limit = AGE_LINE_BYTES_MAX as u64 + 1;
        let mut bounded = self.input.by_ref().take(limit);
        bounded.read_until(b'\n', &mut line)?;
        self.all.extend_from_slice(&line);
        // Without a line feed, the file ends or the line is too long.
        if line.pop() != Some(b'\n') || self.all.len() > AGE_HEADER_BYTES_MAX {
            return Err(AgeError::Header);
        }
        Ok(line)
    }
}

/// Splits the arguments of a stanza: printable ASCII, one space between two.
fn decode_arguments(text: &[u8]) -> Result<Vec<String>, AgeError> {
    let is_argument = |a: &[u8]| !a.is_empty() && a.iter().all(u8::is_ascii_graphic);
    text.split(|byte| *byte == b' ')
        .map(|argument| match is_argument(argument) {
            true => String::from_utf8(argument.to_vec()).map_err(|_| AgeError::Header),
            false => Err(AgeError::Header),
        })
        .collect()
}

/// Reads a body: full lines of base64 and one shorter line.
fn read_body<R: BufRead>(lines: &mut HeaderLines<'_, R>) -> Result<Vec<u8>, AgeError> {
    let mut text = Vec::new();
    loop {
        let line = lines.next()?;
        if line.len() > BODY_COLUMNS {
            return Err(AgeError::Header);
        }
        text.extend_from_slice(&line);
        if line.len() < BODY_COLUMNS {
            break;
        }
    }
    // The engine rejects padding and encodings that are not canonical.
    let body = STANDARD_NO_PAD.decode(&text);
    body.map_err(|_| AgeError::Header)
}

/// Decodes canonical base64 of exactly `N` bytes.
pub(super) fn decode_exact<const N: usize>(text: impl AsRef<[u8]>) -> Option<[u8; N]> {
    let text = text.as_ref();
    if text.len() != (N * 4).div_ceil(3) {
        return None;
    }
    STANDARD_NO_PAD.decode(text).ok()?.try_into().ok()
}
