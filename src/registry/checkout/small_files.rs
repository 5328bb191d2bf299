//! Writing runs of small files: their bytes come window by window, and several threads create the
//! files of a window, because what they cost is creating them.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::catalog::Dataset;
use crate::manifest::FileEntry;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::store::disk::BlobReader;

/// A file and where its first byte is in the dataset.
type At<'a> = (u64, &'a FileEntry);

impl LocalRegistry {
    /// Writes files that lie one after the other in the dataset below `dir`.
    pub(crate) fn write_small_files(
        &self,
        reader: &BlobReader,
        dataset: &Dataset,
        files: &[At<'_>],
        dir: &Path,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let (Some((start, _)), Some((last, entry))) = (files.first(), files.last()) else {
            return Ok(());
        };
        let end = last.saturating_add(entry.size_bytes);
        let mut rest = files;
        // The beginning of a file that goes on in the next window.
        let mut begun: Vec<u8> = Vec::new();
        self.each_window(
            reader,
            &dataset.manifest,
            files,
            *start,
            end,
            &mut |at, bytes| {
                let window_end = at.saturating_add(bytes.len() as u64);
                let bytes = match start.checked_sub(at) {
                    // A chunk may begin before the first file.
                    Some(before) => {
                        let before = usize::try_from(before).unwrap_or(usize::MAX);
                        bytes.get(before..).unwrap_or_default()
                    }
                    None => bytes,
                };
                begun.extend_from_slice(bytes);
                let whole = rest.partition_point(|(at, f)| at + f.size_bytes <= window_end);
                let (now, later) = rest.split_at(whole);
                let base = now.first().map_or(0, |(at, _)| *at);
                write_all(now, base, &begun, dir)?;
                let written: u64 = now.iter().map(|(_, f)| f.size_bytes).sum();
                begun.drain(..usize::try_from(written).unwrap_or(0).min(begun.len()));
                rest = later;
                progress.advance(written);
                if progress.cancelled() {
                    Err(Error::Interrupted)
                } else {
                    Ok(())
                }
            },
        )?;
        // Only empty files have no window.
        write_all(rest, end, &[], dir)
    }
}

/// Creates files, whose bytes begin at `base`, with all cores.
fn write_all(files: &[At<'_>], base: u64, bytes: &[u8], dir: &Path) -> Result<(), Error> {
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get());
    let share = files.len().div_ceil(threads).max(64);
    if files.len() <= share {
        return write_share(files, base, bytes, dir);
    }
    std::thread::scope(|scope| {
        let writers: Vec<_> = files
            .chunks(share)
            .map(|own| scope.spawn(move || write_share(own, base, bytes, dir)))
            .collect();
        let gone = || Error::machine("run a writing thread", std::io::Error::other("it panicked"));
        writers
            .into_iter()
            .try_for_each(|w| w.join().map_err(|_| gone())?)
    })
}

fn write_share(files: &[At<'_>], base: u64, bytes: &[u8], dir: &Path) -> Result<(), Error> {
    let mut made = "";
    for (at, entry) in files {
        let path = dir.join(&entry.path);
        let fail = |e| Error::file("create", &path, e);
        let parent = entry.path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if parent != made {
            std::fs::create_dir_all(dir.join(parent)).map_err(fail)?;
            made = parent;
        }
        let from = usize::try_from(at.saturating_sub(base)).unwrap_or(usize::MAX);
        let length = usize::try_from(entry.size_bytes).unwrap_or(usize::MAX);
        let end = from.saturating_add(length);
        // A tree that is shorter than its table was refused before.
        let own = bytes.get(from..end).unwrap_or_default();
        let mut file = File::create_new(&path).map_err(fail)?;
        if !own.is_empty() {
            file.write_all(own).map_err(fail)?;
        }
    }
    Ok(())
}
