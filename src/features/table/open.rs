//! A segment from its file.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::Field;

use crate::features::error::FeatureError;
use crate::features::limits::DESCRIPTION_BYTES_MAX;
use crate::features::schema::TableSchema;
use crate::features::segment::Area;
use crate::features::segment::BLOCK_BYTES;
use crate::features::segment::CHECK_BYTES;
use crate::features::segment::Description;
use crate::features::segment::HEAD_BYTES;
use crate::features::segment::Head;
use crate::features::segment::KeyHash;
use crate::features::segment::Origin;
use crate::features::segment::RowLayout;
use crate::features::table::memory::SegmentMemory;
use crate::features::table::memory::available_memory;
use crate::read_at::ReadAt as _;
use crate::read_at::read_range;

/// The places of a part in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartPlace {
    pub(super) cells_at: usize,
    pub(super) rows_at: usize,
    pub(super) rows: u64,
    pub(super) heap_at: usize,
    pub(super) heap_bytes: usize,
}

/// A file whose head, checksums and description are sound.
struct SegmentFile {
    file: Arc<File>,
    description: Description,
    checks: Vec<u8>,
    data_end: u64,
    file_bytes: u64,
}

impl SegmentFile {
    fn read(path: &Path) -> Result<Self, FeatureError> {
        let failed = |e| FeatureError::file("read", path, e);
        let damaged = |why| FeatureError::damaged(path, why);
        let file = File::open(path).map_err(|e| FeatureError::file("open", path, e))?;
        let length = file.len();
        if length < HEAD_BYTES as u64 {
            return Err(damaged("it is too short"));
        }
        let page = read_range(&file, &(0..HEAD_BYTES as u64)).map_err(failed)?;
        let head = Head::decode(&page).map_err(damaged)?;
        let data_end = head.checks.at;
        let data_bytes = data_end.checked_sub(HEAD_BYTES as u64);
        let data_bytes = data_bytes.ok_or_else(|| damaged("its areas overlap"))?;
        let blocks = data_bytes.div_ceil(BLOCK_BYTES as u64);
        let checks_end = head.checks.at.checked_add(head.checks.bytes);
        let end = head.description.at.checked_add(head.description.bytes);
        if head.checks.bytes != blocks.saturating_mul(CHECK_BYTES as u64)
            || checks_end != Some(head.description.at)
            || end != Some(length)
            || head.description.bytes > DESCRIPTION_BYTES_MAX as u64
        {
            return Err(damaged("its areas are not where they should be"));
        }
        let area = |area: &Area| {
            let bytes = read_range(&file, &(area.at..area.at + area.bytes)).map_err(failed)?;
            match *blake3::hash(&bytes).as_bytes() == area.hash {
                true => Ok(bytes),
                false => Err(damaged(
                    "its description or its checksums are not what was written",
                )),
            }
        };
        let checks = area(&head.checks)?;
        let description = serde_json::from_slice(&area(&head.description)?);
        Ok(Self {
            description: description.map_err(|_| damaged("its description is none"))?,
            file: Arc::new(file),
            checks,
            data_end,
            file_bytes: length,
        })
    }
}

/// The memory that holds a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoryMode {
    /// A map of the file, which [`FeatureTable::in_memory`](crate::features::FeatureTable::in_memory) copies to large pages where the memory allows it.
    #[default]
    Auto,
    /// A copy in large pages.
    Huge,
    /// A map of the file.
    Map,
}

/// A segment that is open.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) schema: TableSchema,
    pub(super) origin: Origin,
    pub(super) layout: RowLayout,
    pub(super) hash: KeyHash,
    pub(super) cells: u64,
    pub(super) parts: Vec<PartPlace>,
    pub(super) rows: u64,
    pub(super) duplicates: u64,
    pub(super) null_keys: u64,
    /// The fields of answers, one for each column.
    pub(super) fields: Vec<Arc<Field>>,
    pub(super) places: HashMap<String, usize>,
    pub(super) memory: SegmentMemory,
}

impl Segment {
    /// Opens a file.
    ///
    /// # Errors
    /// [`FeatureError::Damaged`]; [`FeatureError::File`].
    pub(super) fn open(path: &Path, memory: MemoryMode) -> Result<Self, FeatureError> {
        let segment = SegmentFile::read(path)?;
        let description = &segment.description;
        let checked = description.check(segment.data_end);
        let (schema, layout, seed) = checked.map_err(|why| FeatureError::damaged(path, why))?;
        let ends = (segment.data_end, segment.file_bytes);
        let map = SegmentMemory::map(segment.file, ends, segment.checks);
        let places = description.parts.iter().map(|part| {
            let number = |at: Option<u64>| usize::try_from(at?).ok();
            Some(PartPlace {
                cells_at: number(Some(part.at))?,
                rows_at: number(part.rows_at())?,
                rows: part.rows,
                heap_at: number(part.heap_at(layout.bytes))?,
                heap_bytes: number(Some(part.heap))?,
            })
        });
        let parts: Option<Vec<PartPlace>> = places.collect();
        let columns = schema.columns().iter();
        let fields = columns.clone().map(|column| Arc::new(column.field()));
        let names = columns
            .enumerate()
            .map(|(at, column)| (column.name.clone(), at));
        let table = Self {
            path: path.to_owned(),
            fields: fields.collect(),
            places: names.collect::<HashMap<_, _>>(),
            hash: KeyHash::new(seed),
            cells: description.parts.first().map_or(1, |part| part.cells),
            parts: parts.ok_or_else(|| FeatureError::damaged(path, "it is too long"))?,
            rows: description.rows,
            duplicates: description.duplicates,
            null_keys: description.null_keys,
            origin: segment.description.origin.clone(),
            memory: map.map_err(|e| FeatureError::file("map", path, e))?,
            schema,
            layout,
        };
        match memory {
            MemoryMode::Huge => table.copied(),
            MemoryMode::Auto | MemoryMode::Map => Ok(table),
        }
    }

    /// Returns a copy in large pages, if half of the available memory has room for it.
    ///
    /// # Errors
    /// [`FeatureError::Damaged`]; [`FeatureError::File`].
    pub(super) fn in_memory(&self) -> Result<Option<Self>, FeatureError> {
        match available_memory().is_some_and(|bytes| self.memory.file_bytes() < bytes / 2) {
            true => self.copied().map(Some),
            false => Ok(None),
        }
    }

    fn copied(&self) -> Result<Self, FeatureError> {
        Ok(Self {
            memory: self.memory.copied(&self.path)?,
            path: self.path.clone(),
            schema: self.schema.clone(),
            origin: self.origin.clone(),
            layout: self.layout.clone(),
            hash: self.hash,
            cells: self.cells,
            parts: self.parts.clone(),
            rows: self.rows,
            duplicates: self.duplicates,
            null_keys: self.null_keys,
            fields: self.fields.clone(),
            places: self.places.clone(),
        })
    }
}
