//! Encryption of archives for removable media, in the age format, so that the standard `age`
//! program opens them. <https://age-encryption.org/v1>

use std::fmt;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::Write;
use std::path::Path;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::age_format;
use crate::age_format::AgeError;
use crate::age_format::Decryptor;
use crate::age_format::Identity;
use crate::age_format::MAGIC;
use crate::age_format::Recipients;
use crate::age_format::StreamWriter;
use crate::file_io::Input;
use crate::file_io::OutputFile;
use crate::file_io::Written;
use crate::file_io::read_given_text;
use crate::keyring::passphrase_spellings;
use crate::registry::error::Error;
use crate::registry::error::transfer::TransferError;
use crate::registry::host;

/// Work factor of scrypt for encryption, as a power of two. It equals that of `age`.
const WORK_FACTOR: u8 = 18;
/// Maximum size of an identity file, in bytes.
pub(super) const IDENTITIES_BYTES_MAX: usize = 1 << 20;
/// Bytes that age adds to a file: its header, and a tag for every 64 KiB.
const HEADER_BYTES: u64 = 512;
const STANZA_BYTES: u64 = 200;

/// Public key that an archive is encrypted to.
#[derive(Clone)]
pub struct Recipient(age_format::Recipient);

impl FromStr for Recipient {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.parse().map(Self);
        parsed.map_err(|_| "an age recipient begins with `age1`".to_owned())
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.0)
    }
}

/// A passphrase, hidden in debug output. The normalised form comes first, followed by other
/// spellings that an archive may have been encrypted with.
#[derive(Clone)]
pub struct Passphrase(Vec<Zeroizing<String>>);

impl Passphrase {
    /// Creates a passphrase from text.
    pub fn new(text: &str) -> Self {
        Self(passphrase_spellings(text))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// Identities and passphrases for encrypted archives.
#[derive(Clone, Default)]
pub struct DecryptionKeys {
    identities: Vec<Identity>,
    passphrase: Option<Passphrase>,
}

impl fmt::Debug for DecryptionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptionKeys({} identities)", self.identities.len())
    }
}

impl DecryptionKeys {
    /// Sets the passphrase.
    pub fn set_passphrase(&mut self, passphrase: Passphrase) {
        self.passphrase = Some(passphrase);
    }

    /// Adds all keys of `other`.
    pub fn add_all(&mut self, other: Self) {
        self.identities.extend(other.identities);
        if self.passphrase.is_none() {
            self.passphrase = other.passphrase;
        }
    }

    /// Returns the public keys of the identities, in order.
    pub(super) fn public_keys(&self) -> Vec<String> {
        let keys = self.identities.iter().map(|i| i.recipient().to_string());
        keys.collect()
    }

    /// Adds the secret keys of a file that `age-keygen` wrote.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read or contains no key.
    pub fn add_file(&mut self, path: &Path) -> Result<(), Error> {
        let fail = |e| Error::file("read", path, e);
        let text = read_given_text(path, IDENTITIES_BYTES_MAX).map_err(fail)?;
        let text = Zeroizing::new(text);
        let before = self.identities.len();
        for line in text.lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let identity = line.trim().parse();
            let none = |_| fail(io::Error::other("a line of it is no age identity"));
            self.identities.push(identity.map_err(none)?);
        }
        if self.identities.len() == before {
            return Err(fail(io::Error::other("it holds no age identity")));
        }
        Ok(())
    }
}

/// A file that is written plain or encrypted.
pub(crate) enum EncryptedWriter {
    Plain(OutputFile),
    Age(Box<StreamWriter<OutputFile>>),
}

impl EncryptedWriter {
    /// Starts the file.
    pub(crate) fn new(
        file: OutputFile,
        recipients: &[Recipient],
        passphrase: Option<&Passphrase>,
    ) -> io::Result<Self> {
        let normal = passphrase.and_then(|p| p.0.first());
        let keys: Vec<age_format::Recipient> = recipients.iter().map(|r| r.0).collect();
        let to = match normal {
            Some(text) => Recipients::Passphrase {
                text,
                work_factor: WORK_FACTOR,
            },
            None if keys.is_empty() => return Ok(Self::Plain(file)),
            None => Recipients::Keys(&keys),
        };
        let encrypted = age_format::encrypt(file, to, &mut host::fill_random);
        let writer = encrypted.map_err(|e| match e {
            AgeError::Io(e) => e,
            other => io::Error::other(other),
        })?;
        Ok(Self::Age(Box::new(writer)))
    }

    /// Ends the file and makes it durable.
    pub(crate) fn finish(self) -> io::Result<Written> {
        match self {
            Self::Plain(file) => file.close(),
            Self::Age(writer) => writer.finish()?.close(),
        }
    }
}

impl Write for EncryptedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Age(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Age(writer) => writer.flush(),
        }
    }
}

/// Returns the number of plain bytes that fit a limit once they are encrypted.
pub(crate) fn room(limit: u64, recipients: usize) -> u64 {
    let stanzas = STANZA_BYTES.saturating_mul(recipients as u64);
    limit
        .saturating_sub(limit / 4000)
        .saturating_sub(HEADER_BYTES + stanzas)
}

/// Returns true if a file is encrypted.
pub(crate) fn is_encrypted(file: &mut File) -> io::Result<bool> {
    let mut begin = Vec::new();
    file.rewind()?;
    file.take(MAGIC.len() as u64).read_to_end(&mut begin)?;
    file.rewind()?;
    Ok(begin == MAGIC)
}

/// Opens a file or stream, and decrypts it if it is encrypted.
pub(crate) fn open(path: &Path, keys: &DecryptionKeys) -> Result<Box<dyn Read + Send>, Error> {
    let fail = |e| Error::file("read", path, e);
    let mut source: Box<dyn Read + Send> = match Input::open(path).map_err(fail)? {
        Input::Plain(file) => Box::new(file),
        Input::Stream(stream) => Box::new(stream),
    };
    // A stream cannot be rewound, so the bytes that were read go before the rest.
    let mut begin = Vec::new();
    let front = source
        .as_mut()
        .take(MAGIC.len() as u64)
        .read_to_end(&mut begin);
    front.map_err(fail)?;
    let is_encrypted = begin == MAGIC;
    let file = io::Cursor::new(begin).chain(source);
    let file = io::BufReader::with_capacity(1 << 20, file);
    if !is_encrypted {
        return Ok(Box::new(file));
    }
    let locked = || Error::Transfer(TransferError::Locked(path.to_owned()));
    let decryptor = Decryptor::new(file).map_err(|_| locked())?;
    let reader = match (decryptor.has_passphrase(), &keys.passphrase) {
        (true, Some(passphrase)) => {
            let spellings = passphrase.0.iter().map(|s| s.as_str());
            decryptor.open_with_passphrases(spellings)
        }
        _ => decryptor.open_with_identities(&keys.identities),
    };
    Ok(Box::new(reader.map_err(|_| locked())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stock `age` takes a passphrase as it is typed, in whichever form the keyboard gives it.
    #[test]
    fn archive_locked_with_another_spelling_of_the_passphrase_opens() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let decomposed = "cafe\u{301}";
        let to = Recipients::Passphrase {
            text: decomposed,
            work_factor: 2,
        };
        let file = File::create(&path).unwrap();
        let mut writer = age_format::encrypt(file, to, &mut host::fill_random).unwrap();
        writer.write_all(b"text").unwrap();
        writer.finish().unwrap();
        let text_of = |passphrase: &str| {
            let mut openers = DecryptionKeys::default();
            openers.set_passphrase(Passphrase::new(passphrase));
            let mut text = String::new();
            open(&path, &openers)?.read_to_string(&mut text).unwrap();
            Ok::<_, Error>(text)
        };
        assert_eq!(text_of(decomposed).unwrap(), "text");
        assert!(matches!(
            text_of("cafe"),
            Err(Error::Transfer(TransferError::Locked(_)))
        ));
    }
}
