//! Rotation of the key that a home signs with: a new key is made, the rotation is published, and the
//! new key takes the place of the old one.
//!
//! The steps are ordered so that each may be the last. Before `trust.toml` names the new key, the old
//! key is in force; from then on the new one is. What is left behind is used when the rotation is run
//! again, or removed by [`finish_rotation`], which every command that uses the key calls.

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

use crate::file_io::IfExists;
use crate::file_io::put_in_place;
use crate::file_io::read_own;
use crate::file_io::read_own_text;
use crate::file_io::write_aside;
use crate::ident::Alias;
use crate::ident::PublisherKey;
use crate::keyring;
use crate::keyring::KeyringError;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::trust::KeyPair;
use crate::trust::Publisher;
use crate::trust::TrustFile;
use crate::trust::TrustStore;
use crate::wire::limits::KEY_FILE_BYTES_MAX;
use crate::wire::limits::TRUST_FILE_BYTES_MAX;

const LOCK: &str = "rotation.lock";
/// Digits of the old public key in the name that its file is kept under.
const NAME_DIGITS: usize = 16;

/// A rotation that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The key that is signed with from now on.
    pub key: PublisherKey,
    /// The key before.
    pub previous: PublisherKey,
    /// Where the old secret key is kept, encrypted as it was.
    pub kept: PathBuf,
}

/// What has just been made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The new secret key lies beside the old one.
    NewKeyWritten,
    /// A copy of the old secret key has the name that it keeps.
    OldKeyKept,
    /// The statement that both keys signed is in the store.
    Proposed,
    /// `trust.toml` names the new key. From here on the rotation holds.
    Trusted,
}

impl LocalRegistry {
    /// Replaces the key of a publisher, whose secret half is in the file at `path`, by a new one under
    /// the same passphrase. A rotation that was interrupted is continued with the key that it made.
    ///
    /// # Errors
    /// [`Error::NoPublisher`], [`Error::NotItsPublisher`] when the file holds another key,
    /// [`Error::NotTrusted`] when the key is revoked, and when a file cannot be written. Nothing is
    /// published unless everything that can be checked before is in order.
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
        after: &mut dyn FnMut(Step) -> Result<(), Error>,
    ) -> Result<Rotated, Error> {
        let _turn = self.exclusive(LOCK)?;
        let path = &path.canonicalize().map_err(|e| key_file("read", path, e))?;
        if let Some(finished) = finish_rotation(self.home(), path)? {
            return Ok(finished);
        }
        let believed = self.trust()?;
        let unknown = || Error::NoPublisher(name.to_string());
        let held = believed.file().get(name).cloned().ok_or_else(unknown)?;
        let found = keyring::locked(path)?.public_key();
        match found == held.key {
            true => {}
            false if held.previous.contains(&found) => {
                return Err(Error::Superseded {
                    name: name.to_string(),
                    key: found,
                    by: held.key,
                });
            }
            false => return Err(Error::NotItsPublisher(name.to_string())),
        }
        refuse_revoked(&believed, name, &[held.key])?;
        let old = KeyPair::load(path, passphrase)?;
        let next = next_of(path);
        // One that an interrupted rotation made may have been proposed already.
        let begun = match keyring::is_taken(&next) {
            true => KeyPair::load(&next, passphrase).ok(),
            false => None,
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
        after(Step::NewKeyWritten)?;
        let kept = keep_aside(path, &held.key)?;
        after(Step::OldKeyKept)?;
        if !believed.proposed(&held.key).contains(&new.public_key()) {
            self.propose_rotation(&old, &new)?;
        }
        after(Step::Proposed)?;
        self.change_trust(|file| {
            // Somebody may have changed the entry since it was looked at.
            match file.get(name) {
                Some(now) if *now == held => Ok(file.put(rotated)?),
                _ => Err(Error::Changed(self.trust_path())),
            }
        })?;
        after(Step::Trusted)?;
        swap(&next, path)?;
        Ok(Rotated {
            key: new.public_key(),
            previous: held.key,
            kept,
        })
    }

    /// Confirms that a publisher has a new key, and publishes it where both key pairs are given.
    /// Whether a statement that both keys signed is here.
    ///
    /// # Errors
    /// As [`LocalRegistry::rotate_own`]; everything is checked before anything is published.
    pub fn rotate(
        &self,
        name: &Alias,
        new_key: PublisherKey,
        pairs: Option<(&KeyPair, &KeyPair)>,
    ) -> Result<bool, Error> {
        let believed = self.trust()?;
        let unknown = || Error::NoPublisher(name.to_string());
        let held = believed.file().get(name).cloned().ok_or_else(unknown)?;
        if let Some((old, new)) = pairs
            && (old.public_key() != held.key || new.public_key() != new_key)
        {
            return Err(Error::NotItsPublisher(name.to_string()));
        }
        refuse_revoked(&believed, name, &[held.key, new_key])?;
        let rotated = followed_by(&held, new_key);
        let mut file = believed.file().clone();
        // Whoever has the new secret key may have given it a name of its own when it was made.
        let own_name = file.by_key(&new_key).map(|p| p.name.clone());
        let own_name = own_name.filter(|own| pairs.is_some() && own != name);
        if let Some(own) = &own_name {
            file.remove(own);
        }
        check(&file, &rotated)?;
        if let Some((old, new)) = pairs {
            self.propose_rotation(old, new)?;
        }
        self.change_trust(|file| {
            if let Some(own) = &own_name {
                file.remove(own);
            }
            match file.get(name) {
                Some(now) if *now == held => Ok(file.put(rotated)?),
                _ => Err(Error::Changed(self.trust_path())),
            }
        })?;
        Ok(pairs.is_some() || believed.proposed(&held.key).contains(&new_key))
    }
}

/// Finishes a rotation that was interrupted after `trust.toml` named the new key: puts the new key in
/// the place of the old one. What it did; `None` where there was nothing to finish.
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
    // A file that is damaged was not finished when the rotation stopped: the old key is in force.
    let (Ok(old), Ok(new)) = (keyring::locked(&path), keyring::locked(&next)) else {
        return Ok(None);
    };
    let (old, new) = (old.public_key(), new.public_key());
    let trust_path = home.join(crate::registry::publishing::trust::TRUST_FILE);
    let file = match read_own_text(&trust_path, TRUST_FILE_BYTES_MAX) {
        Ok(text) => TrustFile::parse(&text).map_err(|source| Error::TrustFile {
            path: trust_path,
            source,
        })?,
        Err(_) => return Ok(None),
    };
    let follows = |p: &Publisher| p.key == new && p.previous.contains(&old);
    if !file.by_key(&new).is_some_and(follows) {
        return Ok(None);
    }
    let kept = keep_aside(&path, &old)?;
    swap(&next, &path)?;
    Ok(Some(Rotated {
        key: new,
        previous: old,
        kept,
    }))
}

/// A publisher after a rotation.
fn followed_by(held: &Publisher, key: PublisherKey) -> Publisher {
    let mut previous = held.previous.clone();
    previous.push(held.key);
    Publisher {
        key,
        previous,
        ..held.clone()
    }
}

/// Whether the trust file takes a publisher and can be read again then.
fn check(file: &TrustFile, rotated: &Publisher) -> Result<(), Error> {
    let mut trial = file.clone();
    trial.put(rotated.clone())?;
    TrustFile::parse(&trial.encode())?;
    Ok(())
}

fn refuse_revoked(believed: &TrustStore, name: &Alias, keys: &[PublisherKey]) -> Result<(), Error> {
    match keys.iter().find(|key| believed.is_revoked(key)) {
        None => Ok(()),
        Some(key) => Err(Error::NotTrusted {
            dataset: name.to_string(),
            reason: crate::registry::publishing::trust::with_reason(
                "a key that is revoked neither follows nor is followed",
                believed.revoked_because(key),
            ),
        }),
    }
}

/// Where the new key lies until it takes the place of the old one.
fn next_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".next");
    PathBuf::from(name)
}

/// Copies the file of the old key, encrypted as it is, beside it: `key-0123456789abcdef.enc`.
fn keep_aside(path: &Path, key: &PublisherKey) -> Result<PathBuf, Error> {
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
    write_aside(&kept, &bytes, Some(0o600), IfExists::Replace)
        .map_err(|e| key_file("write", &kept, e))?;
    Ok(kept)
}

/// Gives the new key the name of the old one, durably.
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
