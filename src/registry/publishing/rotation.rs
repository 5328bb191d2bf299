//! Key rotation of a home: makes a new key, publishes the rotation, and replaces the old key.
//!
//! The steps are ordered so that the program may stop after each. The old key is in force until
//! `trust.toml` names the new one. Leftovers are used when the rotation runs again, or removed by
//! [`finish_rotation`], which every command that uses the key calls.

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

use crate::file_io::IfExists;
use crate::file_io::put_in_place;
use crate::file_io::read_own;
use crate::file_io::read_own_text;
use crate::file_io::write_atomically;
use crate::ident::Alias;
use crate::ident::PublisherKey;
use crate::keyring;
use crate::keyring::KeyringError;
use crate::registry::error::Error;
use crate::registry::error::publisher::PublisherError;
use crate::registry::error::source::SourceError;
use crate::registry::publishing::trust_settings::TrustSettings;
use crate::trust::KeyPair;
use crate::trust::Publisher;
use crate::trust::TrustFile;
use crate::trust::TrustStore;
use crate::wire::limits::KEY_FILE_BYTES_MAX;
use crate::wire::limits::TRUST_FILE_BYTES_MAX;

const LOCK: &str = "rotation.lock";
/// Number of digits of the old public key in the name of its kept file.
const NAME_DIGITS: usize = 16;

/// A completed rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The new key.
    pub key: PublisherKey,
    /// The old key.
    pub previous: PublisherKey,
    /// Path of the old secret key, still encrypted.
    pub kept: PathBuf,
}

/// Steps of a rotation, each durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RotationStep {
    /// The new secret key lies beside the old one.
    NewKeyWritten,
    /// A copy of the old secret key has its final name.
    OldKeyKept,
    /// The statement with both signatures is in the store.
    Proposed,
    /// `trust.toml` names the new key. The rotation is in force.
    Trusted,
}

impl TrustSettings<'_> {
    /// Replaces the key of a publisher, whose secret key is in the file at `path`, by a new one
    /// with the same passphrase. An interrupted rotation continues with the key that it made.
    ///
    /// # Errors
    /// [`PublisherError::NoPublisher`]. [`PublisherError::NotItsPublisher`] when the file contains another key.
    /// [`PublisherError::NotTrusted`] when the key is revoked. [`Error::File`] when a file cannot be
    /// written. All checks come before anything is published.
    pub fn rotate_own(
        &self,
        name: &Alias,
        path: &Path,
        passphrase: &str,
    ) -> Result<Rotated, Error> {
        self.rotate_in_steps(name, path, passphrase, &mut |_| Ok(()))
    }

    pub(crate) fn rotate_in_steps(
        &self,
        name: &Alias,
        path: &Path,
        passphrase: &str,
        after: &mut dyn FnMut(RotationStep) -> Result<(), Error>,
    ) -> Result<Rotated, Error> {
        let _turn = self.registry.exclusive(LOCK)?;
        let path = &path.canonicalize().map_err(|e| key_file("read", path, e))?;
        if let Some(finished) = finish_rotation(self.registry.home(), path)? {
            return Ok(finished);
        }
        let believed = self.store()?;
        let unknown = || Error::Publisher(PublisherError::NoPublisher(name.to_string()));
        let held = believed.file().get(name).cloned().ok_or_else(unknown)?;
        let found = keyring::locked(path)?.public_key();
        match found == held.key {
            true => {}
            false if held.previous.contains(&found) => {
                return Err(Error::Publisher(PublisherError::Superseded {
                    name: name.to_string(),
                    key: found,
                    by: held.key,
                }));
            }
            false => {
                return Err(Error::Publisher(PublisherError::NotItsPublisher(
                    name.to_string(),
                )));
            }
        }
        refuse_revoked(&believed, name, &[held.key])?;
        let old = KeyPair::load(path, passphrase)?;
        let next = next_of(path);
        // An interrupted rotation may have proposed its key already.
        let begun = if keyring::is_taken(&next) {
            KeyPair::load(&next, passphrase).ok()
        } else {
            None
        };
        let is_fit = |pair: &KeyPair| {
            let key = pair.public_key();
            key != held.key && believed.file().by_key(&key).is_none() && !believed.is_revoked(&key)
        };
        let begun = begun.filter(is_fit);
        let is_begun = begun.is_some();
        let new = match begun {
            Some(pair) => pair,
            None => KeyPair::generate()?,
        };
        let rotated = followed_by(&held, new.public_key());
        check(believed.file(), &rotated)?;

        if !is_begun {
            new.save(&next, passphrase, IfExists::Replace)?;
        }
        after(RotationStep::NewKeyWritten)?;
        let kept = keep_old_key(path, &held.key)?;
        after(RotationStep::OldKeyKept)?;
        if !believed.proposed(&held.key).contains(&new.public_key()) {
            self.propose_rotation(&old, &new)?;
        }
        after(RotationStep::Proposed)?;
        self.change(|file| {
            // Another process may have changed the entry since it was read.
            match file.get(name) {
                Some(now) if *now == held => Ok(file.put(rotated)?),
                _ => Err(Error::Source(SourceError::Changed(self.path()))),
            }
        })?;
        after(RotationStep::Trusted)?;
        swap(&next, path)?;
        Ok(Rotated {
            key: new.public_key(),
            previous: held.key,
            kept,
        })
    }

    /// Confirms that a publisher has a new key, and publishes the rotation if both key pairs are
    /// given. Returns true if a statement with both signatures is held.
    ///
    /// # Errors
    /// As [`TrustSettings::rotate_own`]. All checks come before anything is published.
    pub fn rotate(
        &self,
        name: &Alias,
        new_key: PublisherKey,
        pairs: Option<(&KeyPair, &KeyPair)>,
    ) -> Result<bool, Error> {
        let believed = self.store()?;
        let unknown = || Error::Publisher(PublisherError::NoPublisher(name.to_string()));
        let held = believed.file().get(name).cloned().ok_or_else(unknown)?;
        if let Some((old, new)) = pairs
            && (old.public_key() != held.key || new.public_key() != new_key)
        {
            return Err(Error::Publisher(PublisherError::NotItsPublisher(
                name.to_string(),
            )));
        }
        refuse_revoked(&believed, name, &[held.key, new_key])?;
        let rotated = followed_by(&held, new_key);
        let mut file = believed.file().clone();
        // The new key may have got a publisher entry of its own when it was made.
        let own_name = file.by_key(&new_key).map(|p| p.name.clone());
        let own_name = own_name.filter(|own| pairs.is_some() && own != name);
        if let Some(own) = &own_name {
            file.remove(own);
        }
        check(&file, &rotated)?;
        if let Some((old, new)) = pairs {
            self.propose_rotation(old, new)?;
        }
        self.change(|file| {
            if let Some(own) = &own_name {
                file.remove(own);
            }
            match file.get(name) {
                Some(now) if *now == held => Ok(file.put(rotated)?),
                _ => Err(Error::Source(SourceError::Changed(self.path()))),
            }
        })?;
        Ok(pairs.is_some() || believed.proposed(&held.key).contains(&new_key))
    }
}

/// Finishes a rotation that was interrupted after `trust.toml` named the new key: replaces the old
/// key by it. Returns `None` if there was nothing to finish.
///
/// # Errors
/// [`Error`] when a file cannot be read or renamed.
pub fn finish_rotation(home: &Path, path: &Path) -> Result<Option<Rotated>, Error> {
    let Ok(path) = path.canonicalize() else {
        return Ok(None);
    };
    let next = next_of(&path);
    if !keyring::is_taken(&next) {
        return Ok(None);
    }
    // A damaged file is from a rotation that stopped early, so the old key is in force.
    let (Ok(old), Ok(new)) = (keyring::locked(&path), keyring::locked(&next)) else {
        return Ok(None);
    };
    let (old, new) = (old.public_key(), new.public_key());
    let trust_path = home.join(crate::registry::publishing::trust_settings::TRUST_FILE);
    let file = match read_own_text(&trust_path, TRUST_FILE_BYTES_MAX) {
        Ok(text) => TrustFile::parse(&text).map_err(|source| {
            Error::Publisher(PublisherError::TrustFile {
                path: trust_path,
                source,
            })
        })?,
        Err(_) => return Ok(None),
    };
    let follows = |p: &Publisher| p.key == new && p.previous.contains(&old);
    if !file.by_key(&new).is_some_and(follows) {
        return Ok(None);
    }
    let kept = keep_old_key(&path, &old)?;
    swap(&next, &path)?;
    Ok(Some(Rotated {
        key: new,
        previous: old,
        kept,
    }))
}

/// Returns a publisher's entry after a rotation.
fn followed_by(held: &Publisher, key: PublisherKey) -> Publisher {
    let mut previous = held.previous.clone();
    previous.push(held.key);
    Publisher {
        key,
        previous,
        ..held.clone()
    }
}

/// Checks that the trust file takes a publisher and can be parsed afterwards.
fn check(file: &TrustFile, rotated: &Publisher) -> Result<(), Error> {
    let mut trial = file.clone();
    trial.put(rotated.clone())?;
    TrustFile::parse(&trial.encode())?;
    Ok(())
}

fn refuse_revoked(believed: &TrustStore, name: &Alias, keys: &[PublisherKey]) -> Result<(), Error> {
    match keys.iter().find(|key| believed.is_revoked(key)) {
        None => Ok(()),
        Some(key) => Err(Error::Publisher(PublisherError::NotTrusted {
            dataset: name.to_string(),
            reason: crate::archive_check::standing::with_reason(
                "a key that is revoked neither follows nor is followed",
                believed.revoked_because(key),
            ),
        })),
    }
}

/// Returns the path of the new key until it replaces the old one.
fn next_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".next");
    PathBuf::from(name)
}

/// Copies the encrypted file of the old key to a file beside it: `key-0123456789abcdef.enc`.
fn keep_old_key(path: &Path, key: &PublisherKey) -> Result<PathBuf, Error> {
    let digits: String = key.to_hex().chars().take(NAME_DIGITS).collect();
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{digits}"));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    let kept = path.with_file_name(name);
    let bytes = read_own(path, KEY_FILE_BYTES_MAX).map_err(|e| key_file("read", path, e))?;
    if read_own(&kept, KEY_FILE_BYTES_MAX).is_ok_and(|held| held == bytes) {
        return Ok(kept);
    }
    write_atomically(&kept, &bytes, Some(0o600), IfExists::Replace)
        .map_err(|e| key_file("write", &kept, e))?;
    Ok(kept)
}

/// Renames the new key to the name of the old one, durably.
fn swap(next: &Path, path: &Path) -> Result<(), Error> {
    match put_in_place(next, path, IfExists::Replace) {
        // Another process finished the same rotation.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && path.exists() => {}
        done => done.map_err(|e| key_file("write", path, e))?,
    }
    let dir = path.parent().unwrap_or(Path::new("."));
    let synced = std::fs::File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|e| key_file("write", path, e))
}

fn key_file(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    let path = path.to_owned();
    Error::Keyring(KeyringError::File {
        action,
        path,
        source,
    })
}
