//! Opening: the front of an archive, before its data.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use crate::archive::ArchiveError;
use crate::archive::ArchiveHeader;
use crate::archive::EntryReader;
use crate::archive::RecentBlobs;
use crate::archive::TRAILER_BYTES;
use crate::archive::VolumeTrailer;
use crate::archive::take_tree;
use crate::archive_check::blobs::ArchiveBlobs;
use crate::archive_check::claims;
use crate::archive_check::error::CheckError;
use crate::archive_check::frames::Frames;
use crate::archive_check::intake::Intake;
use crate::archive_check::preamble::read_header;
use crate::archive_check::preamble::read_manifests;
use crate::archive_check::preamble::read_statements;
use crate::manifest::FileTable;
use crate::manifest::read_tree;
use crate::progress::NoProgress;
use crate::read_at::ReadAt;
use crate::read_at::read_range;
use crate::trust::Statement;
use crate::trust::VerifiedManifest;
use crate::wire::AGE_MAGIC;

/// Bytes of a file table that is read before the data is checked.
const EARLY_TABLE_BYTES_MAX: u64 = 16 << 20;
/// Bytes per read of a volume.
const READ_BYTES: usize = 4 << 20;

/// A dataset of an archive, with a valid signature or none.
pub struct OpenDataset {
    /// The manifest.
    pub verified: VerifiedManifest,
    /// The card.
    pub card: Option<Vec<u8>>,
    /// The files. Only those of the first dataset are known before the data is checked.
    pub table: Option<FileTable>,
}

/// An archive of which the front was read.
pub struct OpenArchive {
    /// The header.
    pub header: ArchiveHeader,
    /// Statements of the publishers.
    pub statements: Vec<Statement>,
    /// The datasets.
    pub datasets: Vec<OpenDataset>,
}

impl OpenArchive {
    /// Reads the front of an archive. `name` is that of the file.
    ///
    /// # Errors
    /// [`CheckError`] for an encrypted, incomplete or malformed archive, one whose base is not in
    /// it, or an invalid signature.
    pub fn open(source: Arc<dyn ReadAt>, name: &str) -> Result<Self, CheckError> {
        complete_volume(&*source, name)?;
        let frames = Frames::new(source);
        let mut in_order = frames.in_order();
        let mut next = || in_order.next_piece();
        let mut reader = EntryReader::new(&mut next);
        let header = read_header(&mut reader)?;
        refuse_bases(&header)?;
        let statements = read_statements(&mut reader)?;
        let manifests = read_manifests(&mut reader, &header)?;
        let mut datasets: Vec<OpenDataset> = Vec::with_capacity(manifests.len());
        for (verified, card) in manifests {
            datasets.push(OpenDataset {
                verified,
                card,
                table: None,
            });
        }
        if let Some(first) = datasets.first_mut() {
            // A fault of the table is found, and told, by the check.
            first.table = early_table(&frames, &mut reader, &first.verified).ok();
        }
        Ok(Self {
            header,
            statements,
            datasets,
        })
    }
}

fn early_table(
    frames: &Frames,
    reader: &mut EntryReader<'_>,
    verified: &VerifiedManifest,
) -> Result<FileTable, CheckError> {
    let m = verified.manifest();
    if m.file_table_bytes > EARLY_TABLE_BYTES_MAX {
        return Err(CheckError::Interrupted);
    }
    let blobs = ArchiveBlobs {
        frames,
        nodes: HashMap::new(),
        chunks: HashMap::new(),
    };
    let mut intake = Intake::new(blobs, reader.next_at(), &NoProgress);
    let (root, bytes) = (m.file_table_root, m.file_table_bytes);
    take_tree(
        reader,
        &mut intake,
        &mut RecentBlobs::default(),
        root,
        bytes,
    )?;
    intake.flush()?;
    let table = claims::table_of(&read_tree(&intake.blobs, root, bytes)?, m)?;
    claims::check_table(m, &table)?;
    Ok(table)
}

/// Refuses an archive that needs a base.
pub(super) fn refuse_bases(header: &ArchiveHeader) -> Result<(), CheckError> {
    match header.base.first() {
        None => Ok(()),
        Some(base) => Err(CheckError::BaseMissing {
            name: base.name.chars().take(200).collect(),
            version: base.version.chars().take(100).collect(),
            content_id: base.content_id.chars().take(64).collect(),
        }),
    }
}

/// Refuses a file that is encrypted, or one volume of several. Returns the trailer of a volume.
fn complete_volume(source: &dyn ReadAt, name: &str) -> Result<Option<VolumeTrailer>, CheckError> {
    let size = source.len();
    let front = read_range(source, &(0..size.min(AGE_MAGIC.len() as u64))).map_err(read_error)?;
    if front == AGE_MAGIC {
        return Err(CheckError::Locked(name.to_owned()));
    }
    let Some(at) = size.checked_sub(TRAILER_BYTES as u64) else {
        return Ok(None);
    };
    let end = read_range(source, &(at..size)).map_err(read_error)?;
    let trailer = VolumeTrailer::decode(&end).ok().filter(|t| t.bytes == at);
    match trailer
        .as_ref()
        .and_then(|t| VolumeTrailer::missing([t].into_iter()))
    {
        Some(missing) => Err(ArchiveError::NoVolume { missing }.into()),
        None => Ok(trailer),
    }
}

/// Refuses a file that is encrypted, or a volume that is damaged or not the only one.
pub(super) fn check_volume(source: &dyn ReadAt, name: &str) -> Result<(), CheckError> {
    let Some(trailer) = complete_volume(source, name)? else {
        return Ok(());
    };
    let mut hasher = blake3::Hasher::new();
    let mut at = 0;
    while at < trailer.bytes {
        let to = trailer.bytes.min(at + READ_BYTES as u64);
        hasher.update(&read_range(source, &(at..to)).map_err(read_error)?);
        at = to;
    }
    match trailer.hash == *hasher.finalize().as_bytes() {
        true => Ok(()),
        false => Err(ArchiveError::Volume(name.to_owned()).into()),
    }
}

fn read_error(source: io::Error) -> CheckError {
    ArchiveError::Io {
        action: "read",
        source,
    }
    .into()
}
