//! Encryption of a whole file.

use std::io;
use std::io::Write;

use zeroize::Zeroizing;

use crate::age_format::AgeError;
use crate::age_format::FILE_KEY_BYTES;
use crate::age_format::Recipient;
use crate::age_format::StreamWriter;
use crate::age_format::header::Header;
use crate::age_format::stanzas::SALT_BYTES;
use crate::age_format::stanzas::wrap_for_passphrase;
use crate::age_format::stanzas::wrap_for_recipient;
use crate::age_format::stream::NONCE_BYTES;

/// A source of random bytes that nobody can guess.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]) -> io::Result<()>;

/// The keys that open a file.
#[derive(Clone, Copy)]
pub enum Recipients<'a> {
    /// The identity of any of these.
    Keys(&'a [Recipient]),
    /// One passphrase and nothing else.
    Passphrase {
        /// The passphrase.
        text: &'a str,
        /// The work of one guess, as a power of two.
        work_factor: u8,
    },
}

/// Writes a header and returns a writer for the payload.
///
/// # Errors
/// [`AgeError::Recipients`] without recipients or with too many, [`AgeError::Derivation`] and
/// [`AgeError::Io`].
pub fn encrypt<W: Write>(
    mut output: W,
    recipients: Recipients<'_>,
    random: Random<'_>,
) -> Result<StreamWriter<W>, AgeError> {
    let mut file_key = Zeroizing::new([0; FILE_KEY_BYTES]);
    random(file_key.as_mut_slice())?;
    let stanzas = match recipients {
        Recipients::Keys(keys) => keys
            .iter()
            .map(|recipient| {
                let mut ephemeral = Zeroizing::new([0; 32]);
                random(ephemeral.as_mut_slice())?;
                wrap_for_recipient(&file_key, recipient, &ephemeral)
            })
            .collect::<Result<Vec<_>, AgeError>>()?,
        Recipients::Passphrase { text, work_factor } => {
            let mut salt = [0; SALT_BYTES];
            random(&mut salt)?;
            vec![wrap_for_passphrase(&file_key, text, work_factor, &salt)?]
        }
    };
    output.write_all(&Header::encode(&stanzas, &file_key)?)?;
    let mut nonce = [0; NONCE_BYTES];
    random(&mut nonce)?;
    output.write_all(&nonce)?;
    StreamWriter::new(output, &file_key, &nonce)
}
