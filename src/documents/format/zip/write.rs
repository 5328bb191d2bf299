//! Writing of archives. The same entries give the same bytes: every time is 1980-01-01, and nothing about
//! the machine is in it.

use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;

use flate2::Compression;
use flate2::Crc;
use flate2::write::DeflateEncoder;

use crate::documents::format::zip::ZipError;
use crate::documents::format::zip::headers;

/// 1980-01-01 in the form of DOS: year 0, month 1, day 1.
const DATE: u16 = 1 << 5 | 1;
/// Flag: the name is UTF-8.
const UTF8: u16 = 1 << 11;
/// Length from which an entry has 64-bit sizes. DEFLATE may make it longer by a little.
const WIDE_FROM: u64 = 0xfff0_0000;

/// Writer of one archive.
pub struct ZipWriter<W> {
    to: W,
    at: u64,
    central: Vec<u8>,
    entries: u64,
}

/// Numbers of an entry.
struct Sizes {
    method: u16,
    crc: u32,
    packed: u64,
    length: u64,
    is_wide: bool,
}

impl<W: Write + Seek> ZipWriter<W> {
    /// Begins an archive at the begin of `to`.
    pub fn new(to: W) -> Self {
        Self {
            to,
            at: 0,
            central: Vec::new(),
            entries: 0,
        }
    }

    /// Adds a directory, whose name ends with `/`.
    ///
    /// # Errors
    /// [`ZipError::Path`]; [`ZipError::Io`].
    pub fn add_directory(&mut self, name: &str) -> Result<(), ZipError> {
        let sizes = Sizes {
            method: headers::STORED,
            crc: 0,
            packed: 0,
            length: 0,
            is_wide: false,
        };
        headers::check_name(name)?;
        let header_at = self.at;
        let header = local_header(name, &sizes)?;
        self.to.write_all(&header)?;
        self.at += header.len() as u64;
        self.list(name, header_at, &sizes)
    }

    /// Adds a file with DEFLATE. `expected` is about its length in bytes.
    ///
    /// # Errors
    /// [`ZipError::Path`]; [`ZipError::Io`]; [`ZipError::Damaged`] if it is far longer than expected.
    pub fn add_file(
        &mut self,
        name: &str,
        from: &mut dyn Read,
        expected: u64,
    ) -> Result<(), ZipError> {
        headers::check_name(name)?;
        let mut sizes = Sizes {
            method: headers::DEFLATE,
            crc: 0,
            packed: 0,
            length: 0,
            is_wide: expected >= WIDE_FROM,
        };
        let header_at = self.at;
        let header = local_header(name, &sizes)?;
        self.to.write_all(&header)?;
        let (mut crc, mut buffer) = (Crc::new(), vec![0; 1 << 16]);
        let mut encoder = DeflateEncoder::new(&mut self.to, Compression::new(6));
        loop {
            let n = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e.into()),
            };
            let piece = buffer.get(..n).unwrap_or_default();
            crc.update(piece);
            encoder.write_all(piece)?;
            sizes.length += n as u64;
        }
        encoder.try_finish()?;
        sizes.packed = encoder.total_out();
        drop(encoder);
        sizes.crc = crc.sum();
        if !sizes.is_wide && sizes.length.max(sizes.packed) >= u64::from(headers::MAX32) {
            let (name, reason) = (name.to_owned(), "grew while it was packed");
            return Err(ZipError::Damaged { name, reason });
        }
        self.at += header.len() as u64 + sizes.packed;
        self.to.seek(SeekFrom::Start(header_at))?;
        self.to.write_all(&local_header(name, &sizes)?)?;
        self.to.seek(SeekFrom::Start(self.at))?;
        self.list(name, header_at, &sizes)
    }

    /// Adds an entry to the directory.
    fn list(&mut self, name: &str, header_at: u64, sizes: &Sizes) -> Result<(), ZipError> {
        let is_far = header_at >= u64::from(headers::MAX32);
        let mut extra = Vec::new();
        if sizes.is_wide {
            extra.extend(sizes.length.to_le_bytes());
            extra.extend(sizes.packed.to_le_bytes());
        }
        if is_far {
            extra.extend(header_at.to_le_bytes());
        }
        let is_directory = name.ends_with('/');
        let mode: u32 = if is_directory { 0o040_755 } else { 0o100_644 };
        let to = &mut self.central;
        to.extend(headers::CENTRAL.to_le_bytes());
        to.extend(((3_u16 << 8) | version(sizes.is_wide || is_far)).to_le_bytes());
        common_into(name, sizes, is_far, to)?;
        let extra_bytes = if extra.is_empty() {
            0
        } else {
            extra.len() as u16 + 4
        };
        to.extend(extra_bytes.to_le_bytes());
        // The comment, the disk and the internal attributes.
        to.extend([0; 6]);
        to.extend((mode << 16 | u32::from(is_directory) << 4).to_le_bytes());
        to.extend(low(header_at, is_far).to_le_bytes());
        to.extend_from_slice(name.as_bytes());
        if !extra.is_empty() {
            to.extend(headers::EXTRA64.to_le_bytes());
            to.extend((extra.len() as u16).to_le_bytes());
            to.extend(extra);
        }
        self.entries += 1;
        Ok(())
    }

    /// Writes the directory, and returns what was written to.
    ///
    /// # Errors
    /// [`ZipError::Io`].
    pub fn finish(mut self) -> Result<W, ZipError> {
        let (start, bytes) = (self.at, self.central.len() as u64);
        self.to.write_all(&self.central)?;
        let is_wide =
            self.entries >= u64::from(u16::MAX) || start.max(bytes) >= u64::from(headers::MAX32);
        let mut end = Vec::new();
        if is_wide {
            end.extend(headers::END64.to_le_bytes());
            end.extend((headers::END64_BYTES as u64 - 12).to_le_bytes());
            end.extend(((3_u16 << 8) | version(true)).to_le_bytes());
            end.extend(version(true).to_le_bytes());
            end.extend([0; 8]);
            end.extend(self.entries.to_le_bytes());
            end.extend(self.entries.to_le_bytes());
            end.extend(bytes.to_le_bytes());
            end.extend(start.to_le_bytes());
            end.extend(headers::LOCATOR64.to_le_bytes());
            end.extend([0; 4]);
            end.extend((start + bytes).to_le_bytes());
            end.extend(1_u32.to_le_bytes());
        }
        let entries = u16::try_from(self.entries).unwrap_or(u16::MAX);
        let entries = if is_wide { u16::MAX } else { entries };
        end.extend(headers::END.to_le_bytes());
        end.extend([0; 4]);
        end.extend(entries.to_le_bytes());
        end.extend(entries.to_le_bytes());
        end.extend(low(bytes, is_wide).to_le_bytes());
        end.extend(low(start, is_wide).to_le_bytes());
        end.extend([0; 2]);
        self.to.write_all(&end)?;
        Ok(self.to)
    }
}

/// The version of ZIP that a reader needs.
fn version(is_wide: bool) -> u16 {
    if is_wide { 45 } else { 20 }
}

/// The number for a field of 32 bits.
fn low(number: u64, is_wide: bool) -> u32 {
    match is_wide {
        true => headers::MAX32,
        false => u32::try_from(number).unwrap_or(headers::MAX32),
    }
}

/// Appends what local headers and the directory have in common: from the version to the length of the name.
fn common_into(name: &str, sizes: &Sizes, is_far: bool, to: &mut Vec<u8>) -> Result<(), ZipError> {
    let name_bytes = u16::try_from(name.len()).map_err(|_| ZipError::Path {
        name: name.chars().take(80).collect(),
        reason: "has a name that is too long",
    })?;
    to.extend(version(sizes.is_wide || is_far).to_le_bytes());
    to.extend((if name.is_ascii() { 0 } else { UTF8 }).to_le_bytes());
    to.extend(sizes.method.to_le_bytes());
    to.extend(0_u16.to_le_bytes());
    to.extend(DATE.to_le_bytes());
    to.extend(sizes.crc.to_le_bytes());
    to.extend(low(sizes.packed, sizes.is_wide).to_le_bytes());
    to.extend(low(sizes.length, sizes.is_wide).to_le_bytes());
    to.extend(name_bytes.to_le_bytes());
    Ok(())
}

fn local_header(name: &str, sizes: &Sizes) -> Result<Vec<u8>, ZipError> {
    let mut header = headers::LOCAL.to_le_bytes().to_vec();
    common_into(name, sizes, false, &mut header)?;
    let extra_bytes: u16 = if sizes.is_wide { 20 } else { 0 };
    header.extend(extra_bytes.to_le_bytes());
    header.extend_from_slice(name.as_bytes());
    if sizes.is_wide {
        header.extend(headers::EXTRA64.to_le_bytes());
        header.extend(16_u16.to_le_bytes());
        header.extend(sizes.length.to_le_bytes());
        header.extend(sizes.packed.to_le_bytes());
    }
    Ok(header)
}
