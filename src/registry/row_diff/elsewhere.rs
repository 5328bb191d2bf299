//! Files at a URL as one side of a comparison: read once, cut into the chunks of a dataset, and hashed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chunk::count_newlines;
use crate::chunk::next_cut;
use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::ident::ChunkId;
use crate::ident::ContentId;
use crate::inspect::Describer;
use crate::manifest::ChunkEntry;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::registry::error::Error;
use crate::registry::targets::places::remote_place::RemotePlace;
use crate::remote::Found;
use crate::remote::Remote;
use crate::remote::RemoteUrl;

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 1 << 20;
/// Name of a file whose URL has none.
const NAMELESS: &str = "data";

/// Files at a URL.
pub(super) struct Elsewhere {
    places: BTreeMap<String, Arc<RemotePlace>>,
    pub(super) chunks: Vec<ChunkEntry>,
}

impl Elsewhere {
    /// Reads the files at a URL: one, or all of a repository, a directory or a prefix.
    pub(super) fn read(
        remote: &Remote,
        url: &RemoteUrl,
        progress: &dyn Progress,
    ) -> Result<(FileTable, Self), Error> {
        let mut places = BTreeMap::new();
        match remote.find(url)? {
            Found::File(file) => {
                let name = url.decoded_file_name();
                let is_name = !name.is_empty() && !name.contains(['/', '\0']);
                let name = if is_name { name } else { NAMELESS.to_owned() };
                let place = RemotePlace::new(remote, url.clone(), Some(file));
                places.insert(name, Arc::new(place));
            }
            Found::Files(listing) => {
                for file in listing.files {
                    let place = RemotePlace::new(remote, file.url, None);
                    places.insert(file.path, Arc::new(place));
                }
            }
        }
        progress.phase("reading", None);
        let mut cutting = Cutting::default();
        let mut entries = Vec::with_capacity(places.len());
        for (path, place) in &places {
            entries.push(cutting.file(path, place, progress)?);
        }
        cutting.end_region();
        let table = FileTable::new(entries)?;
        let chunks = cutting.chunks;
        Ok((table, Self { places, chunks }))
    }

    /// Returns the place of a file.
    pub(super) fn place(&self, path: &str) -> Option<&Arc<RemotePlace>> {
        self.places.get(path)
    }
}

/// Cuts files into chunks as the pipeline of an index does: a large file has its own, and small
/// neighbours share them.
#[derive(Default)]
struct Cutting {
    uncut: Vec<u8>,
    chunks: Vec<ChunkEntry>,
}

impl Cutting {
    fn file(
        &mut self,
        path: &str,
        place: &RemotePlace,
        progress: &dyn Progress,
    ) -> Result<FileEntry, Error> {
        let file = place.file()?;
        let size_bytes = ReadAt::len(file);
        let is_large = size_bytes >= CHUNK_BYTES_MAX as u64;
        if is_large {
            self.end_region();
        }
        let mut hasher = blake3::Hasher::new();
        let mut describer = Describer::new(path);
        let mut piece = vec![0; PIECE_BYTES];
        let mut at = 0;
        while at < size_bytes {
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
            let read = file.read_at(&mut piece, at);
            let n = read.map_err(|e| Error::file("read", path, e))?;
            if n == 0 {
                let short = std::io::ErrorKind::UnexpectedEof.into();
                return Err(Error::file("read", path, short));
            }
            let bytes = piece.get(..n).unwrap_or_default();
            hasher.update(bytes);
            describer.push(bytes);
            self.push(bytes);
            progress.advance(n as u64);
            at += n as u64;
        }
        if is_large {
            self.end_region();
        }
        let found = describer.finish(file);
        Ok(FileEntry {
            path: path.to_owned(),
            size_bytes,
            content_id: Some(ContentId::new(*hasher.finalize().as_bytes())),
            format: found.format.number(),
            rows: found.rows,
            schema: None,
        })
    }

    fn push(&mut self, bytes: &[u8]) {
        self.uncut.extend_from_slice(bytes);
        self.cut(false);
    }

    /// The next byte begins a new chunk.
    fn end_region(&mut self) {
        self.cut(true);
    }

    fn cut(&mut self, region_ends: bool) {
        let mut at = 0;
        while let Some(length) = next_cut(self.uncut.get(at..).unwrap_or_default(), region_ends) {
            let chunk = self.uncut.get(at..at + length.get()).unwrap_or_default();
            self.chunks.push(ChunkEntry {
                id: ChunkId::of(chunk),
                bytes: u32::try_from(chunk.len()).unwrap_or(u32::MAX),
                newlines: count_newlines(chunk),
            });
            at += length.get();
        }
        self.uncut.drain(..at.min(self.uncut.len()));
    }
}
