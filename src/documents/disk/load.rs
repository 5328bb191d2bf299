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
use crate::documents::disk::loaded::Place;
use crate::documents::disk::loaded::Places;
use crate::documents::disk::side_file::SideLog;
use crate::documents::format::Content;
use crate::documents::format::IndexForm;
use crate::documents::format::Mark;
use crate::documents::format::SideRecord;
use crate::documents::format::decode_index;
use crate::documents::format::limits::INDEX_BYTES_MAX;
use crate::documents::format::line_id;
use crate::file_io::read_own;

/// Number of attempts of a reader while writers replace files.
const ATTEMPTS: usize = 1000;

/// Reads a collection. Without the lock of a writer, files may be replaced meanwhile; it then reads again.
pub(crate) fn load(layout: &Layout) -> Result<Loaded, DocumentError> {
    let fail = |e| DocumentError::file("read", &layout.data_file(), e);
    for _ in 0..ATTEMPTS {
        let log = SideLog::read(&layout.side_file())?;
        let data = DataFile::open(&layout.data_file()).map_err(fail)?;
        let loaded = build(layout, log, data);
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
struct Valid {
    deletions: Vec<SideRecord>,
    checkpoint: Option<(Mark, IndexForm, Content)>,
    is_stale: bool,
    /// True if a deletion came after the checkpoint.
    has_later_deletions: bool,
}

fn build(layout: &Layout, log: SideLog, data: DataFile) -> Result<Loaded, DocumentError> {
    let fail = |e| DocumentError::file("read", &layout.data_file(), e);
    let valid = valid_records(&log, &data).map_err(fail)?;
    let index = read_index(layout)?;
    let mut loaded = Loaded {
        data,
        places: Places::new(),
        end: 0,
        last_line: 0,
        needs_line_feed: false,
        torn_bytes: 0,
        unreadable: 0,
        deletions: valid.deletions,
        new_deletions: Vec::new(),
        is_log_stale: valid.is_stale,
        log,
        is_index_current: false,
        form: valid.checkpoint.as_ref().map(|(_, form, _)| *form),
    };
    let known = valid.checkpoint.as_ref();
    let known_index = known.map(|(_, _, content)| content);
    let is_own = index.as_deref().map(Content::of).as_ref() == known_index && index.is_some();
    if let (Some((mark, ..)), Some(bytes), true) = (known, &index, is_own) {
        loaded.take_index(bytes, mark);
    }
    let covered = loaded.end;
    loaded.scan_from(covered).map_err(fail)?;
    loaded.is_index_current = covered > 0
        && covered == loaded.end
        && loaded.torn_bytes == 0
        && !valid.has_later_deletions;
    loaded.apply_deletions();
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
fn valid_records(log: &SideLog, data: &DataFile) -> io::Result<Valid> {
    let mut records = log.records.as_slice();
    let mut is_stale = false;
    if let Some(SideRecord::Compaction { old, new }) = records.last() {
        let is_old = data.content(old.length)?.as_ref() == Some(old);
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
    let (mut deletions, mut has_later_deletions) = (Vec::new(), false);
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
            true => {
                has_later_deletions |= at > proven;
                deletions.push(record.clone());
            }
            false => is_stale = true,
        }
    }
    Ok(Valid {
        deletions,
        checkpoint: checkpoint.map(|(_, checkpoint)| checkpoint),
        is_stale,
        has_later_deletions,
    })
}

impl Loaded {
    /// Takes the places from the index of a checkpoint.
    fn take_index(&mut self, bytes: &[u8], mark: &Mark) {
        let Ok((_, entries)) = decode_index(bytes) else {
            return;
        };
        let fits = |offset: u64, length: u32| offset.saturating_add(length.into()) <= mark.length;
        if !entries.iter().all(|e| fits(e.offset, e.length)) {
            return;
        }
        self.places = entries
            .into_iter()
            .map(|e| {
                let place = Place {
                    offset: e.offset,
                    length: e.length,
                };
                (e.id.into_owned().into_boxed_str(), place)
            })
            .collect();
        (self.end, self.last_line) = (mark.length, mark.last_line);
    }

    /// Reads the lines from an offset to the end.
    fn scan_from(&mut self, start: u64) -> io::Result<()> {
        let data = self.data.clone();
        let mut lines = Lines::new(&data, start);
        while let Some(line) = lines.next()? {
            let id = line_id(line.bytes);
            if !line.is_ended && id.is_err() && !line.bytes.trim_ascii().is_empty()
                || line.is_too_long && !line.is_ended
            {
                self.torn_bytes = line.length;
                break;
            }
            let is_blank = line.bytes.trim_ascii().is_empty() && !line.is_too_long;
            match (id, u32::try_from(line.length)) {
                _ if is_blank => {}
                (Ok(id), Ok(length)) => {
                    let offset = line.offset;
                    self.places.insert(id.into(), Place { offset, length });
                }
                _ => self.unreadable += 1,
            }
            self.last_line = line.offset;
            self.end = line.offset + line.length;
            self.needs_line_feed = !line.is_ended;
        }
        Ok(())
    }

    fn apply_deletions(&mut self) {
        for record in &self.deletions {
            if let SideRecord::Delete { mark, id } = record
                && self
                    .places
                    .get(id.as_str())
                    .is_some_and(|p| p.offset < mark.length)
            {
                self.places.remove(id.as_str());
            }
        }
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
            self.places.remove(&id);
            let id = id.into_string();
            self.new_deletions.push(SideRecord::Delete { mark, id });
        }
        Ok(())
    }
}
