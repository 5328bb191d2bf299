//! Reading of archives. Sizes that an archive claims are compared with its bytes before anything is
//! written.

use std::collections::HashSet;
use std::io::Read;
use std::io::Write;

use flate2::Crc;
use flate2::read::DeflateDecoder;

use crate::documents::format::limits::ZIP_DIRECTORY_BYTES_MAX;
use crate::documents::format::limits::ZIP_ENTRIES_MAX;
use crate::documents::format::limits::ZIP_EXPANSION_MAX;
use crate::documents::format::limits::ZIP_FREE_BYTES;
use crate::documents::format::zip::ZipError;
use crate::documents::format::zip::headers;
use crate::read_at::ReadAt;
use crate::read_at::read_range;
use crate::wire::DecodeError;
use crate::wire::Reader;

/// An entry of an archive: a file or a directory.
#[derive(Clone, Debug)]
pub struct ZipEntry {
    /// Its checked name; that of a directory ends with `/`.
    pub name: String,
    /// Length of its content in bytes.
    pub length: u64,
    packed: u64,
    method: u16,
    crc: u32,
    header_at: u64,
}

impl ZipEntry {
    /// Returns true for a directory.
    pub fn is_directory(&self) -> bool {
        self.name.ends_with('/')
    }
}

/// The list of entries of an archive.
pub struct ZipArchive<'a> {
    source: &'a dyn ReadAt,
    entries: Vec<ZipEntry>,
}

/// End of an archive.
struct End {
    entries: u64,
    directory_at: u64,
    directory_bytes: u64,
}

impl<'a> ZipArchive<'a> {
    /// Reads the list of entries and checks it: names, kinds, and that no two entries share bytes.
    ///
    /// # Errors
    /// [`ZipError`].
    pub fn open(source: &'a dyn ReadAt) -> Result<Self, ZipError> {
        let end = find_end(source)?;
        let most = usize::try_from(end.entries)
            .ok()
            .filter(|n| *n <= ZIP_ENTRIES_MAX)
            .ok_or(ZipError::Malformed("it has too many entries"))?;
        if end.directory_bytes > ZIP_DIRECTORY_BYTES_MAX {
            return Err(ZipError::Malformed("its directory is too long"));
        }
        let range = end.directory_at..end.directory_at.saturating_add(end.directory_bytes);
        let directory = read_range(source, &range)
            .map_err(|_| ZipError::Malformed("its directory is not there"))?;
        let mut reader = Reader::new(&directory);
        let mut entries = Vec::new();
        for _ in 0..most {
            entries.push(central_entry(&mut reader)?);
        }
        let archive = Self { source, entries };
        archive.check_overlaps(end.directory_at)?;
        Ok(archive)
    }

    /// Returns the entries in the order of the directory.
    pub fn entries(&self) -> &[ZipEntry] {
        &self.entries
    }

    /// Checks that the entries together are not far larger than the archive.
    ///
    /// # Errors
    /// [`ZipError::Bomb`].
    pub fn check_expansion(&self) -> Result<(), ZipError> {
        let archive = self.source.len();
        let sizes = self.entries.iter().map(|e| e.length);
        let total = sizes.fold(0_u64, u64::saturating_add);
        match total
            > archive
                .saturating_mul(ZIP_EXPANSION_MAX)
                .saturating_add(ZIP_FREE_BYTES)
        {
            true => Err(ZipError::Bomb { total, archive }),
            false => Ok(()),
        }
    }

    fn check_overlaps(&self, directory_at: u64) -> Result<(), ZipError> {
        let span = |e: &ZipEntry| {
            let header = headers::LOCAL_BYTES + e.name.len() as u64;
            (
                e.header_at,
                e.header_at.saturating_add(header).saturating_add(e.packed),
            )
        };
        let mut spans: Vec<(u64, u64)> = self.entries.iter().map(span).collect();
        spans.sort_unstable();
        let mut end = 0;
        for (start, after) in spans {
            if start < end || after > directory_at {
                return Err(ZipError::Malformed("its entries share bytes"));
            }
            end = after;
        }
        let mut names = HashSet::new();
        for entry in &self.entries {
            if !names.insert(entry.name.trim_end_matches('/')) {
                return Err(ZipError::Path {
                    name: entry.name.clone(),
                    reason: "is there twice",
                });
            }
        }
        Ok(())
    }

    /// Writes the content of an entry, and checks its length and checksum.
    ///
    /// # Errors
    /// [`ZipError::Damaged`]; [`ZipError::Io`] of `to`.
    pub fn extract(&self, entry: &ZipEntry, to: &mut dyn Write) -> Result<(), ZipError> {
        let start = self.content_at(entry)?;
        let packed = Section {
            source: self.source,
            at: start,
            end: start.saturating_add(entry.packed),
        };
        match entry.method {
            headers::STORED => copy_checked(packed, entry, to),
            _ => copy_checked(DeflateDecoder::new(packed), entry, to),
        }
    }

    /// Returns the offset of the content, behind the local header.
    fn content_at(&self, entry: &ZipEntry) -> Result<u64, ZipError> {
        let damaged = |reason| ZipError::Damaged {
            name: entry.name.clone(),
            reason,
        };
        let range = entry.header_at..entry.header_at.saturating_add(headers::LOCAL_BYTES);
        let header = read_range(self.source, &range).map_err(|_| damaged("is cut"))?;
        let mut reader = Reader::new(&header);
        if reader.u32().map_err(malformed)? != headers::LOCAL {
            return Err(damaged("has no header"));
        }
        reader.bytes(22).map_err(malformed)?;
        let name_bytes = u64::from(reader.u16().map_err(malformed)?);
        let extra_bytes = u64::from(reader.u16().map_err(malformed)?);
        let name = read_range(
            self.source,
            &(range.end..range.end.saturating_add(name_bytes)),
        );
        if name.map_err(|_| damaged("is cut"))? != entry.name.as_bytes() {
            return Err(damaged("has another name in its header"));
        }
        Ok(range.end + name_bytes + extra_bytes)
    }
}

fn malformed(_: DecodeError) -> ZipError {
    ZipError::Malformed("its directory is cut")
}

fn find_end(source: &dyn ReadAt) -> Result<End, ZipError> {
    let length = source.len();
    let tail_bytes = length.min(headers::END_BYTES as u64 + u64::from(u16::MAX));
    let tail_at = length - tail_bytes;
    let tail = read_range(source, &(tail_at..length))?;
    let at = (0..=tail.len().saturating_sub(headers::END_BYTES))
        .rev()
        .find(|at| is_end(tail.get(*at..).unwrap_or_default()))
        .ok_or(ZipError::Malformed("its end is not there"))?;
    let mut reader = Reader::new(tail.get(at + 4..).unwrap_or_default());
    let disks = (
        reader.u16().map_err(malformed)?,
        reader.u16().map_err(malformed)?,
    );
    let here = reader.u16().map_err(malformed)?;
    let entries = reader.u16().map_err(malformed)?;
    let directory_bytes = reader.u32().map_err(malformed)?;
    let directory_at = reader.u32().map_err(malformed)?;
    if entries == u16::MAX || directory_bytes == headers::MAX32 || directory_at == headers::MAX32 {
        return find_end64(source, tail_at + at as u64);
    }
    if disks != (0, 0) || here != entries {
        return Err(ZipError::Malformed("it has several parts"));
    }
    Ok(End {
        entries: entries.into(),
        directory_at: directory_at.into(),
        directory_bytes: directory_bytes.into(),
    })
}

/// Returns true if the last structure of an archive begins here: its comment reaches the end.
fn is_end(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    let signature = reader.u32();
    let rest = reader.bytes(16).and_then(|_| reader.u16());
    signature == Ok(headers::END) && rest.map(usize::from) == Ok(reader.remaining())
}

fn find_end64(source: &dyn ReadAt, end_at: u64) -> Result<End, ZipError> {
    let missing = |_| ZipError::Malformed("its 64-bit end is not there");
    let locator_at = end_at.saturating_sub(headers::LOCATOR64_BYTES as u64);
    let locator = read_range(source, &(locator_at..end_at)).map_err(missing)?;
    let mut reader = Reader::new(&locator);
    if reader.u32().map_err(malformed)? != headers::LOCATOR64 {
        return Err(ZipError::Malformed("its 64-bit end is not there"));
    }
    reader.u32().map_err(malformed)?;
    let at = reader.u64().map_err(malformed)?;
    let range = at..at.saturating_add(headers::END64_BYTES as u64);
    let end = read_range(source, &range).map_err(missing)?;
    let mut reader = Reader::new(&end);
    if reader.u32().map_err(malformed)? != headers::END64 {
        return Err(ZipError::Malformed("its 64-bit end is not there"));
    }
    reader.bytes(28).map_err(malformed)?;
    Ok(End {
        entries: reader.u64().map_err(malformed)?,
        directory_bytes: reader.u64().map_err(malformed)?,
        directory_at: reader.u64().map_err(malformed)?,
    })
}

fn central_entry(reader: &mut Reader<'_>) -> Result<ZipEntry, ZipError> {
    if reader.u32().map_err(malformed)? != headers::CENTRAL {
        return Err(ZipError::Malformed("its directory has something else"));
    }
    let made_by = reader.u16().map_err(malformed)?;
    reader.u16().map_err(malformed)?;
    let flags = reader.u16().map_err(malformed)?;
    let method = reader.u16().map_err(malformed)?;
    reader.u32().map_err(malformed)?;
    let crc = reader.u32().map_err(malformed)?;
    let packed = reader.u32().map_err(malformed)?;
    let length = reader.u32().map_err(malformed)?;
    let name_bytes = usize::from(reader.u16().map_err(malformed)?);
    let extra_bytes = usize::from(reader.u16().map_err(malformed)?);
    let comment_bytes = usize::from(reader.u16().map_err(malformed)?);
    reader.u32().map_err(malformed)?;
    let attributes = reader.u32().map_err(malformed)?;
    let header_at = reader.u32().map_err(malformed)?;
    let name = reader.bytes(name_bytes).map_err(malformed)?;
    let extra = reader.bytes(extra_bytes).map_err(malformed)?;
    reader.bytes(comment_bytes).map_err(malformed)?;
    let lossy = String::from_utf8_lossy(name).into_owned();
    let Ok(name) = String::from_utf8(name.to_vec()) else {
        let reason = "has a name that is not UTF-8";
        return Err(ZipError::Path {
            name: lossy,
            reason,
        });
    };
    headers::check_name(&name)?;
    let mut wide = Wide64::find(extra);
    let entry = ZipEntry {
        length: wide.or_take(length)?,
        packed: wide.or_take(packed)?,
        header_at: wide.or_take(header_at)?,
        method,
        crc,
        name,
    };
    check_kind(&entry, flags, made_by, attributes)?;
    Ok(entry)
}

fn check_kind(entry: &ZipEntry, flags: u16, made_by: u16, attributes: u32) -> Result<(), ZipError> {
    let unsupported = |reason| {
        Err(ZipError::Unsupported {
            name: entry.name.clone(),
            reason,
        })
    };
    if flags & 1 != 0 {
        return unsupported("is encrypted");
    }
    if !matches!(entry.method, headers::STORED | headers::DEFLATE) {
        return unsupported("is packed by another method than DEFLATE");
    }
    // The upper half is a mode where the archive was made by a Unix program.
    let kind = (attributes >> 16) & 0o170_000;
    if made_by >> 8 == 3 && !matches!(kind, 0 | 0o100_000 | 0o040_000) {
        return unsupported("is a link or a device");
    }
    if entry.method == headers::STORED && entry.packed != entry.length {
        return Err(ZipError::Damaged {
            name: entry.name.clone(),
            reason: "has two lengths",
        });
    }
    Ok(())
}

/// The 64-bit numbers of an extra field, in order.
struct Wide64<'a>(Reader<'a>);

impl<'a> Wide64<'a> {
    fn find(extra: &'a [u8]) -> Self {
        let mut reader = Reader::new(extra);
        while let (Ok(kind), Ok(length)) = (reader.u16(), reader.u16()) {
            let Ok(body) = reader.bytes(length.into()) else {
                break;
            };
            if kind == headers::EXTRA64 {
                return Self(Reader::new(body));
            }
        }
        Self(Reader::new(&[]))
    }

    fn or_take(&mut self, number: u32) -> Result<u64, ZipError> {
        match number {
            headers::MAX32 => self.0.u64().map_err(malformed),
            other => Ok(other.into()),
        }
    }
}

/// A part of a source, read in order.
struct Section<'a> {
    source: &'a dyn ReadAt,
    at: u64,
    end: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = left.min(to.len());
        let n = self
            .source
            .read_at(to.get_mut(..wanted).unwrap_or_default(), self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

fn copy_checked(mut from: impl Read, entry: &ZipEntry, to: &mut dyn Write) -> Result<(), ZipError> {
    let damaged = |reason| ZipError::Damaged {
        name: entry.name.clone(),
        reason,
    };
    let (mut crc, mut buffer, mut length) = (Crc::new(), vec![0; 1 << 16], 0_u64);
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return Err(damaged("cannot be unpacked")),
        };
        let piece = buffer.get(..n).unwrap_or_default();
        length += n as u64;
        if length > entry.length {
            return Err(damaged("is longer than the archive says"));
        }
        crc.update(piece);
        to.write_all(piece)?;
    }
    if length != entry.length {
        return Err(damaged("is shorter than the archive says"));
    }
    match crc.sum() == entry.crc {
        true => Ok(()),
        false => Err(damaged("has another checksum")),
    }
}
