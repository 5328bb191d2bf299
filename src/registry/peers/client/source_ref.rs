//! Source reference: a peer that is borrowed for one call, or shared with threads that outlive it.

use std::ops::Deref;
use std::sync::Arc;

use crate::protocol::ChunkSource;

/// A borrowed or a shared peer.
#[derive(Clone)]
pub(crate) enum SourceRef<'a> {
    Borrowed(&'a dyn ChunkSource),
    Shared(Arc<dyn ChunkSource>),
}

impl<'a> From<&'a dyn ChunkSource> for SourceRef<'a> {
    fn from(source: &'a dyn ChunkSource) -> Self {
        Self::Borrowed(source)
    }
}

impl From<Arc<dyn ChunkSource>> for SourceRef<'static> {
    fn from(source: Arc<dyn ChunkSource>) -> Self {
        Self::Shared(source)
    }
}

impl<'a> Deref for SourceRef<'a> {
    type Target = dyn ChunkSource + 'a;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Borrowed(source) => *source,
            Self::Shared(source) => &**source,
        }
    }
}
