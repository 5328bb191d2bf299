//! Opening of a collection: the place of every live document, and what crashes and other
//! programs left.

use std::collections::HashMap;
use std::collections::HashSet;
use std::io;

use crate::documents::DocumentError;
use crate::documents::Layout;
use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::data_file::inode_at;
use crate::documents::disk::foreign::deleted_by_others;
use crate::documents::disk::layout::is_absent;
use crate::documents::disk::lines::Lines;
use crate::documents::disk::loaded::Loaded;
use crate::documents::disk::resume::resume;
use crate::documents::disk::side_file::SideLog;
use crate::documents::format::Content;
use crate::documents::format::IndexForm;
use crate::documents::format::Mark;
use crate::documents::format::Place;
use crate::documents::format::SideRecord;
use crate::documents::format::limits::INDEX_BYTES_MAX;
use crate::documents::format::line_id;
use crate::documents::table::LiveIndex;
use crate::file_io::read_own;

/// Number of attempts of a reader while writers replace files.
const ATTEMPTS: usize = 1000;

/// Reads a collection, from its table where that is current. Without the lock of a writer, files may be replaced
/// meanwhile; it then reads again.
pub(crate) fn load(layout: &Layout) -> Result<Loaded, DocumentError> {
    attempt(layout, resume)
}

/// Reads a collection as [`load`] does, without its table.
pub(crate) fn load_without_table(layout: &Layout) -> Result<Loaded, DocumentError> {
    attempt(layout, |_, _| Ok(None))
}

fn attempt(
    layout: &Layout,
    from_table: impl Fn(&Layout, &DataFile) -> Result<Option<Loaded>, DocumentError>,
) -> Result<Loaded, DocumentError> {
    let fail = |e| DocumentError::file("read", &layout.data_file(), e);
    for _ in 0..ATTEMPTS {
        let data = DataFile::open(&layout.data_file()).map_err(fail)?;
        let loaded = match from_table(layout, &data) {
            Ok(None) => SideLog::read(&layout.side_file()).and_then(|log| build(layout, log, data)),
            Ok(Some(loaded)) => Ok(loaded),
            Err(e) => Err(e),
        };
        // An error may come from files that do not belong together.
        let inode = match &loaded {
            Ok(loaded) => loaded.data.inode().map_err(fail)?,
            Err(_) => inode_at(&layout.data_file()).map_err(fail)?,
        };
        let is_same_data = inode_at(&layout.data_file()).map_err(fail)? == inode;
        match loaded {
            Ok(loaded) => {
                let is_same_log = loaded.log.is_current(&layout.side_file()).map_err(fail)?;
                if is_same_data && is_same_log {
                    return Ok(loaded);
                }
            }
            Err(e) if is_same_data => return Err(e),
            Err(_) => {}
        }
    }
    Err(DocumentError::Changed(layout.data_file()))
}

/// The records of a side log that still count.
pub(crate) struct Valid {
    pub(crate) deletions: Vec<SideRecord>,
    checkpoint: Option<(Mark, IndexForm, Content)>,
    is_stale: bool,
}

/// Draws the key of a new table.
fn random_key() -> io::Result<[u8; 16]> {
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    Ok(key)
}

fn build(layout: &Layout, log: SideLog, data: DataFile) -> Result<Loaded, DocumentError> {
    let fail = |e| DocumentError::file("read", &layout.data_file(), e);
    let valid = valid_records(&log, &data).map_err(fail)?;
    let index = read_index(layout)?;
    let mut loaded = Loaded {
        data,
        index: LiveIndex::new(random_key().map_err(fail)?),
        end: 0,
        last_line: 0,
        needs_line_feed: false,
        torn_bytes: 0,
        unreadable: 0,
        deletion_bytes: valid.deletions.iter().map(SideRecord::length).sum(),
        deletions: valid.deletions,
        new_deletions: Vec::new(),
        is_log_stale: valid.is_stale,
        log,
        is_index_current: false,
        index_file: None,
        covered: 0,
        form: valid.checkpoint.as_ref().map(|(_, form, _)| *form),
    };
    let known = valid.checkpoint.as_ref();
    let known_index = known.map(|(_, _, content)| content);
    let is_own = index.is_some() && index.as_deref().map(Content::of).as_ref() == known_index;
    loaded.scan_from(0).map_err(fail)?;
    loaded.apply_deletions().map_err(fail)?;
    if let Some(bytes) = index.as_deref().filter(|_| !is_own) {
        let known = known.map(|(mark, form, _)| (mark, *form));
        let ids = deleted_by_others(bytes, known, &loaded).map_err(fail)?;
        loaded.delete_for_others(ids).map_err(fail)?;
    }
    Ok(loaded)
}

fn read_index(layout: &Layout) -> Result<Option<Vec<u8>>, DocumentError> {
    let path = layout.index_file();
    match read_own(&path, INDEX_BYTES_MAX) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if is_absent(&e) => Ok(None),
        Err(e) => Err(DocumentError::file("read", &path, e)),
    }
}

/// Chooses the records that describe this log.
pub(crate) fn valid_records(log: &SideLog, data: &DataFile) -> io::Result<Valid> {
    let mut records = log.records.as_slice();
    let mut is_stale = false;
    if let Some(SideRecord::Compaction { old, new }) = records.last() {
        // Zeros are the hash of a log that does not begin with the new one.
        let is_old = old.hash != [0; 32] && data.content(old.length)?.as_ref() == Some(old);
        if !is_old && data.content(new.length)?.as_ref() == Some(new) {
            // It happened, and the crash came before the side log was replaced.
            records = &[];
        }
        is_stale = true;
    }
    let mut checkpoint = None;
    for (at, record) in records.iter().enumerate() {
        if let SideRecord::Checkpoint { mark, form, index } = record
            && data.has(mark)?
        {
            checkpoint = Some((at, (*mark, *form, *index)));
        }
    }
    let proven = checkpoint.as_ref().map_or(0, |(at, _)| *at);
    let mut seen: HashMap<Mark, bool> = HashMap::new();
    let mut deletions = Vec::new();
    for (at, record) in records.iter().enumerate() {
        let SideRecord::Delete { mark, .. } = record else {
            continue;
        };
        let is_same = match seen.get(mark) {
            // A checkpoint has proven the bytes that it covers.
            _ if at < proven => true,
            Some(known) => *known,
            None => data.has(mark)?,
        };
        seen.insert(*mark, is_same);
        match is_same {
            true => deletions.push(record.clone()),
            false => is_stale = true,
        }
    }
    Ok(Valid {
        deletions,
        checkpoint: checkpoint.map(|(_, checkpoint)| checkpoint),
        is_stale,
    })
}

impl Loaded {
    /// Reads the lines from an offset to the end.
    pub(super) fn scan_from(&mut self, start: u64) -> io::Result<()> {
        let mut lines = Lines::new(self.data.clone(), start);
        let data = self.data.clone();
        let view = data.view();
        while let Some(line) = lines.next()? {
            let id = line_id(line.bytes);
            let is_blank = line.bytes.trim_ascii().is_empty() && !line.is_too_long;
            if !line.is_ended && (line.is_too_long || id.is_err() && !is_blank) {
                self.torn_bytes = line.length;
                break;
            }
            let offset = line.offset;
            match (id, u32::try_from(line.length)) {
                _ if is_blank => self.index.mark_dead(offset),
                (Ok(id), Ok(length)) => {
                    let place = Place { offset, length };
                    self.index.put(&id, place, &view)?;
                }
                _ => {
                    self.unreadable += 1;
                    self.index.mark_dead(offset);
                }
            }
            self.last_line = offset;
            self.end = offset + line.length;
            self.needs_line_feed = !line.is_ended;
        }
        Ok(())
    }

    /// Applies deletions to the lines before their marks.
    fn apply_deletions(&mut self) -> io::Result<()> {
        let view = self.data.view();
        for record in &self.deletions {
            if let SideRecord::Delete { mark, id } = record {
                self.index.remove(id, mark.length, &view)?;
            }
        }
        Ok(())
    }

    /// Takes over what others deleted.
    fn delete_for_others(&mut self, ids: HashSet<Box<str>>) -> io::Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let Some(mark) = self.data.mark(self.end, self.last_line)? else {
            return Ok(());
        };
        for id in ids {
            self.index.remove(&id, self.end, &self.data.view())?;
            let id = id.into_string();
            self.new_deletions.push(SideRecord::Delete { mark, id });
        }
        Ok(())
    }
}
