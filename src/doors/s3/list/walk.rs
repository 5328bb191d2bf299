//! The entries of a page of a listing: keys, and directories where a delimiter divides keys. The datasets are a row of
//! shelves in the order of their keys, and the files of each are sorted. So a page costs the logarithm of the number of
//! files for each entry, however many files a directory holds. Pure.

use crate::doors::s3::keys::Shelf;
use crate::manifest::FileEntry;

/// The entries that are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) prefix: &'a str,
    /// The text that ends a directory; empty for none.
    pub(super) delimiter: &'a str,
    /// The entry after which the page begins.
    pub(super) after: &'a str,
    pub(super) max_entries: usize,
}

/// A page. The objects are with the one who walked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// Beginnings that several keys may share, up to the delimiter.
    pub(super) directories: Vec<String>,
    /// The last entry, if there are more behind it.
    pub(super) next: Option<String>,
}

/// A walk over the shelves. It stops in front of each whose files have to be read.
pub(super) struct Walk<'a> {
    wanted: Wanted<'a>,
    page: Page,
    /// The number of the next shelf.
    at: usize,
    entries: usize,
    /// The last entry so far.
    last: String,
    is_done: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(wanted: Wanted<'a>) -> Self {
        Self {
            wanted,
            page: Page::default(),
            at: 0,
            entries: 0,
            last: String::new(),
            is_done: wanted.max_entries == 0,
        }
    }

    /// Returns the next shelf whose files have to be read. Directories that end before its files need none of them.
    pub(super) fn next<'s, D>(&mut self, shelves: &'s [Shelf<D>]) -> Option<&'s Shelf<D>> {
        while !self.is_done {
            let shelf = shelves.get(self.at)?;
            self.at += 1;
            if let Some(directory) = self.directory_in(&shelf.prefix, 0) {
                let rest = shelves.get(self.at..).unwrap_or_default();
                self.at += rest.partition_point(|s| s.prefix.starts_with(directory));
                self.add_directory(directory);
                continue;
            }
            // Keys of this shelf begin with its prefix, so all of them are behind the entry or in front of it, unless
            // the entry begins with it too.
            let after = self.wanted.after;
            if after < shelf.prefix.as_str() || after.starts_with(&shelf.prefix) {
                return Some(shelf);
            }
        }
        None
    }

    /// Takes the entries of a shelf. Returns the places of the files that are objects of the page.
    pub(super) fn read<D>(&mut self, shelf: &Shelf<D>, files: &[FileEntry]) -> Vec<usize> {
        let mut objects = Vec::new();
        let inside = self.wanted.prefix.strip_prefix(shelf.prefix.as_str());
        let (mut at, end) = inside.map_or((0, files.len()), |prefix| {
            let from = files.partition_point(|f| f.path.as_str() < prefix);
            (from, end_of_directory(files, from, prefix))
        });
        if let Some(after) = self.wanted.after.strip_prefix(shelf.prefix.as_str()) {
            at = at.max(files.partition_point(|f| f.path.as_str() <= after));
        }
        let mut key = shelf.prefix.clone();
        while let Some(file) = files.get(at).filter(|_| at < end && !self.is_done) {
            key.truncate(shelf.prefix.len());
            key.push_str(&file.path);
            // A delimiter within the prefix of the shelf was found before.
            let Some(directory) = self.directory_in(&key, shelf.prefix.len()) else {
                if self.add(&key) {
                    objects.push(at);
                }
                at += 1;
                continue;
            };
            let below = directory.get(shelf.prefix.len()..).unwrap_or_default();
            at = end_of_directory(files, at, below);
            self.add_directory(directory);
        }
        objects
    }

    /// Returns the page.
    pub(super) fn finish(self) -> Page {
        self.page
    }

    /// Returns the directory that a key is in. `known` bytes of the key have no whole delimiter behind the prefix.
    fn directory_in<'k>(&self, key: &'k str, known: usize) -> Option<&'k str> {
        let delimiter = self.wanted.delimiter;
        if delimiter.is_empty() {
            return None;
        }
        // A delimiter may begin within the known part and end behind it.
        let from = known.saturating_sub(delimiter.len());
        let mut from = from.max(self.wanted.prefix.len());
        while !key.is_char_boundary(from) && from < key.len() {
            from -= 1;
        }
        let found = key.get(from..)?.find(delimiter)?;
        key.get(..from + found + delimiter.len())
    }

    /// Adds a directory, unless it is in front of the page.
    fn add_directory(&mut self, directory: &str) {
        if directory > self.wanted.after && self.add(directory) {
            self.page.directories.push(directory.to_owned());
        }
    }

    /// Counts an entry; false if the page is full, and so has more behind it.
    fn add(&mut self, entry: &str) -> bool {
        if self.entries == self.wanted.max_entries {
            self.page.next = Some(std::mem::take(&mut self.last));
            self.is_done = true;
            return false;
        }
        self.entries += 1;
        self.last.clear();
        self.last.push_str(entry);
        true
    }
}

/// Returns the first place from `from` on whose path does not begin with a text.
fn end_of_directory(files: &[FileEntry], from: usize, directory: &str) -> usize {
    let rest = files.get(from..).unwrap_or_default();
    from + rest.partition_point(|f| f.path.starts_with(directory))
}

#[cfg(test)]
mod tests;
