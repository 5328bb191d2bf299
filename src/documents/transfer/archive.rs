//! Packing of a store into a `.zds` archive, and unpacking.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::Layout;
use crate::documents::StoreOptions;
use crate::documents::disk::layout::sync_directory;
use crate::documents::disk::lock::WriterLock;
use crate::documents::format::zip::ZipArchive;
use crate::documents::format::zip::ZipEntry;
use crate::documents::format::zip::ZipError;
use crate::documents::format::zip::ZipWriter;
use crate::file_io::IfExists;
use crate::file_io::TemporaryPath;
use crate::file_io::put_in_place;

/// Result of packing or unpacking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unpacked {
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Names that belong to a machine and not to the data: locks, what crashes left, and the table, which names inodes.
fn is_left_out(name: &str) -> bool {
    name == "alimentar.lock"
        || name == "alimentar.idx"
        || name == ".zds"
        || name.starts_with("torn-")
        || name.starts_with('.')
        || name == "data.tmp"
}

/// Packs a store into an archive. Writers of its collections wait meanwhile; the index of each is made
/// current first.
///
/// # Errors
/// [`DocumentError::NoStore`]; [`DocumentError::Archive`]; [`DocumentError::File`].
pub fn pack(root: &Path, archive: &Path, if_exists: IfExists) -> Result<Unpacked, DocumentError> {
    let mut locks = Vec::new();
    for name in Layout::collections(root)? {
        let layout = Layout::new(root, name.as_str())?;
        if layout.data_file().exists() {
            drop(FastStore::open_with(
                layout.clone(),
                &StoreOptions::default(),
            )?);
        }
        if layout.meta_dir().is_dir() {
            locks.push(WriterLock::acquire(&layout)?);
        }
    }
    let fail = |e| DocumentError::file("write", archive, e);
    let (temporary, file) = TemporaryPath::file(archive, None).map_err(fail)?;
    let mut writer = ZipWriter::new(BufWriter::with_capacity(1 << 20, file));
    let mut report = Unpacked::default();
    let zip_fault = |source| DocumentError::Archive {
        path: archive.to_owned(),
        source,
    };
    for top in ["collections", "metadata", "zds.json"] {
        add(root, top, &mut writer, &mut report).map_err(zip_fault)?;
    }
    let file = writer.finish().map_err(zip_fault)?;
    let file = file.into_inner().map_err(|e| fail(e.into_error()))?;
    file.sync_all().map_err(fail)?;
    put_in_place(temporary.path(), archive, if_exists).map_err(fail)?;
    drop(locks);
    Ok(report)
}

fn add(
    root: &Path,
    name: &str,
    writer: &mut ZipWriter<BufWriter<File>>,
    report: &mut Unpacked,
) -> Result<(), ZipError> {
    let path = root.join(name);
    let Ok(meta) = path.symlink_metadata() else {
        return Ok(());
    };
    if meta.is_file() {
        let mut file = File::open(&path)?;
        writer.add_file(name, &mut file, meta.len())?;
        report.files += 1;
        report.bytes += meta.len();
        return Ok(());
    }
    // Links and devices are not a part of a store.
    if !meta.is_dir() {
        return Ok(());
    }
    writer.add_directory(&format!("{name}/"))?;
    let mut below = Vec::new();
    for entry in std::fs::read_dir(&path)? {
        let entry = entry?.file_name();
        let entry = entry.to_str().ok_or_else(|| ZipError::Path {
            name: entry.to_string_lossy().into_owned(),
            reason: "has a name that is not UTF-8",
        })?;
        if !is_left_out(entry) {
            below.push(format!("{name}/{entry}"));
        }
    }
    below.sort_unstable();
    for name in below {
        add(root, &name, writer, report)?;
    }
    Ok(())
}

/// Unpacks an archive into a directory that is not there yet. It appears when all of it is written and
/// checked.
///
/// An archive with one directory around the store, as `zip -r` makes it, is read too.
///
/// # Errors
/// [`DocumentError::Archive`]; [`DocumentError::File`].
pub fn unpack(archive: &Path, root: &Path, allow_large: bool) -> Result<Unpacked, DocumentError> {
    let source = crate::file_io::open_plain(archive);
    let source = source.map_err(|e| DocumentError::file("read", archive, e))?;
    let zip_fault = |source| DocumentError::Archive {
        path: archive.to_owned(),
        source,
    };
    let zip = ZipArchive::open(&source).map_err(zip_fault)?;
    if !allow_large {
        zip.check_expansion().map_err(zip_fault)?;
    }
    let around = directory_around(zip.entries());
    let fail = |e| DocumentError::file("write", root, e);
    if root.symlink_metadata().is_ok() {
        return Err(fail(std::io::ErrorKind::AlreadyExists.into()));
    }
    let temporary = TemporaryPath::directory(root).map_err(fail)?;
    let extracted = extract_all(&zip, around.as_deref(), temporary.path());
    let placed = extracted.map_err(zip_fault).and_then(|report| {
        Layout::init_root(temporary.path())?;
        put_in_place(temporary.path(), root, IfExists::Refuse).map_err(fail)?;
        Ok(report)
    });
    if placed.is_err() {
        let _ = std::fs::remove_dir_all(temporary.path());
    }
    let report = placed?;
    if let Some(above) = root.parent().filter(|above| !above.as_os_str().is_empty()) {
        sync_directory(above)?;
    }
    Ok(report)
}

/// Returns the one directory that all entries are in, with its separator, unless the store itself begins there.
fn directory_around(entries: &[ZipEntry]) -> Option<String> {
    let first = entries.first()?.name.split('/').next()?.to_owned() + "/";
    let is_inside = entries.iter().all(|e| e.name.starts_with(&first));
    let has_store = entries.iter().any(|e| {
        let below = e.name.strip_prefix(&first);
        below.is_some_and(|name| name.starts_with("collections/"))
    });
    (is_inside && has_store).then_some(first)
}

fn extract_all(
    zip: &ZipArchive<'_>,
    around: Option<&str>,
    to: &Path,
) -> Result<Unpacked, ZipError> {
    let mut report = Unpacked::default();
    let mut directories = std::collections::BTreeSet::from([to.to_owned()]);
    for entry in zip.entries() {
        let name = around.map_or(Some(entry.name.as_str()), |a| entry.name.strip_prefix(a));
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            continue;
        };
        let path = to.join(name);
        let directory = match entry.is_directory() {
            true => path.as_path(),
            false => path.parent().unwrap_or(to),
        };
        std::fs::create_dir_all(directory)?;
        directories.extend(
            directory
                .ancestors()
                .take_while(|d| d.starts_with(to))
                .map(Path::to_owned),
        );
        if entry.is_directory() {
            continue;
        }
        let file = File::options().write(true).create_new(true).open(&path)?;
        let mut writer = BufWriter::new(file);
        zip.extract(entry, &mut writer)?;
        let file = writer.into_inner().map_err(|e| e.into_error())?;
        file.sync_all()?;
        report.files += 1;
        report.bytes += entry.length;
    }
    for directory in directories {
        File::open(directory)?.sync_all()?;
    }
    Ok(report)
}
