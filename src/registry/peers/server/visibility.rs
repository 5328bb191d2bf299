//! Visibility of datasets to peers. It is evaluated for every request, so that unsharing,
//! withdrawing and revoking take effect at once.

use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::DatasetSummary;
use crate::ident::EnvelopeId;
use crate::pack::Flags;
use crate::registry::error::Error;
use crate::registry::peers::Peers;
use crate::registry::publishing::trust::Listed;
use crate::trust::Action;
use crate::trust::Trust;
use crate::trust::Verdict;

/// Selection of datasets that a node shows to peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Showing {
    /// Also show unsigned datasets that were indexed here.
    pub unsigned: bool,
}

impl Showing {
    /// Returns true if peers may see a dataset.
    fn admits<D>(self, listed: &Listed<D>, flags: Flags) -> bool {
        if flags.private || listed.withdrawn.is_some() || listed.trust() == Trust::Revoked {
            return false;
        }
        let local = self.unsigned && listed.trust() == Trust::Local;
        flags.shared || local || listed.decide(Action::Share).verdict == Verdict::Accept
    }
}

impl Peers<'_> {
    /// Returns summaries of the datasets that peers may see.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    pub fn shown(&self, showing: Showing) -> Result<Vec<DatasetSummary>, Error> {
        let shown = self.shown_listed(showing)?.into_iter();
        Ok(shown.map(|l| l.dataset).collect())
    }

    /// Returns the same with their standing under the trust settings.
    ///
    /// # Errors
    /// As [`Peers::shown`].
    pub(crate) fn shown_listed(
        &self,
        showing: Showing,
    ) -> Result<Vec<Listed<DatasetSummary>>, Error> {
        let mut listed = self.registry.publishing().list_summaries()?;
        listed.retain(|l| showing.admits(l, l.dataset.flags));
        Ok(listed)
    }

    /// Returns the dataset whose winning manifest has this envelope, if peers may see it.
    ///
    /// # Errors
    /// [`Error`] when the index or `trust.toml` cannot be read.
    pub(crate) fn shown_by_envelope(
        &self,
        id: &EnvelopeId,
        showing: Showing,
    ) -> Result<Option<Dataset>, Error> {
        // The peer chose the envelope id, so a missing one is no damage.
        let held = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::by_envelope(t, id)?))?;
        let Some(dataset) = held else {
            return Ok(None);
        };
        let listed = Listed::of(&self.registry.trust().store()?, dataset);
        let flags = listed.dataset.flags;
        Ok(showing.admits(&listed, flags).then_some(listed.dataset))
    }
}
