//! Files of a source as partitions: `DATE/…/NAME.parquet`, complete with `DATE/_SUCCESS`.

use std::collections::BTreeMap;

use time::Date;
use time::Month;

use crate::features::limits::PARTITION_FILES_MAX;
use crate::features::source::Listing;
use crate::features::source::Partition;
use crate::features::source::PartitionFile;

/// The file that completes a partition.
pub(crate) const MARKER: &str = "_SUCCESS";
/// The end of the names of files with rows.
const ENDING: &str = ".parquet";
/// Number of names that are no dates and that are reported.
const OTHERS_MAX: usize = 100;

/// Returns true for a date that exists, as ten characters: `2024-01-05`.
pub(crate) fn is_date(name: &str) -> bool {
    let bytes = name.as_bytes();
    let number = |range: std::ops::Range<usize>| -> Option<u16> {
        let digits = name.get(range)?;
        let is_plain = digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|_| is_plain)
    };
    let date = || {
        let is_shaped = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
        let year = number(0..4).filter(|_| is_shaped)?;
        let month = Month::try_from(u8::try_from(number(5..7)?).ok()?).ok()?;
        let day = u8::try_from(number(8..10)?).ok()?;
        Date::from_calendar_date(i32::from(year), month, day).ok()
    };
    date().is_some()
}

/// Returns true for the path of a file with rows, below its partition: no part of it is hidden by `_` or `.`.
pub(crate) fn has_rows(path: &str) -> bool {
    path.ends_with(ENDING) && !path.split('/').any(is_hidden)
}

/// Returns true for names that tools use for their own files.
pub(crate) fn is_hidden(part: &str) -> bool {
    part.starts_with(['_', '.'])
}

/// Returns the reason why a directory with this name is no partition.
pub(crate) fn name_fault() -> String {
    "its name is no date such as `2024-01-05`".to_owned()
}

/// Sorts the files of a source, by their paths below it, into partitions.
pub(crate) fn partitions_of(files: Vec<PartitionFile>) -> Listing {
    let mut found: BTreeMap<String, Gathered> = BTreeMap::new();
    for file in files {
        // A file beside the directories belongs to none of them.
        let Some((name, path)) = file.path.split_once('/') else {
            continue;
        };
        let gathered = found.entry(name.to_owned()).or_default();
        if path == MARKER {
            gathered.is_complete = true;
        } else if has_rows(path) {
            gathered.files.push(file);
        }
    }
    let mut listing = Listing::default();
    let mut strangers = 0;
    for (name, gathered) in found.into_iter().rev() {
        if !is_date(&name) {
            strangers += 1;
            if strangers <= OTHERS_MAX {
                listing.others.push((name, name_fault()));
            }
            continue;
        }
        match gathered.partition(&name) {
            Ok(partition) => listing.partitions.push(partition),
            Err(why) => listing.others.push((name, why)),
        }
    }
    listing
}

/// The files of a directory.
#[derive(Default)]
struct Gathered {
    is_complete: bool,
    files: Vec<PartitionFile>,
}

impl Gathered {
    fn partition(self, name: &str) -> Result<Partition, String> {
        let mut files = self.files;
        if !self.is_complete {
            return Err(format!("it has no `{MARKER}`"));
        }
        if files.is_empty() {
            return Err("it has no Parquet file".to_owned());
        }
        if files.len() > PARTITION_FILES_MAX {
            return Err(format!("it has more than {PARTITION_FILES_MAX} files"));
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Partition::new(name, files))
    }
}

impl Partition {
    /// Returns a partition of files that no dataset names.
    pub(crate) fn new(name: &str, files: Vec<PartitionFile>) -> Self {
        Self {
            name: name.to_owned(),
            files,
            content_id: None,
            publisher: None,
        }
    }

    /// Returns a version of a dataset, with the content id and the publisher's key, in hex.
    #[cfg(feature = "registry")]
    pub(crate) fn of_dataset(
        name: &str,
        files: Vec<PartitionFile>,
        (content_id, publisher): (String, Option<String>),
    ) -> Self {
        Self {
            content_id: Some(content_id),
            publisher,
            ..Self::new(name, files)
        }
    }
}
