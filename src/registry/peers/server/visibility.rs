//! What a peer may see. Looked up anew for every request, so that unsharing, withdrawing and
//! revoking count at once.

use crate::catalog;
use crate::catalog::Brief;
use crate::catalog::Dataset;
use crate::ident::EnvelopeId;
use crate::pack::Flags;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::publishing::trust::Listed;
use crate::trust::Action;
use crate::trust::Trust;
use crate::trust::Verdict;

/// What a node shows to peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Showing {
    /// Also what was made here and is not signed.
    pub unsigned: bool,
}

impl Showing {
    /// Whether peers may see a dataset.
    fn admits<D>(self, listed: &Listed<D>, flags: Flags) -> bool {
        if flags.private || listed.withdrawn.is_some() || listed.trust() == Trust::Revoked {
            return false;
        }
        let local = self.unsigned && listed.trust() == Trust::Local;
        flags.shared || local || listed.decide(Action::Share).verdict == Verdict::Accept
    }
}

impl LocalRegistry {
    /// What peers may see, in short.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    pub fn shown(&self, showing: Showing) -> Result<Vec<Brief>, Error> {
        let listed = self.list_in_short()?.into_iter();
        let shown = listed.filter(|l| showing.admits(l, l.dataset.flags));
        Ok(shown.map(|l| l.dataset).collect())
    }

    /// The dataset whose winning manifest this is, where peers may see it.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    pub(crate) fn shown_by_envelope(
        &self,
        id: &EnvelopeId,
        showing: Showing,
    ) -> Result<Option<Dataset>, Error> {
        // Manifests of a peer's choosing: one that is not here is no damage.
        let held = self
            .store
            .read(|t| Ok::<_, Error>(catalog::by_envelope(t, id)?))?;
        let Some(dataset) = held else {
            return Ok(None);
        };
        let listed = Self::listed(&self.trust()?, dataset);
        let flags = listed.dataset.flags;
        Ok(showing.admits(&listed, flags).then_some(listed.dataset))
    }
}
