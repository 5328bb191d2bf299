//! Lookups in a segment.
//!
//! - `open.rs`: a segment from its file; `memory.rs`: its bytes, in a map or in large pages, and their checksums
//! - `keys.rs`: keys as they are hashed and compared; `rows.rs`, `find.rs`: rows of keys, in groups, so that the reads of
//!   memory of many keys are under way at the same time
//! - `take.rs`: columns of rows; `scan.rs`: rows one after the other

mod find;
mod keys;
mod memory;
mod open;
mod rows;
mod scan;
mod take;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_buffer::BooleanBuffer;
use arrow_buffer::Buffer;
use arrow_schema::Field;
use arrow_schema::Schema;

use crate::features::answer::Answer;
use crate::features::error::FeatureError;
use crate::features::keys::Keys;
use crate::features::limits::ANSWER_BYTES_MAX;
use crate::features::schema::TableSchema;
use crate::features::segment::Origin;
use crate::features::table::find::Finder;
use crate::features::table::keys::HashedKeys;
pub use crate::features::table::open::MemoryMode;
use crate::features::table::open::Segment;
use crate::features::table::rows::Bits;
use crate::features::table::rows::GROUP;
use crate::features::table::rows::Rows;
use crate::features::table::take::Column;

/// Condition of the age of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxAge {
    /// Rows that are older count as expired.
    pub ttl: Duration,
    /// The time of the request, in microseconds since 1970-01-01 UTC.
    pub now: i64,
}

impl MaxAge {
    /// Returns true if a row is too old, or has no time, so that nobody knows its age.
    fn is_over(self, time: Option<i64>) -> bool {
        let ttl = i64::try_from(self.ttl.as_micros()).unwrap_or(i64::MAX);
        time.is_none_or(|time| self.now.saturating_sub(time) > ttl)
    }
}

/// A segment that is open for lookups. Any thread may use it.
#[derive(Debug)]
pub struct FeatureTable(Segment);

impl FeatureTable {
    /// Opens a segment. Its head, checksums and description are checked now, and each block of rows before its first
    /// use; with [`MemoryMode::Huge`] everything is read and checked now.
    ///
    /// # Errors
    /// [`FeatureError::Damaged`]; [`FeatureError::File`].
    pub fn open(path: &Path, memory: MemoryMode) -> Result<Self, FeatureError> {
        Segment::open(path, memory).map(Self)
    }

    /// Returns the table with a copy of its bytes in large pages, all of them checked, if half of the available memory
    /// has room for it.
    ///
    /// # Errors
    /// As [`FeatureTable::open`].
    pub fn in_memory(&self) -> Result<Option<Self>, FeatureError> {
        Ok(self.0.in_memory()?.map(Self))
    }

    /// Returns the columns.
    pub fn schema(&self) -> &TableSchema {
        &self.0.schema
    }

    /// Returns the origin of the rows.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> u64 {
        self.0.rows
    }

    /// Returns the number of rows that a later one of the same key replaced, and of rows without a key.
    pub fn left_out(&self) -> (u64, u64) {
        (self.0.duplicates, self.0.null_keys)
    }

    /// Returns the bytes of the segment.
    pub fn bytes(&self) -> u64 {
        self.0.memory.file_bytes()
    }

    /// Looks rows up. The columns of the answer are in the requested order, and may be those of the key.
    ///
    /// # Errors
    /// [`FeatureError::NoColumn`]; [`FeatureError::Damaged`] if a block that is needed is not what was written;
    /// [`FeatureError::Limit`] for an answer that is too large.
    pub fn get(
        &self,
        keys: &Keys,
        columns: &[&str],
        max_age: Option<MaxAge>,
    ) -> Result<Answer, FeatureError> {
        let places = self.places_of(columns)?;
        self.check_size(keys.len(), &places)?;
        let keys = HashedKeys::new(self.0.hash, keys, &self.0.schema);
        let finder = Finder::new(&self.0)?;
        finder.read_ahead(keys.hashes());
        let mut out: Vec<Column> = places
            .iter()
            .map(|at| self.column(*at, keys.len()))
            .collect();
        let (mut found, mut times) = (Vec::new(), Vec::new());
        let mut expired = max_age.map(|_| Vec::new());
        let has_times = self.0.schema.timestamp_place().is_some();
        let mut rows = Rows::default();
        for first in (0..keys.len()).step_by(GROUP) {
            finder.find(&keys, first, &mut rows)?;
            let mut present = rows.present();
            present.append(&mut found);
            if has_times {
                self.read_times(&rows, &mut times);
                if let (Some(max_age), Some(expired)) = (max_age, &mut expired) {
                    let times = times.get(first..).unwrap_or_default();
                    let over = Bits::of(times, |time| max_age.is_over(*time)).and(present);
                    over.append(expired);
                    rows.forget(over);
                    present = present.without(over);
                }
            }
            for column in &mut out {
                column.take(&finder, &rows, present)?;
            }
        }
        let count = keys.len();
        let fields: Vec<Arc<Field>> = places
            .iter()
            .map(|at| Arc::clone(&self.0.fields[*at]))
            .collect();
        let arrays = out.into_iter().map(|column| column.finish(&self.0));
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let bits = |bytes: Vec<u8>| BooleanBuffer::new(Buffer::from_vec(bytes), 0, count);
        let answer = Answer::new(Arc::new(Schema::new(fields)), arrays, bits(found));
        Ok(match has_times {
            true => answer.with_times(times, expired.map(bits)),
            false => answer,
        })
    }

    fn places_of(&self, columns: &[&str]) -> Result<Vec<usize>, FeatureError> {
        let place = |name: &&str| {
            let found = self.0.places.get(*name).copied();
            found.ok_or_else(|| FeatureError::no_column(name, self.0.schema.names()))
        };
        columns.iter().map(place).collect()
    }

    /// Refuses an answer whose values of fixed width are too many bytes. Texts are counted as they come.
    fn check_size(&self, keys: usize, places: &[usize]) -> Result<(), FeatureError> {
        let widths = places.iter().filter_map(|at| self.0.layout.slots.get(*at));
        let row: u64 = widths.map(|slot| slot.storage.bytes() as u64).sum();
        let bytes = row.saturating_mul(keys as u64);
        match bytes <= ANSWER_BYTES_MAX {
            true => Ok(()),
            false => Err(FeatureError::Limit {
                what: format!("an answer of {bytes} bytes"),
                limit: format!("{ANSWER_BYTES_MAX} bytes"),
            }),
        }
    }

    /// Appends the times of rows; none of a row without one.
    fn read_times(&self, rows: &Rows<'_>, times: &mut Vec<Option<i64>>) {
        let layout = &self.0.layout;
        let slot = self.0.schema.timestamp_place();
        let Some(slot) = slot.and_then(|at| layout.slots.get(at)) else {
            return;
        };
        times.extend(rows.rows().iter().map(|row| {
            let bytes = row.get(slot.at..).and_then(|rest| rest.first_chunk::<8>());
            let is_known = !layout.is_null(slot, row);
            bytes
                .filter(|_| is_known)
                .map(|bytes| i64::from_le_bytes(*bytes))
        }));
    }

    fn column(&self, place: usize, keys: usize) -> Column {
        Column::new(
            self.0.schema.columns()[place].data_type,
            self.0.layout.slots[place],
            keys,
        )
    }
}
