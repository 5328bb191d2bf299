//! Wrapping of the file key: for an X25519 recipient and for a passphrase.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::AeadInOut as _;
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::KeyInit as _;
use x25519_dalek::PublicKey;
use x25519_dalek::SharedSecret;
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

use crate::age_format::AgeError;
use crate::age_format::FILE_KEY_BYTES;
use crate::age_format::FileKey;
use crate::age_format::Identity;
use crate::age_format::Recipient;
use crate::age_format::SymmetricKey;
use crate::age_format::TAG_BYTES;
use crate::age_format::derive;
use crate::age_format::header::Stanza;
use crate::age_format::header::decode_exact;
use crate::wire::limits::AGE_WORK_FACTOR_MAX;

const X25519: &str = "X25519";
const X25519_INFO: &[u8] = b"age-encryption.org/v1/X25519";
pub(super) const SCRYPT: &str = "scrypt";
const SCRYPT_LABEL: &[u8] = b"age-encryption.org/v1/scrypt";
/// Bytes of the salt of a passphrase.
pub(super) const SALT_BYTES: usize = 16;
const WRAPPED_BYTES: usize = FILE_KEY_BYTES + TAG_BYTES;
/// A wrapping key encrypts once, so the format fixes the nonce.
const NONCE: [u8; 12] = [0; 12];

/// Wraps a file key for a recipient, by 32 fresh random bytes.
pub(super) fn wrap_for_recipient(
    file_key: &FileKey,
    recipient: &Recipient,
    ephemeral: &Zeroizing<[u8; 32]>,
) -> Result<Stanza, AgeError> {
    let ephemeral = StaticSecret::from(**ephemeral);
    let share = PublicKey::from(&ephemeral);
    let shared = ephemeral.diffie_hellman(&recipient.0);
    let key = x25519_key(&shared, &share, recipient).ok_or(AgeError::Derivation)??;
    Ok(Stanza {
        arguments: vec![X25519.to_owned(), STANDARD_NO_PAD.encode(share.as_bytes())],
        body: wrap(file_key, &key)?,
    })
}

/// Unwraps a file key by an identity; `None` if the stanza is for somebody else.
pub(super) fn unwrap_by_identity(
    stanza: &Stanza,
    identity: &Identity,
) -> Result<Option<FileKey>, AgeError> {
    if stanza.kind() != X25519 {
        return Ok(None);
    }
    let [_, share] = stanza.arguments.as_slice() else {
        return Err(AgeError::Header);
    };
    let share = PublicKey::from(decode_exact::<32>(share).ok_or(AgeError::Header)?);
    let wrapped = wrapped_key(stanza)?;
    let shared = identity.0.diffie_hellman(&share);
    let key = x25519_key(&shared, &share, &identity.recipient()).ok_or(AgeError::Header)??;
    Ok(unwrap(wrapped, &key))
}

/// Derives the wrapping key; `None` if the shared secret is zero, which the format forbids.
fn x25519_key(
    shared: &SharedSecret,
    share: &PublicKey,
    recipient: &Recipient,
) -> Option<Result<SymmetricKey, AgeError>> {
    let salt = [share.as_bytes().as_slice(), recipient.0.as_bytes()].concat();
    let is_fine = shared.was_contributory();
    is_fine.then(|| derive(shared.as_bytes(), &salt, X25519_INFO))
}

/// Wraps a file key under a passphrase, by a fresh random salt.
pub(super) fn wrap_for_passphrase(
    file_key: &FileKey,
    passphrase: &str,
    work_factor: u8,
    salt: &[u8; SALT_BYTES],
) -> Result<Stanza, AgeError> {
    let key = scrypt_key(passphrase, work_factor, salt)?;
    Ok(Stanza {
        arguments: vec![
            SCRYPT.to_owned(),
            STANDARD_NO_PAD.encode(salt),
            work_factor.to_string(),
        ],
        body: wrap(file_key, &key)?,
    })
}

/// Unwraps a file key by a passphrase; `None` if it is the wrong one.
pub(super) fn unwrap_by_passphrase(
    stanza: &Stanza,
    passphrase: &str,
) -> Result<Option<FileKey>, AgeError> {
    if stanza.kind() != SCRYPT {
        return Ok(None);
    }
    let [_, salt, work_factor] = stanza.arguments.as_slice() else {
        return Err(AgeError::Header);
    };
    let salt = decode_exact::<SALT_BYTES>(salt).ok_or(AgeError::Header)?;
    let work_factor = decode_work_factor(work_factor)?;
    let wrapped = wrapped_key(stanza)?;
    let key = scrypt_key(passphrase, work_factor, &salt)?;
    Ok(unwrap(wrapped, &key))
}

/// Decodes a decimal number without sign and leading zeros, up to the limit of work.
fn decode_work_factor(text: &str) -> Result<u8, AgeError> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    if text.is_empty() || !is_decimal || text.starts_with('0') {
        return Err(AgeError::Header);
    }
    match text.parse() {
        Ok(factor) if factor <= AGE_WORK_FACTOR_MAX => Ok(factor),
        _ => Err(AgeError::Work),
    }
}

fn scrypt_key(
    passphrase: &str,
    work_factor: u8,
    salt: &[u8; SALT_BYTES],
) -> Result<SymmetricKey, AgeError> {
    let salt = [SCRYPT_LABEL, salt.as_slice()].concat();
    let params = scrypt::Params::new(work_factor, 8, 1).map_err(|_| AgeError::Derivation)?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(passphrase.as_bytes(), &salt, &params, key.as_mut_slice())
        .map_err(|_| AgeError::Derivation)?;
    Ok(key)
}

/// Returns the body of a stanza. Its length is checked before any key touches it: a longer text could
/// be made to open under several keys.
fn wrapped_key(stanza: &Stanza) -> Result<[u8; WRAPPED_BYTES], AgeError> {
    let body = stanza.body.as_slice();
    body.try_into().map_err(|_| AgeError::Header)
}

fn wrap(file_key: &FileKey, key: &SymmetricKey) -> Result<Vec<u8>, AgeError> {
    let mut wrapped = file_key.to_vec();
    let tag = ChaCha20Poly1305::new((&**key).into())
        .encrypt_inout_detached(&NONCE.into(), &[], wrapped.as_mut_slice().into())
        .map_err(|_| AgeError::Derivation)?;
    wrapped.extend_from_slice(&tag);
    Ok(wrapped)
}

fn unwrap(wrapped: [u8; WRAPPED_BYTES], key: &SymmetricKey) -> Option<FileKey> {
    let (sealed, tag) = wrapped.split_at(FILE_KEY_BYTES);
    let mut file_key = Zeroizing::new([0; FILE_KEY_BYTES]);
    file_key.copy_from_slice(sealed);
    ChaCha20Poly1305::new((&**key).into())
        .decrypt_inout_detached(
            &NONCE.into(),
            &[],
            file_key.as_mut_slice().into(),
            tag.try_into().ok()?,
        )
        .ok()?;
    Some(file_key)
}
