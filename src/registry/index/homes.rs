//! Detects registry homes and secret keys among the files to index, because neither is data.
//!
//! A home is recognised by its layout (`spec/store-layout.md`), a key file by its content
//! (`spec/key-file.md`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use crate::file_io::open_plain;
use crate::registry::error::Error;
use crate::registry::error::source::SourceError;

/// Magic bytes of a redb database.
const INDEX_MAGIC: &[u8] = b"redb\x1a\n\xa9\r\n";
/// Magic bytes of a pack (`spec/pack.md`).
const PACK_MAGIC: &[u8] = b"\x89ALP\r\n\x1a\n";
/// First line of a key file.
const KEY_FRONT: &[u8] = b"-----BEGIN ALIMENTAR SECRET KEY-----";
/// Number of hex digits of a node's key.
const NODE_KEY_DIGITS: usize = 64;
/// Entries that make a directory a candidate for a home.
const MARKS: [&str; 4] = ["registry.redb", "registry.lock", "packs", "operations"];
/// Maximum number of files in `packs` to check.
const PACKS_LOOKED_AT: usize = 16;
/// Files of a home that contain secret keys.
const KEY_FILES: [&str; 2] = ["node.key", "key.enc"];

/// Device and inode, which identify a file under all its paths.
type FileId = (u64, u64);

fn id_of(meta: &Metadata) -> FileId {
    (meta.dev(), meta.ino())
}

/// Returns true if a directory is the home of a registry, or the remains of one.
pub(crate) fn is_home(dir: &Path) -> bool {
    let is_file = |name| dir.join(name).metadata().is_ok_and(|m| m.is_file());
    let is_dir = |name| dir.join(name).metadata().is_ok_and(|m| m.is_dir());
    let has_lock = is_file("registry.lock");
    begins_with(&dir.join("registry.redb"), INDEX_MAGIC)
        || has_lock && (is_file("registry.redb") || is_dir("operations"))
        || has_packs(&dir.join("packs"))
}

fn has_packs(dir: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return false;
    };
    let packs = entries.flatten().map(|e| e.path());
    packs
        .filter(|path| path.extension().is_some_and(|e| e == "pack"))
        .take(PACKS_LOOKED_AT)
        .any(|path| begins_with(&path, PACK_MAGIC))
}

fn begins_with(path: &Path, magic: &[u8]) -> bool {
    let mut front = Vec::new();
    let read = open_plain(path).and_then(|f| f.take(magic.len() as u64).read_to_end(&mut front));
    read.is_ok() && front == magic
}

/// Returns true if a file with this name and first bytes is the secret key of a publisher or a
/// node.
pub(crate) fn is_key_file(name: &str, front: &[u8]) -> bool {
    if front.trim_ascii_start().starts_with(KEY_FRONT) {
        return true;
    }
    let text = front.trim_ascii();
    let name = name.to_ascii_lowercase();
    text.len() == NODE_KEY_DIGITS
        && text.iter().all(u8::is_ascii_hexdigit)
        && (name.contains("node.key") || name.ends_with(".key"))
}

/// Refuses a path that lies in a home, because all files there belong to the registry.
///
/// # Errors
/// [`SourceError::InsideHome`].
pub(crate) fn refuse_inside(path: &Path, own: &Path) -> Result<(), Error> {
    let Ok(real) = path.canonicalize() else {
        // Reading the path reports its error.
        return Ok(());
    };
    let inside = |home: &Path| {
        Err(Error::Source(SourceError::InsideHome(
            path.to_owned(),
            home.to_owned(),
        )))
    };
    for part in ["", "packs"] {
        if let Ok(own) = own.join(part).canonicalize()
            && !own.as_os_str().is_empty()
            && real.starts_with(&own)
        {
            return inside(&own);
        }
    }
    match real.ancestors().find(|dir| is_home(dir)) {
        Some(home) => inside(home),
        None => Ok(()),
    }
}

/// Homes found by a walk through a directory.
#[derive(Debug, Default)]
pub(crate) struct HomeSet {
    /// Directories of this registry, under any path.
    own: BTreeSet<FileId>,
    /// Secret keys of homes, which may have other names too.
    keys: BTreeSet<FileId>,
    /// Directories that links led to, with `true` for those in a home.
    looked_at: BTreeMap<PathBuf, bool>,
}

impl HomeSet {
    /// Creates the set with the home of this registry.
    pub(crate) fn with_own(home: &Path) -> Self {
        let mut known = Self::default();
        if !home.as_os_str().is_empty() {
            let dirs = [home.to_owned(), home.join("packs")];
            let metas = dirs.iter().filter_map(|dir| dir.metadata().ok());
            known.own.extend(metas.map(|m| id_of(&m)));
            known.note_keys(home);
        }
        known
    }

    fn note_keys(&mut self, home: &Path) {
        let metas = KEY_FILES.map(|name| home.join(name).metadata());
        let files = metas.into_iter().flatten().filter(Metadata::is_file);
        self.keys.extend(files.map(|m| id_of(&m)));
    }

    /// Returns true if a directory with these entries is a home.
    pub(crate) fn is_home(&mut self, dir: &Path, entries: &[PathBuf]) -> bool {
        let is_mark = |path: &PathBuf| {
            let name = path.file_name().and_then(|n| n.to_str());
            name.is_some_and(|name| MARKS.contains(&name))
        };
        let is_own = || {
            let meta = dir.metadata();
            meta.is_ok_and(|m| self.own.contains(&id_of(&m)))
        };
        let found =
            (!self.own.is_empty() && is_own()) || entries.iter().any(is_mark) && is_home(dir);
        if found {
            self.note_keys(dir);
        }
        found
    }

    /// Returns true if a file below a root lies in a home there.
    pub(crate) fn contain(&mut self, file: &Path, root: &Path) -> bool {
        let Some(dir) = file.parent() else {
            return false;
        };
        if let Some(known) = self.looked_at.get(dir) {
            return *known;
        }
        let mut between = dir.ancestors().take_while(|dir| *dir != root);
        let found = between.any(|dir| {
            let is_own = |m: Metadata| self.own.contains(&id_of(&m));
            is_home(dir) || dir.metadata().is_ok_and(is_own)
        });
        self.looked_at.insert(dir.to_owned(), found);
        found
    }

    /// Returns true if a file is the secret key of a found home, under any name.
    pub(crate) fn is_key(&self, device_and_inode: FileId) -> bool {
        self.keys.contains(&device_and_inode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_file_is_recognised_by_front_and_node_key_by_name() {
        let digits = "0123456789abcdef".repeat(4);
        let node = format!("{digits}\n");
        let publisher = b"\n-----BEGIN ALIMENTAR SECRET KEY-----\nQUxLAQ==\n";
        assert!(is_key_file("notes.txt", publisher));
        for name in ["node.key", "Node.key.bak", "other.key"] {
            assert!(is_key_file(name, node.as_bytes()), "{name}");
        }
        // A checksum is no key.
        assert!(!is_key_file("data.b3", node.as_bytes()));
        assert!(!is_key_file("node.key", b"a note"));
        assert!(!is_key_file(
            "x.md",
            b"keys begin with -----BEGIN ALIMENTAR SECRET KEY-----"
        ));
    }

    #[test]
    fn home_is_recognised_by_any_typical_part() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["a/packs", "b", "c/operations", "d/packs", "e"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        std::fs::write(at("a/packs/00000001.pack"), [PACK_MAGIC, b"rest"].concat()).unwrap();
        std::fs::write(at("b/registry.redb"), [INDEX_MAGIC, b"rest"].concat()).unwrap();
        std::fs::write(at("c/registry.lock"), b"").unwrap();
        std::fs::write(at("d/packs/00000001.pack"), b"a pack of something else").unwrap();
        std::fs::write(at("e/registry.redb"), b"a note of that name").unwrap();
        for (name, wanted) in [
            ("a", true),
            ("b", true),
            ("c", true),
            ("d", false),
            ("e", false),
        ] {
            assert_eq!(is_home(&at(name)), wanted, "{name}");
        }
    }
}
