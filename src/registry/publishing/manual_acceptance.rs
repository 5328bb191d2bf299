//! The file `accepted`: datasets that a person accepted without trusting their publishers in
//! general.

use std::path::PathBuf;

use crate::clock::Timestamp;
use crate::ident::ContentId;
use crate::ident::PublisherKey;
use crate::manifest::Manifest;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::line_file;
use crate::registry::publishing::trust_settings::TrustSettings;
use crate::wire::limits::ACCEPTED_DATASETS_MAX;

const FILE: &str = "accepted";
const LOCK: &str = "accepted.lock";
const HEAD: &str = "# Datasets that were accepted by hand: publisher or -, when, content, and what it was called then.\n\
# They stand in plain lists, marked; nothing else follows from it.\n";

/// A dataset that a person accepted, and whose publisher is not trusted in general.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedByHand {
    /// The key that signed it; `None` if it is unsigned.
    pub key: Option<PublisherKey>,
    /// Time of the last acceptance.
    pub at: Timestamp,
    /// Content id.
    pub content_id: ContentId,
    /// `name@version` at that time.
    pub dataset: String,
}

impl TrustSettings<'_> {
    /// Returns the datasets that were accepted by hand, oldest first.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read or a line cannot be parsed.
    pub fn accepted_by_hand(&self) -> Result<Vec<AcceptedByHand>, Error> {
        line_file::read(&self.accepted_path(), |line| {
            let mut words = line.splitn(4, ' ');
            let key = match words.next()? {
                "-" => None,
                key => Some(PublisherKey::parse_hex(key)?),
            };
            Some(AcceptedByHand {
                key,
                at: Timestamp::parse_rfc3339(words.next()?)?,
                content_id: ContentId::parse_hex(words.next()?)?,
                dataset: words.next()?.trim().to_owned(),
            })
        })
    }

    /// Records that a person accepted a dataset. Drops the oldest entries over the limit.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read or written.
    pub fn note_accepted(&self, manifest: &Manifest) -> Result<(), Error> {
        let _turn = self.registry.exclusive(LOCK)?;
        let mut accepted = self.accepted_by_hand()?;
        let (key, content_id) = (manifest.signer, manifest.content_id);
        accepted.retain(|a| (a.key, a.content_id) != (key, content_id));
        accepted.push(AcceptedByHand {
            key,
            at: host::now(),
            content_id,
            dataset: format!("{}@{}", manifest.name, manifest.dataset_version),
        });
        let surplus = accepted.len().saturating_sub(ACCEPTED_DATASETS_MAX);
        accepted.drain(..surplus);
        self.write_accepted(&accepted)
    }

    /// Removes the entries of a publisher. Returns true if there were any.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read or written.
    pub fn forget_accepted(&self, key: &PublisherKey) -> Result<bool, Error> {
        let is_its = |a: &AcceptedByHand| a.key == Some(*key);
        if !self.accepted_by_hand()?.iter().any(is_its) {
            return Ok(false);
        }
        let _turn = self.registry.exclusive(LOCK)?;
        let mut accepted = self.accepted_by_hand()?;
        accepted.retain(|a| !is_its(a));
        self.write_accepted(&accepted)?;
        Ok(true)
    }

    fn write_accepted(&self, accepted: &[AcceptedByHand]) -> Result<(), Error> {
        let line = |a: &AcceptedByHand| {
            let key = a.key.map_or_else(|| "-".to_owned(), |k| k.to_hex());
            let (at, id) = (a.at.to_rfc3339(), a.content_id.to_hex());
            format!("{key} {at} {id} {}\n", a.dataset)
        };
        let lines = accepted.iter().map(line);
        let text = HEAD.to_owned() + &lines.collect::<String>();
        line_file::write(&self.accepted_path(), &text)
    }

    fn accepted_path(&self) -> PathBuf {
        self.registry.home().join(FILE)
    }
}
