//! Deletions by other programs: ids that an index of theirs lacks.

use std::collections::HashSet;
use std::io;

use crate::documents::disk::live_lines::LiveLines;
use crate::documents::disk::loaded::Loaded;
use crate::documents::format::IndexEntry;
use crate::documents::format::IndexForm;
use crate::documents::format::Mark;
use crate::documents::format::decode_index;
use crate::documents::format::is_held_by_index;
use crate::documents::format::quick_id;

/// Returns the ids of live documents that another program has deleted.
///
/// Another program deletes by an index without the id. Its index covers the log up to the end of its last
/// entry, and says nothing of what follows. It counts only if each of its entries is true: an index of a
/// program that lost track of the log, or that belongs to an older log, deletes nothing.
pub(super) fn deleted_by_others(
    index: &[u8],
    known: Option<(&Mark, IndexForm)>,
    loaded: &Loaded,
) -> io::Result<HashSet<Box<str>>> {
    let none = HashSet::new();
    let Ok((form, entries)) = decode_index(index) else {
        return Ok(none);
    };
    // A reader of the text form finds nothing in a binary index, and then writes one with its own
    // documents alone.
    if form == IndexForm::Text && matches!(known, Some((_, IndexForm::Binary))) {
        return Ok(none);
    }
    for entry in &entries {
        if !is_true(entry, loaded)? {
            return Ok(none);
        }
    }
    let ends = entries
        .iter()
        .map(|e| e.offset.saturating_add(e.length.into()));
    let covered = match (ends.max(), form, known) {
        (Some(end), ..) => end,
        // The last document of an index that we wrote is gone.
        (None, IndexForm::Binary, Some((mark, _))) => mark.length,
        (None, ..) => 0,
    };
    let kept: HashSet<&str> = entries.iter().map(|e| e.id.as_ref()).collect();
    let (mut gone, dead) = (HashSet::new(), loaded.index.dead());
    let covered = 0..covered.min(loaded.end);
    let mut live = LiveLines::new(loaded.data.clone(), covered, &dead, [])?;
    while let Some((_, _, line)) = live.next()? {
        if let Ok(id) = quick_id(line)
            && !kept.contains(id.as_ref())
            && is_held_by_index(form, &id)
        {
            gone.insert(id.into());
        }
    }
    Ok(gone)
}

/// Returns true if the document of an entry is where it says.
fn is_true(entry: &IndexEntry<'_>, loaded: &Loaded) -> io::Result<bool> {
    // It may be an older line of the document, or one that was deleted here.
    let end = entry.offset.saturating_add(entry.length.into());
    if end > loaded.end || entry.length == 0 {
        return Ok(false);
    }
    if entry.offset > 0 && loaded.data.read(entry.offset - 1, 1)? != b"\n" {
        return Ok(false);
    }
    let line = loaded.data.read(entry.offset, entry.length.into())?;
    Ok(quick_id(&line).is_ok_and(|id| id == entry.id))
}
