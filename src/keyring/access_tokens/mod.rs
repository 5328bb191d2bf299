//! Access tokens of a home: named secrets of clients that read its datasets over HTTP and S3.
//! Normative: `spec/s3-door.md`.
//!
//! `token.rs` has the values, `file.rs` their file. The secret of a token is derived from a key of the
//! server, so it is in no file.

mod file;
mod token;

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread::JoinHandle;

use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::ident::Alias;
use crate::keyring::KeyringError;
use crate::keyring::access_tokens::file::FileStamp;
use crate::keyring::access_tokens::file::KeptToken;
use crate::keyring::access_tokens::file::read;
use crate::keyring::access_tokens::file::write;
pub use crate::keyring::access_tokens::token::AccessToken;
use crate::keyring::access_tokens::token::SecretHash;
pub use crate::keyring::access_tokens::token::TokenSecret;
use crate::keyring::file_error;
use crate::keyring::fill;
use crate::keyring::made_seed;
use crate::keyring::read_seed;
use crate::locks::lock;

/// File of the tokens, below the home.
const FILE: &str = "tokens.json";
/// Lock of its writers.
const LOCK: &str = "tokens.lock";
/// File of the key that secrets are derived from.
const SERVER_KEY_FILE: &str = "token.key";
/// Seconds between two notes of the use of one token.
const USE_SECONDS: i64 = 900;

/// The access tokens of a home. A running server sees each change at its next request.
pub struct AccessTokens {
    home: PathBuf,
    seen: Mutex<Seen>,
}

/// The last state of the file that was read.
#[derive(Default)]
struct Seen {
    /// The stamp of the file; `None` if it has to be read again.
    stamp: Option<FileStamp>,
    known: Arc<Known>,
    /// The times that a use was last noted, by access key.
    noted: HashMap<String, Timestamp>,
}

/// The tokens of one state of the file.
#[derive(Default)]
struct Known {
    by_secret: HashMap<SecretHash, Arc<AccessToken>>,
    by_key: HashMap<String, (Arc<AccessToken>, SecretHash)>,
    server_key: Option<Zeroizing<[u8; 32]>>,
}

impl AccessTokens {
    /// Opens the tokens of a home. A home without tokens has no file of them.
    ///
    /// # Errors
    /// [`KeyringError`] when the file cannot be read, others may read it, or it is damaged.
    pub fn open(home: &Path) -> Result<Self, KeyringError> {
        let tokens = Self {
            home: home.to_owned(),
            seen: Mutex::default(),
        };
        tokens.read()?;
        Ok(tokens)
    }

    /// Adds a token, and returns it with its secret, which is shown this once. `datasets` are the
    /// references that it is limited to; without any, it is for all.
    ///
    /// # Errors
    /// [`KeyringError::TokenExists`] when the name is taken; others when the files cannot be used.
    pub fn add(
        &self,
        name: &Alias,
        datasets: &[String],
        can_write: bool,
        now: Timestamp,
    ) -> Result<(AccessToken, TokenSecret), KeyringError> {
        let mut noise = [0; 16];
        fill(&mut noise)?;
        let token = AccessToken {
            name: name.to_string(),
            access_key: token::access_key(&noise),
            datasets: datasets.to_vec(),
            can_write,
            created: now,
            last_used: None,
        };
        let secret = self.change(|tokens| {
            if tokens.iter().any(|kept| kept.token.name == token.name) {
                return Err(KeyringError::TokenExists(token.name.clone()));
            }
            let server_key = made_seed(&self.home.join(SERVER_KEY_FILE))?;
            let secret = TokenSecret::derive(&server_key, &token.access_key);
            tokens.push(KeptToken {
                token: token.clone(),
                secret_hash: secret.hash(),
            });
            Ok(secret)
        })?;
        Ok((token, secret))
    }

    /// Returns all tokens in the order of their names.
    ///
    /// # Errors
    /// As [`AccessTokens::open`].
    pub fn list(&self) -> Result<Vec<AccessToken>, KeyringError> {
        let mut tokens: Vec<AccessToken> = self.read()?.into_iter().map(|k| k.token).collect();
        tokens.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tokens)
    }

    /// Removes a token. A running server refuses it from its next request on.
    ///
    /// # Errors
    /// [`KeyringError::NoToken`] when no token has the name; others when the files cannot be used.
    pub fn revoke(&self, name: &Alias) -> Result<AccessToken, KeyringError> {
        self.change(|tokens| {
            let at = tokens.iter().position(|k| k.token.name == name.as_str());
            let at = at.ok_or_else(|| KeyringError::NoToken(name.to_string()))?;
            Ok(tokens.remove(at).token)
        })
    }

    /// Returns the token of a secret that a client presented.
    pub fn by_bearer(&self, presented: &str) -> Option<Arc<AccessToken>> {
        let hash = SecretHash::of(presented);
        self.known().by_secret.get(&hash).cloned()
    }

    /// Returns the token of an access key, with the secret that signs its requests. `None` also for a
    /// token whose secret was derived from another server key.
    pub fn secret_for_signature(
        &self,
        access_key: &str,
    ) -> Option<(Arc<AccessToken>, TokenSecret)> {
        let known = self.known();
        let (token, hash) = known.by_key.get(access_key)?;
        let secret = TokenSecret::derive(known.server_key.as_ref()?, access_key);
        (secret.hash() == *hash).then(|| (Arc::clone(token), secret))
    }

    /// Notes the use of a token. Another thread writes it down, at most once in some minutes.
    pub fn touch(&self, token: &AccessToken, now: Timestamp) {
        // The thread ends on its own.
        drop(self.note_use(token, now));
    }

    fn note_use(&self, token: &AccessToken, now: Timestamp) -> Option<JoinHandle<()>> {
        let is_recent = |at: Timestamp| (0..USE_SECONDS).contains(&now.0.saturating_sub(at.0));
        if token.last_used.is_some_and(is_recent) {
            return None;
        }
        let mut seen = lock(&self.seen);
        if seen
            .noted
            .get(&token.access_key)
            .copied()
            .is_some_and(is_recent)
        {
            return None;
        }
        seen.noted.insert(token.access_key.clone(), now);
        drop(seen);
        let (home, access_key) = (self.home.clone(), token.access_key.clone());
        let work = move || {
            // Tokens work all the same in a home that cannot be written.
            let _ = change_file(&home, |tokens| {
                let used = tokens.iter_mut().find(|k| k.token.access_key == access_key);
                let used = used.ok_or(KeyringError::NoToken(access_key))?;
                used.token.last_used = Some(now);
                Ok(())
            });
        };
        let name = "access-tokens".to_owned();
        std::thread::Builder::new().name(name).spawn(work).ok()
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<KeptToken>) -> Result<T, KeyringError>,
    ) -> Result<T, KeyringError> {
        let changed = change_file(&self.home, change);
        lock(&self.seen).stamp = None;
        changed
    }

    fn read(&self) -> Result<Vec<KeptToken>, KeyringError> {
        read(&self.home.join(FILE)).map(|(tokens, _)| tokens)
    }

    /// Returns the tokens of the present file. A file that cannot be read has none.
    fn known(&self) -> Arc<Known> {
        let path = self.home.join(FILE);
        let mut seen = lock(&self.seen);
        let stamp = FileStamp::of(&path);
        if stamp.is_some() && stamp == seen.stamp {
            return Arc::clone(&seen.known);
        }
        let (known, stamp) = match read(&path) {
            Ok((tokens, stamp)) => (self.known_of(tokens), stamp),
            Err(_) => (Known::default(), None),
        };
        seen.stamp = stamp;
        seen.noted.retain(|key, _| known.by_key.contains_key(key));
        seen.known = Arc::new(known);
        Arc::clone(&seen.known)
    }

    fn known_of(&self, tokens: Vec<KeptToken>) -> Known {
        let mut known = Known::default();
        if !tokens.is_empty() {
            // Without the key, tokens are good for everything but signatures.
            known.server_key = read_seed(&self.home.join(SERVER_KEY_FILE)).ok();
        }
        for KeptToken { token, secret_hash } in tokens {
            let token = Arc::new(token);
            known.by_secret.insert(secret_hash, Arc::clone(&token));
            let key = token.access_key.clone();
            known.by_key.insert(key, (token, secret_hash));
        }
        known
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key of the server is behind the lock.
        let mut shown = f.debug_struct("AccessTokens");
        shown.field("home", &self.home).finish_non_exhaustive()
    }
}

/// Changes the file while no other writer does.
fn change_file<T>(
    home: &Path,
    change: impl FnOnce(&mut Vec<KeptToken>) -> Result<T, KeyringError>,
) -> Result<T, KeyringError> {
    let _turn = take_turn(&home.join(LOCK))?;
    let path = home.join(FILE);
    let (mut tokens, _) = read(&path)?;
    let result = change(&mut tokens)?;
    write(&path, &tokens)?;
    Ok(result)
}

/// Waits for the lock of the writers. It ends with the returned file, or with the process.
fn take_turn(path: &Path) -> Result<File, KeyringError> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let fail = |source| file_error("lock", path, source);
    let file = options.open(path).map_err(fail)?;
    loop {
        match file.lock() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            // Some file systems have no locks.
            Err(e) if e.kind() == io::ErrorKind::Unsupported => return Ok(file),
            locked => return locked.map(|()| file).map_err(fail),
        }
    }
}

#[cfg(test)]
mod tests;
