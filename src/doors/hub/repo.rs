//! Repositories and revisions, as a visitor sees them.

use std::sync::Arc;

use crate::doors::catalogue::DatasetList;
use crate::doors::hub::refusal::Refusal;
use crate::doors::hub::route::RepoName;
use crate::doors::shown::LOCAL;
use crate::doors::shown::ShownDataset;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;
use crate::ident::ContentId;

/// The commit of a repository without files.
pub(super) const NO_COMMIT: &str = "0000000000000000000000000000000000000000";
/// Digits of a commit of git.
const COMMIT_DIGITS: usize = 40;

/// A repository that a visitor sees.
pub(super) struct Repo {
    pub(super) publisher: String,
    pub(super) name: String,
    list: DatasetList,
}

/// A revision of a repository.
pub(super) enum Revision {
    /// The repository was created, and has no files yet.
    Empty,
    Version(Arc<ShownDataset>),
}

impl Repo {
    /// Finds a repository.
    ///
    /// # Errors
    /// `RepoNotFound` if the visitor sees none of this name, or a name alone belongs to several publishers.
    pub(super) async fn find(
        doors: &Doors,
        visitor: &Visitor,
        asked: &RepoName,
    ) -> Result<Self, Refusal> {
        let list = doors.catalogue.list(visitor).await?;
        let name = asked.name.as_str();
        if let Some(publisher) = &asked.publisher {
            let is_there = match list.versions(publisher, name).first() {
                Some(_) => true,
                None => publisher == LOCAL && is_created(doors, visitor, name),
            };
            if is_there {
                return Ok(Self {
                    publisher: publisher.clone(),
                    name: name.to_owned(),
                    list,
                });
            }
        }
        let mut publishers: Vec<String> = list
            .all()
            .iter()
            .filter(|d| d.name.as_str() == name)
            .map(|d| d.publisher.clone())
            .collect();
        publishers.dedup();
        match (publishers.as_slice(), &asked.publisher) {
            ([only], None) => Ok(Self {
                publisher: only.clone(),
                name: name.to_owned(),
                list,
            }),
            ([], None) => Err(Refusal::no_repo(format!("`{name}` is not here"))),
            ([], Some(publisher)) => {
                let text =
                    format!("`{publisher}/{name}` is not here, or this client may not see it");
                Err(Refusal::no_repo(text))
            }
            (several, _) => {
                let ids: Vec<String> = several.iter().map(|p| format!("`{p}/{name}`")).collect();
                let text = format!("there is no such dataset; there is {}", ids.join(", "));
                Err(Refusal::no_repo(text))
            }
        }
    }

    /// Returns `publisher/name`.
    pub(super) fn id(&self) -> String {
        format!("{}/{}", self.publisher, self.name)
    }

    /// Returns the versions, the newest first.
    pub(super) fn versions(&self) -> &[Arc<ShownDataset>] {
        self.list.versions(&self.publisher, &self.name)
    }

    /// Finds a revision: `main`, a version, a range, an alias, or digits of the content id.
    ///
    /// # Errors
    /// `RevisionNotFound`.
    pub(super) fn revision(&self, text: &str) -> Result<Revision, Refusal> {
        if self.versions().is_empty() && matches!(text, "main" | NO_COMMIT) {
            return Ok(Revision::Empty);
        }
        let found = self.list.revision(&self.publisher, &self.name, text);
        found.map(Revision::Version).ok_or_else(|| {
            let shown: String = text.chars().take(100).collect();
            Refusal::no_revision(format!("`{}` has no revision `{shown}`", self.id()))
        })
    }

    /// Finds a revision that has files.
    ///
    /// # Errors
    /// `RevisionNotFound`, and `EntryNotFound` for a path in a repository without files.
    pub(super) fn version(&self, text: &str, path: &str) -> Result<Arc<ShownDataset>, Refusal> {
        match self.revision(text)? {
            Revision::Version(dataset) => Ok(dataset),
            Revision::Empty => Err(Refusal::no_entry(path, NO_COMMIT)),
        }
    }
}

/// Returns true if the visitor may upload to a dataset that was created.
fn is_created(doors: &Doors, visitor: &Visitor, name: &str) -> bool {
    visitor.may_write_to(name) && doors.uploads.is_created(name)
}

/// Returns the commit that stands for a content.
pub(super) fn commit_of(id: &ContentId) -> String {
    let mut hex = id.to_hex();
    hex.truncate(COMMIT_DIGITS);
    hex
}

/// Returns true if a revision is the id of a content, which never changes.
pub(super) fn is_immutable(revision: &str, id: &ContentId) -> bool {
    revision.len() >= COMMIT_DIGITS && id.to_hex().starts_with(revision)
}
