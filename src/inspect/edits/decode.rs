//! Decoder of journals.

use std::sync::Arc;

use crate::ident::ContentId;
use crate::inspect::edits::journal::BaseIdentity;
use crate::inspect::edits::journal::CHECK_BYTES;
use crate::inspect::edits::journal::EditEntry;
use crate::inspect::edits::journal::FileSplices;
use crate::inspect::edits::journal::FileState;
use crate::inspect::edits::journal::Journal;
use crate::inspect::edits::journal::MAGIC;
use crate::inspect::edits::journal::VERSION;
use crate::inspect::edits::journal::first_chain;
use crate::inspect::edits::journal::next_chain;
use crate::inspect::edits::splice::Splice;
use crate::inspect::file_stamp::RecordedFile;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::limits::EDIT_JOURNAL_BYTES_MAX;
use crate::wire::limits::EDIT_LABEL_BYTES_MAX;
use crate::wire::limits::EDIT_PATH_BYTES_MAX;
use crate::wire::limits::EDIT_RECORD_BYTES_MAX;
use crate::wire::limits::PATH_BYTES_MAX;

/// Bytes before the first record.
const FRONT_BYTES: usize = 12;

impl Journal {
    /// Decodes the bytes of a journal. A torn tail is left out. Returns `None` if not even the base
    /// is there.
    ///
    /// # Errors
    /// [`DecodeError`] for damage before the tail.
    pub fn decode(bytes: Vec<u8>) -> Result<Option<Self>, DecodeError> {
        journal(bytes)
    }
}

fn journal(bytes: Vec<u8>) -> Result<Option<Journal>, DecodeError> {
    if bytes.len() > EDIT_JOURNAL_BYTES_MAX {
        return Err(DecodeError::Limit {
            field: "length",
            value: bytes.len() as u64,
            limit: EDIT_JOURNAL_BYTES_MAX as u64,
        });
    }
    if bytes.len() < FRONT_BYTES {
        // The first write was cut short, or this is something else.
        let is_cut = MAGIC.starts_with(bytes.get(..MAGIC.len()).unwrap_or(&bytes));
        return match is_cut || bytes.iter().all(|b| *b == 0) {
            true => Ok(None),
            false => Err(DecodeError::Magic("journal of edits")),
        };
    }
    let mut front = Reader::new(&bytes);
    if front.array()? != MAGIC {
        return match bytes.iter().all(|b| *b == 0) {
            true => Ok(None),
            false => Err(DecodeError::Magic("journal of edits")),
        };
    }
    let version = front.u32()?;
    if version != VERSION {
        return Err(DecodeError::Version(version));
    }
    let mut records = Records {
        bytes: &bytes,
        at: FRONT_BYTES,
        chain: first_chain(),
    };
    let Some((start, end)) = records.next()? else {
        return Ok(None);
    };
    let mut found = Contents {
        base: base(bytes.get(start..end).unwrap_or_default())?,
        edits: Vec::new(),
        active: 0,
    };
    while let Some((start, end)) = records.next()? {
        found.record(&bytes, start, end)?;
    }
    let (valid, chain) = (records.at, records.chain);
    Ok(Some(Journal {
        base: found.base,
        edits: found.edits,
        active: found.active,
        bytes: Arc::new(bytes),
        valid,
        chain,
    }))
}

/// Iterator over whole records.
struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    chain: [u8; 32],
}

impl Records<'_> {
    /// Returns the range of the next payload; `None` at the end or at a torn tail.
    fn next(&mut self) -> Result<Option<(usize, usize)>, DecodeError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let mut r = Reader::new(rest);
        let Ok(length) = r.u32() else {
            return Ok(None);
        };
        let size = length as usize;
        let whole = size.saturating_add(4 + CHECK_BYTES);
        if whole > rest.len() || rest.iter().all(|b| *b == 0) {
            return Ok(None);
        }
        if size == 0 || size > EDIT_RECORD_BYTES_MAX {
            return Err(DecodeError::Invalid("length of a record"));
        }
        let payload = r.bytes(size)?;
        let check = r.bytes(CHECK_BYTES)?;
        let chain = next_chain(&self.chain, length, payload);
        if chain.get(..CHECK_BYTES) != Some(check) {
            // The last record may be half-written; what is followed by more is damaged.
            return match whole == rest.len() {
                true => Ok(None),
                false => Err(DecodeError::Checksum("a record")),
            };
        }
        self.chain = chain;
        let start = self.at + 4;
        self.at += whole;
        Ok(Some((start, start + size)))
    }
}

fn base(payload: &[u8]) -> Result<BaseIdentity, DecodeError> {
    let mut r = Reader::new(payload);
    let base = match r.u8()? {
        0 => BaseIdentity::File {
            path: r.counted("path", EDIT_PATH_BYTES_MAX)?.to_vec(),
            state: state(&mut r)?,
        },
        1 => {
            let content_id = ContentId::new(r.array()?);
            let name = r.counted("name", EDIT_PATH_BYTES_MAX)?;
            let name = std::str::from_utf8(name).map_err(|_| DecodeError::Invalid("name"))?;
            let name = name.to_owned();
            BaseIdentity::Dataset { content_id, name }
        }
        _ => return Err(DecodeError::Invalid("base")),
    };
    r.end()?;
    Ok(base)
}

fn state(r: &mut Reader<'_>) -> Result<FileState, DecodeError> {
    let (seen, is_hashed) = RecordedFile::read(r)?;
    let hash = r.array()?;
    let hash = is_hashed.then_some(hash);
    Ok(FileState { seen, hash })
}

/// Contents of the records read so far.
struct Contents {
    base: BaseIdentity,
    edits: Vec<EditEntry>,
    active: usize,
}

impl Contents {
    fn record(&mut self, bytes: &[u8], start: usize, end: usize) -> Result<(), DecodeError> {
        let mut r = Reader::new(bytes.get(start..end).unwrap_or_default());
        match r.u8()? {
            1 => {
                self.edits.truncate(self.active);
                edits(&mut r, end as u64, &mut self.edits)?;
                self.active = self.edits.len();
            }
            2 => self.active = step(&mut r, self.active, |n, by| n.checked_sub(by))?,
            3 => {
                let most = self.edits.len();
                let forward = |n: usize, by| n.checked_add(by).filter(|n| *n <= most);
                self.active = step(&mut r, self.active, forward)?;
            }
            4 => match &mut self.base {
                BaseIdentity::File { state: of, .. } => *of = state(&mut r)?,
                BaseIdentity::Dataset { .. } => return Err(DecodeError::Invalid("record")),
            },
            _ => return Err(DecodeError::Invalid("record")),
        }
        r.end()
    }
}

fn step(
    r: &mut Reader<'_>,
    active: usize,
    by: impl Fn(usize, usize) -> Option<usize>,
) -> Result<usize, DecodeError> {
    let count = usize::try_from(r.varint()?).ok().filter(|n| *n > 0);
    let moved = count.and_then(|count| by(active, count));
    moved.ok_or(DecodeError::Invalid("number of edits"))
}

/// Reads the edits of a record that ends at byte `end` of the journal.
fn edits(r: &mut Reader<'_>, end: u64, out: &mut Vec<EditEntry>) -> Result<(), DecodeError> {
    let time = i64::from_le_bytes(r.array()?);
    // Every edit, file and splice takes at least one byte, so a claimed number is bounded.
    let edits = r.count("edits", r.remaining())?;
    if edits == 0 {
        return Err(DecodeError::Invalid("number of edits"));
    }
    for _ in 0..edits {
        let label = r.counted("label", EDIT_LABEL_BYTES_MAX)?;
        let label = std::str::from_utf8(label).map_err(|_| DecodeError::Invalid("label"))?;
        let label = label.to_owned();
        let mut files: Vec<FileSplices> = Vec::new();
        for _ in 0..r.count("files", r.remaining())? {
            let file = r.counted("path", PATH_BYTES_MAX)?;
            let file = std::str::from_utf8(file).map_err(|_| DecodeError::Invalid("path"))?;
            let file = file.to_owned();
            if files.last().is_some_and(|last| last.file >= file) {
                return Err(DecodeError::Invalid("order of files"));
            }
            let count = r.count("splices", r.remaining())?;
            if count == 0 {
                return Err(DecodeError::Invalid("number of splices"));
            }
            let (mut splices, mut before) = (Vec::new(), (0, 0));
            for _ in 0..count {
                splices.push(Splice::read(r, &mut before, end)?);
            }
            files.push(FileSplices { file, splices });
        }
        out.push(EditEntry { time, label, files });
    }
    Ok(())
}
