//! Types of all values of a dataset, found by reading all of it.

use crate::registry::views::Descriptions;
use std::io::Read;
use std::sync::mpsc;

use crate::catalog::Dataset;
use crate::inspect::FileFormat;
use crate::inspect::Profile;
use crate::inspect::has_profile;
use crate::inspect::profile;
use crate::manifest::FileEntry;
use crate::progress::Progress;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;

/// Profile of one file.
#[derive(Clone, Debug)]
pub struct FileSchema {
    /// The file's path.
    pub path: String,
    /// The file's format.
    pub format: FileFormat,
    /// The types of its values.
    pub profile: Profile,
    /// Number of first bytes of text that were read, if that is not all of it.
    pub first_bytes: Option<u64>,
}

/// Pieces of a file that another thread sends.
struct Pieces {
    inbox: mpsc::Receiver<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Pieces {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.piece.len() {
            match self.inbox.recv() {
                Ok(piece) => (self.piece, self.at) = (piece, 0),
                Err(_) => return Ok(0),
            }
        }
        let rest = self.piece.get(self.at..).unwrap_or_default();
        let n = rest.len().min(to.len());
        if let (Some(to), Some(from)) = (to.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n;
        Ok(n)
    }
}

impl Descriptions<'_> {
    /// Profiles every value of the text files, or of one of them. Files with an embedded schema are
    /// skipped, because the manifest has that schema.
    ///
    /// # Errors
    /// [`DatasetError::NoSuchFile`], or an error of reading.
    pub fn profiles(
        &self,
        dataset: &Dataset,
        path: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<Vec<FileSchema>, Error> {
        let reader = self.registry.reader_of(dataset)?;
        let m = &dataset.manifest;
        let table = self.registry.files_by(&reader, m)?;
        let mut chosen: Vec<(u64, &FileEntry)> = table.with_offsets().collect();
        chosen.retain(|(_, f)| path.is_none_or(|p| p == f.path));
        if let (Some(path), true) = (path, chosen.is_empty()) {
            return Err(Error::Dataset(DatasetError::NoSuchFile {
                path: path.to_owned(),
                dataset: m.name.to_string(),
            }));
        }
        chosen.retain(|(_, f)| has_profile(FileFormat::from_number(f.format)));
        progress.phase(
            "reading",
            Some(chosen.iter().map(|(_, f)| f.size_bytes).sum()),
        );
        let mut found = Vec::new();
        for file in &chosen {
            let (at, entry) = *file;
            let (end, format) = (at + entry.size_bytes, FileFormat::from_number(entry.format));
            let (outbox, inbox) = mpsc::sync_channel(1);
            let profile = std::thread::scope(|scope| {
                let looking = scope.spawn(move || {
                    let pieces = Pieces {
                        inbox,
                        piece: Vec::new(),
                        at: 0,
                    };
                    profile(format, Box::new(pieces))
                });
                let sent = self
                    .registry
                    .each_piece(&reader, m, *file, (at, end), &mut |bytes| {
                        progress.advance(bytes.len() as u64);
                        // The profiling thread may have stopped early.
                        let _ = outbox.send(bytes.to_vec());
                        if progress.cancelled() {
                            Err(Error::Interrupted)
                        } else {
                            Ok(())
                        }
                    });
                drop(outbox);
                let panicked = |_| std::io::Error::other("the reader panicked");
                let profile = looking.join().map_err(panicked).and_then(|p| p);
                sent.and_then(|()| profile.map_err(|e| Error::file("read", &entry.path, e)))
            })?;
            found.push(FileSchema {
                path: entry.path.clone(),
                format,
                profile,
                first_bytes: None,
            });
        }
        Ok(found)
    }
}
