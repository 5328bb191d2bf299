//! What is believed here: reading and changing `trust.toml`, keeping what publishers state, and
//! how datasets stand.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Brief;
use crate::catalog::Dataset;
use crate::catalog::RegisterKey;
use crate::file_io::IfExists;
use crate::file_io::read_own_text;
use crate::file_io::write_aside;
use crate::ident::EnvelopeId;
use crate::ident::PublisherKey;
use crate::pack::Flags;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::host;
use crate::store::disk::Entry;
use crate::store::disk::WriteSession;
use crate::trust::Action;
use crate::trust::Claim;
use crate::trust::Decision;
use crate::trust::KeyPair;
use crate::trust::Origin;
use crate::trust::PolicyInput;
use crate::trust::SignatureState;
use crate::trust::Statement;
use crate::trust::Trust;
use crate::trust::TrustFile;
use crate::trust::TrustStore;
use crate::trust::VerifiedManifest;
use crate::trust::decide;
use crate::wire::limits::TRUST_FILE_BYTES_MAX;

pub(crate) const TRUST_FILE: &str = "trust.toml";
const TRUST_LOCK: &str = "trust.lock";

/// A dataset, whole or in short, and how it stands here.
#[derive(Clone, Debug)]
pub struct Listed<D = Dataset> {
    /// The dataset.
    pub dataset: D,
    /// What decisions about it rest on.
    pub standing: PolicyInput,
    /// What its publisher is called here; `None` where nobody signed it or nobody knows him.
    pub alias: Option<String>,
    /// Why its publisher has withdrawn it.
    pub withdrawn: Option<String>,
    /// Why its publisher's key is revoked; `None` where it is not, or nobody gave a reason.
    pub revoked: Option<String>,
    /// Its publisher's key.
    pub signer: Option<PublisherKey>,
    /// A person let it in by hand; only known in listings.
    pub accepted: bool,
}

/// Characters of a reason that messages show.
const REASON_CHARS_MAX: usize = 300;

/// The reason for a decision, and behind it why the key is revoked, where that is the reason.
pub(crate) fn with_reason(said: &'static str, revoked: Option<&str>) -> Cow<'static, str> {
    match revoked {
        None => Cow::Borrowed(said),
        Some(why) => {
            let mut shown: String = why.chars().take(REASON_CHARS_MAX).collect();
            if shown.len() < why.len() {
                shown.push('…');
            }
            Cow::Owned(format!("{said}: {shown}"))
        }
    }
}

impl<D> Listed<D> {
    /// The word for its standing.
    pub fn trust(&self) -> Trust {
        self.standing.trust()
    }

    /// Its publisher: by the name here, else by key.
    pub fn publisher(&self) -> Option<String> {
        let key = self.signer?;
        Some(self.alias.clone().unwrap_or_else(|| key.to_hex()))
    }

    /// The same for people: a key's first digits are enough to tell it from others in a list.
    pub fn publisher_short(&self) -> Option<String> {
        let whole = self.publisher()?;
        match self.alias {
            Some(_) => Some(whole),
            None => Some(whole.chars().take(16).chain(['…']).collect()),
        }
    }

    /// Why that may happen or not, as an error message gives it; for a revoked key with the reason that its
    /// publisher gave.
    pub fn reason(&self, action: Action) -> Cow<'static, str> {
        self.with_revocation(self.decide(action).reason)
    }

    /// A reason of the policy, with the reason of the revocation where the key is revoked.
    pub(crate) fn with_revocation(&self, said: &'static str) -> Cow<'static, str> {
        let revoked = self.revoked.as_deref();
        with_reason(said, revoked.filter(|_| self.trust() == Trust::Revoked))
    }

    /// What may happen with it.
    pub fn decide(&self, action: Action) -> Decision {
        decide(&self.standing, action)
    }

    pub(crate) fn new(
        trust: &TrustStore,
        dataset: D,
        claim: Claim<'_>,
        (id, signed, flags): (EnvelopeId, bool, Flags),
    ) -> Self {
        let origin = match flags.foreign {
            true => Origin::Elsewhere,
            false => Origin::Here,
        };
        // What is here was verified when it came in.
        let signature = match signed {
            true => SignatureState::Valid,
            false => SignatureState::None,
        };
        let alias = claim.signer.as_ref().and_then(|key| trust.alias(key));
        let revoked = claim.signer.as_ref().filter(|key| trust.is_revoked(key));
        let revoked = revoked.and_then(|key| trust.revoked_because(key));
        Self {
            standing: trust.standing(&claim, &id, signature, origin),
            alias: alias.map(ToString::to_string),
            withdrawn: trust.withdrawn(&claim).map(str::to_owned),
            revoked: revoked.map(str::to_owned),
            signer: claim.signer,
            accepted: false,
            dataset,
        }
    }
}

impl Listed {
    /// The same in short.
    pub fn brief(&self) -> Listed<Brief> {
        Listed {
            dataset: self.dataset.brief(),
            standing: self.standing,
            alias: self.alias.clone(),
            withdrawn: self.withdrawn.clone(),
            revoked: self.revoked.clone(),
            signer: self.signer,
            accepted: self.accepted,
        }
    }
}

impl LocalRegistry {
    /// What is believed here, now.
    ///
    /// # Errors
    /// [`Error::TrustFile`] when `trust.toml` is not understood: nothing is trusted then.
    pub fn trust(&self) -> Result<TrustStore, Error> {
        let file = self.read_trust_file()?;
        let statements = self
            .store
            .read(|t| Ok::<_, Error>(catalog::statements(t)?))?;
        Ok(TrustStore::new(file, &statements, host::now()))
    }

    /// Changes `trust.toml`; other processes wait, and what people wrote around it stays.
    ///
    /// # Errors
    /// What `change` returns; the file is as it was then.
    pub fn change_trust<T>(
        &self,
        change: impl FnOnce(&mut TrustFile) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _turn = self.store.lock(TRUST_LOCK)?;
        let mut file = self.read_trust_file()?;
        let changed = change(&mut file)?;
        let path = self.trust_path();
        write_aside(
            &path,
            file.encode().as_bytes(),
            Some(0o600),
            IfExists::Replace,
        )
        .map_err(|e| Error::file("write", &path, e))?;
        Ok(changed)
    }

    /// Where `trust.toml` is.
    pub fn trust_path(&self) -> PathBuf {
        self.home().join(TRUST_FILE)
    }

    pub(crate) fn read_trust_file(&self) -> Result<TrustFile, Error> {
        let path = self.trust_path();
        match read_own_text(&path, TRUST_FILE_BYTES_MAX) {
            Ok(text) => TrustFile::parse(&text).map_err(|source| Error::TrustFile { path, source }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(TrustFile::default()),
            Err(e) => Err(Error::file("read", &path, e)),
        }
    }

    /// How a dataset stands.
    pub fn listed(trust: &TrustStore, dataset: Dataset) -> Listed {
        let manifest = dataset.manifest.clone();
        let local = (dataset.envelope_id, dataset.signed, dataset.flags);
        Listed::new(trust, dataset, Claim::from(&manifest), local)
    }

    /// How a manifest from elsewhere stands, whose data may not be here.
    pub(crate) fn listed_elsewhere(trust: &TrustStore, verified: &VerifiedManifest) -> Listed {
        let manifest = verified.manifest().clone();
        let flags = Flags {
            foreign: true,
            ..Flags::default()
        };
        let dataset = Dataset {
            key: RegisterKey::of(&manifest, Origin::Elsewhere),
            envelope_id: verified.envelope().id(),
            signed: manifest.signer.is_some(),
            manifest,
            flags,
        };
        Self::listed(trust, dataset)
    }

    /// Every dataset in short, and how it stands, by name and version.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    pub fn list_in_short(&self) -> Result<Vec<Listed<Brief>>, Error> {
        let trust = self.trust()?;
        let briefs = self.store.read(|t| Ok::<_, Error>(catalog::briefs(t)?))?;
        let accepted = self.accepted_by_hand()?.into_iter();
        let accepted: BTreeSet<_> = accepted.map(|a| (a.key, a.content_id)).collect();
        let listed = briefs.into_iter().map(|b| {
            let (name, version) = (b.name.clone(), b.version.clone());
            let claim = Claim {
                signer: b.signer,
                name: &name,
                version: &version,
                line: b.line,
                content_id: b.content_id,
            };
            let local = (b.envelope_id, b.signed, b.flags);
            let is_accepted = accepted.contains(&(b.signer, b.content_id));
            let mut listed = Listed::new(&trust, b, claim, local);
            listed.accepted = is_accepted && listed.dataset.flags.foreign;
            listed
        });
        Ok(listed.collect())
    }

    /// Keeps a statement whose signatures hold. Whether it is new.
    ///
    /// # Errors
    /// [`Error`] when the store fails.
    pub fn accept_statement(&self, statement: &Statement) -> Result<bool, Error> {
        WriteSession::begin(&self.store)?.commit(|tables, entries| {
            let is_new = catalog::put_statement(tables, statement)?;
            if is_new {
                entries.push(Entry {
                    kind: BlobKind::Statement,
                    bytes: statement.encode().to_vec(),
                    flags: Flags::default(),
                });
            }
            Ok(is_new)
        })
    }

    /// Publishes that a dataset should not be used any more.
    ///
    /// # Errors
    /// [`Error::NotItsPublisher`] when somebody else, or nobody, signed it.
    pub fn withdraw(&self, dataset: &Dataset, by: &KeyPair, reason: &str) -> Result<(), Error> {
        if dataset.manifest.signer != Some(by.public_key()) {
            return Err(Error::NotItsPublisher(dataset.manifest.name.to_string()));
        }
        let statement = Statement::withdraw(by, &dataset.manifest, reason, host::now())?;
        self.accept_statement(&statement).map(drop)
    }

    /// Publishes that a key may be in other hands. Everything here that it signed is vouched for.
    ///
    /// # Errors
    /// [`Error`] when the reason is too long or the store fails.
    pub fn revoke_own(&self, by: &KeyPair, reason: &str) -> Result<Statement, Error> {
        let mut signed: Vec<EnvelopeId> = Vec::new();
        for dataset in self.list()? {
            // What came from elsewhere under this key may be the thief's.
            if dataset.manifest.signer == Some(by.public_key()) && !dataset.flags.foreign {
                signed.push(dataset.envelope_id);
            }
        }
        let statement = Statement::revoke(by, reason, signed, host::now())?;
        self.accept_statement(&statement)?;
        Ok(statement)
    }

    /// Publishes that one key follows another; people elsewhere confirm it.
    ///
    /// # Errors
    /// [`Error`] when both are one key or the store fails.
    pub fn propose_rotation(&self, by: &KeyPair, to: &KeyPair) -> Result<Statement, Error> {
        let statement = Statement::rotate(by, to, host::now())?;
        self.accept_statement(&statement)?;
        Ok(statement)
    }
}
