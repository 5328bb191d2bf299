//! Parquet files as tables. `plan` divides their rows, and `wanted` says which bytes those need.

mod plan;
mod wanted;

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::RecordBatch;
use arrow_array::RecordBatchOptions;
use arrow_schema::Fields;
use arrow_schema::Schema;
use parquet::arrow::ARROW_SCHEMA_META_KEY;
use parquet::arrow::FieldLevels;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::arrow::arrow_reader::RowSelection;
use parquet::arrow::arrow_reader::RowSelector;
use parquet::arrow::parquet_to_arrow_field_levels;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::column::page::PageIterator;
use parquet::column::page::PageReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::metadata::RowGroupMetaData;

use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Columnar;
use crate::inspect::table::Decoded;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::StoredColumn;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::inspect::table::columnar::RowsBatch;
use crate::inspect::table::columnar::footer::read_footer;
use crate::inspect::table::columnar::int96::PreservingUnit;
use crate::inspect::table::columnar::int96::in_micros;
use crate::inspect::table::columnar::int96::unit;
use crate::inspect::table::columnar::names::repeated_fields;
use crate::inspect::table::columnar::names::unique_fields;
use crate::inspect::table::columnar::names::with_names_of;
use crate::inspect::table::columnar::page_buffers::PageBuffers;
use crate::inspect::table::columnar::page_index::KnownPages;
use crate::inspect::table::columnar::page_index::PagePlace;
use crate::inspect::table::columnar::pages::ColumnPages;
use crate::inspect::table::columnar::pages::SingleChunk;
use crate::inspect::table::columnar::parquet::plan::PlanFn;
use crate::inspect::table::columnar::parquet::plan::SlicePlan;
use crate::inspect::table::columnar::parquet::plan::columns_below;
use crate::inspect::table::columnar::parquet::wanted::all_rows;
use crate::inspect::table::columnar::parquet::wanted::rows_of;
use crate::inspect::table::columnar::parquet::wanted::some_rows;
use crate::inspect::table::columnar::parquet::wanted::with_pages;
use crate::inspect::table::columnar::render::check;
use crate::inspect::table::columnar::render::with_views;
use crate::inspect::table::columnar::row_slices::Job;
use crate::inspect::table::columnar::row_slices::Slice;
use crate::inspect::table::columnar::row_slices::Slices;
use crate::inspect::table::guarded_call::guarded;
use crate::inspect::table::rows::stored::stored_columns;
use crate::read_at::ReadAt;

/// Opens a Parquet file, and returns its schema.
pub(in crate::inspect::table) fn open_parquet(
    source: Arc<dyn ReadAt>,
    verify: bool,
) -> Result<(Arc<dyn Table>, Schema), TableError> {
    let metadata = read_footer(&*source)?;
    let file = metadata.file_metadata();
    let descriptor = file.schema_descr();
    let own = guarded(|| parquet_to_arrow_schema(descriptor, file.key_value_metadata()));
    // The embedded Arrow schema may be wrong while the columns are right.
    let schema = own.or_else(|_| guarded(|| parquet_to_arrow_schema(descriptor, None)))?;
    let mut rows = 0_u64;
    for group in metadata.row_groups() {
        let more = u64::try_from(group.num_rows()).ok();
        let sum = more.and_then(|more| rows.checked_add(more));
        rows = sum.ok_or_else(|| TableError::Damaged("it has less than no rows".to_owned()))?;
    }
    let repeated = repeated_fields(&schema.fields);
    let original = schema.fields.clone();
    let schema = Schema::new_with_metadata(unique_fields(&schema.fields), schema.metadata);
    let views = with_views(&schema.fields);
    check(&Schema::new(views.clone()))?;
    let pairs = file.key_value_metadata().into_iter().flatten();
    let pairs = pairs.filter(|pair| pair.key != ARROW_SCHEMA_META_KEY);
    let pairs = pairs.map(|pair| (pair.key.clone(), pair.value.clone()));
    let columnar = Columnar {
        schema: Arc::new(schema.clone()),
        metadata: pairs.collect(),
        repeated,
        unread: Vec::new(),
    };
    let table = ParquetTable {
        stored: stored_columns(&schema.fields),
        source,
        metadata: Arc::new(metadata),
        original,
        views,
        columnar,
        rows,
        verify,
        buffers: Arc::default(),
        known: Arc::default(),
    };
    Ok((Arc::new(table), schema))
}

struct ParquetTable {
    source: Arc<dyn ReadAt>,
    metadata: Arc<ParquetMetaData>,
    /// The fields under their original names, possibly with repetitions.
    original: Fields,
    /// The fields as they are decoded.
    views: Fields,
    /// Description of the columns.
    columnar: Columnar,
    /// Stored types of the strings in rows.
    stored: Arc<[StoredColumn]>,
    rows: u64,
    /// True to verify the checksums of pages.
    verify: bool,
    buffers: Arc<PageBuffers>,
    known: Arc<KnownPages>,
}

impl Table for ParquetTable {
    fn shape(&self) -> &Shape {
        &Shape::Json
    }

    fn columnar(&self) -> Option<&Columnar> {
        Some(&self.columnar)
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn batches(self: Arc<Self>, selection: &Selection) -> Result<Arc<dyn Batches>, TableError> {
        let descriptor = self.metadata.file_metadata().schema_descr();
        let roots = self.views.iter().enumerate();
        let wanted = roots.filter(|(_, field)| is_wanted(field.name(), &selection.columns));
        let roots: Vec<usize> = wanted.map(|(n, _)| n).collect();
        let fields = match selection.decoded {
            Decoded::No | Decoded::Shown => &self.views,
            Decoded::Beside | Decoded::Alone => &self.columnar.schema.fields,
        };
        let levels = guarded(|| {
            let mask = ProjectionMask::roots(descriptor, roots.iter().copied());
            let stored = with_names_of(fields, &self.original);
            parquet_to_arrow_field_levels(descriptor, mask, Some(&stored))
        })?;
        let coarse = self.coarse(&roots, fields)?;
        let wanted = roots.iter().filter_map(|n| fields.get(*n).cloned());
        let schema = Arc::new(Schema::new_with_metadata(
            wanted.collect::<Fields>(),
            self.columnar.schema.metadata.clone(),
        ));
        let plan = SlicePlan {
            metadata: Arc::clone(&self.metadata),
            group: 0,
            row: 0,
            skip: selection.from,
            roots: roots.clone(),
        };
        Ok(Arc::new(ParquetBatches {
            table: self,
            levels,
            coarse,
            schema,
            nan: selection.nan,
            decoded: selection.decoded,
            roots,
            slices: Slices::new(Box::new(plan.slices())),
        }))
    }
}

impl ParquetTable {
    /// Finds the INT96 columns among those decoded as `fields`.
    fn coarse(&self, roots: &[usize], fields: &Fields) -> Result<Option<Int96Columns>, TableError> {
        let descriptor = self.metadata.file_metadata().schema_descr();
        let Some(micros) = in_micros(fields, descriptor) else {
            return Ok(None);
        };
        let places = roots.iter().enumerate();
        let places = places.filter(|(_, n)| fields.get(**n) != micros.get(**n));
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        if places.is_empty() {
            return Ok(None);
        }
        let levels = guarded(|| {
            let roots = places.iter().filter_map(|place| roots.get(*place).copied());
            let mask = ProjectionMask::roots(descriptor, roots);
            parquet_to_arrow_field_levels(descriptor, mask, Some(&micros))
        })?;
        Ok(Some(Int96Columns { levels, places }))
    }
}

/// Returns true if a column or a nested one is selected.
pub(super) fn is_wanted(name: &str, columns: &[String]) -> bool {
    let is_inside = |path: &String| {
        let rest = path.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with("[]"))
    };
    columns.is_empty() || columns.iter().any(is_inside)
}

struct ParquetBatches {
    table: Arc<ParquetTable>,
    levels: FieldLevels,
    /// INT96 columns.
    coarse: Option<Int96Columns>,
    /// Schema of the decoded rows.
    schema: Arc<Schema>,
    nan: bool,
    decoded: Decoded,
    /// Indices of the decoded fields in the schema.
    roots: Vec<usize>,
    slices: Slices<SliceReader, PlanFn>,
}

/// INT96 columns, decoded as microseconds too.
struct Int96Columns {
    levels: FieldLevels,
    /// Indices among the decoded columns.
    places: Vec<usize>,
}

/// Decoder of a slice.
struct SliceReader {
    rows: ParquetRecordBatchReader,
    coarse: Option<ParquetRecordBatchReader>,
}

impl Batches for ParquetBatches {
    fn next(&self, batch: &mut Batch) -> Result<NextBatch, TableError> {
        let mut job = match self.slices.take() {
            Ok(job) => job,
            Err(batches) => return Ok(NextBatch::End(batches)),
        };
        let decoded = self.decode(&mut job);
        let reader = job.reader.take().filter(|_| decoded.is_ok());
        self.slices.give_back(job.key(), reader);
        let rows = decoded?;
        let bytes = self.bytes(&job);
        let options = RowsBatch {
            stored: &self.table.stored,
            bytes_read: bytes,
            nan: self.nan,
            decoded: self.decoded,
        };
        options.fill(batch, rows)?;
        Ok(NextBatch::Batch(job.number))
    }
}

impl ParquetBatches {
    fn decode(&self, job: &mut Job<SliceReader>) -> Result<RecordBatch, TableError> {
        let place = |error| match error {
            TableError::Damaged(why) => {
                TableError::Damaged(format!("row group {}: {why}", job.slice.group))
            }
            TableError::Limit(why) => {
                TableError::Limit(format!("row group {}: {why}", job.slice.group))
            }
            other => other,
        };
        if job.reader.is_none() {
            job.reader = Some(self.open(&job.slice, job.number == 0).map_err(place)?);
        }
        let short = || ParquetError::General("it has less rows than it should".to_owned());
        let next = |reader: Option<&mut ParquetRecordBatchReader>| {
            let rows = guarded(|| {
                let next = reader.and_then(Iterator::next);
                next.ok_or_else(short)?.map_err(ParquetError::from)
            })?;
            if rows.num_rows() as u64 == job.rows {
                Ok(rows)
            } else {
                Err(TableError::Damaged(short().to_string()))
            }
        };
        let reader = job.reader.as_mut();
        let rows = next(reader.map(|r| &mut r.rows)).map_err(place)?;
        let mut columns = rows.columns().to_vec();
        let mut schema = Arc::clone(&self.schema);
        if let Some(coarse) = &self.coarse {
            let reader = job.reader.as_mut().and_then(|r| r.coarse.as_mut());
            let micros = next(reader).map_err(place)?;
            for (at, micros) in coarse.places.iter().zip(micros.columns()) {
                schema = self
                    .use_microseconds(&mut columns, schema, (*at, micros))
                    .map_err(place)?;
            }
        }
        // With unique names, and with the metadata of the schema.
        let count = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        guarded(|| RecordBatch::try_new_with_options(schema, columns, &count)).map_err(place)
    }

    /// Replaces nanoseconds beyond their range by microseconds, and returns the new schema.
    fn use_microseconds(
        &self,
        columns: &mut [ArrayRef],
        schema: Arc<Schema>,
        (at, micros): (usize, &ArrayRef),
    ) -> Result<Arc<Schema>, TableError> {
        let (Some(column), Some(field)) = (columns.get_mut(at), schema.fields().get(at)) else {
            return Ok(schema);
        };
        let unit = unit(column, micros);
        if unit == PreservingUnit::Nanos {
            return Ok(schema);
        }
        let refused = |why| {
            let name = field.name();
            TableError::Limit(format!(
                "column `{name}` (INT96) has points in time outside of the years 1677 to 2262, {why}"
            ))
        };
        if unit == PreservingUnit::Neither {
            return Err(refused("and others with nanoseconds"));
        }
        // Columns delivered unchanged have one type in the whole file.
        if !matches!(self.decoded, Decoded::No | Decoded::Shown) {
            return Err(refused(
                "which its type does not hold: write it as .jsonl or .csv",
            ));
        }
        let field = field.as_ref().clone();
        let field = Arc::new(field.with_data_type(micros.data_type().clone()));
        *column = Arc::clone(micros);
        let fields = schema.fields().iter().enumerate();
        let fields = fields.map(|(n, other)| {
            if n == at {
                Arc::clone(&field)
            } else {
                Arc::clone(other)
            }
        });
        let metadata = schema.metadata.clone();
        Ok(Arc::new(Schema::new_with_metadata(
            fields.collect::<Fields>(),
            metadata,
        )))
    }

    fn open(&self, slice: &Slice, is_first: bool) -> Result<SliceReader, TableError> {
        let coarse = self.coarse.as_ref();
        let pages = Arc::new(self.prefetch(slice, is_first));
        let open = |levels| self.open_as(slice, levels, &pages);
        Ok(SliceReader {
            rows: open(&self.levels)?,
            coarse: coarse.map(|c| open(&c.levels)).transpose()?,
        })
    }

    fn open_as(
        &self,
        slice: &Slice,
        levels: &FieldLevels,
        pages: &Arc<PagesByColumn>,
    ) -> Result<ParquetRecordBatchReader, TableError> {
        let group = RowGroupReader {
            source: Arc::clone(&self.table.source),
            metadata: Arc::clone(&self.table.metadata),
            group: slice.group,
            verify: self.table.verify,
            buffers: Arc::clone(&self.table.buffers),
            known: Arc::clone(&self.table.known),
            pages: Arc::clone(pages),
        };
        let size = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let selectors = vec![
            RowSelector::skip(size(slice.row)),
            RowSelector::select(size(slice.rows)),
        ];
        guarded(|| {
            ParquetRecordBatchReader::try_new_with_row_groups(
                levels,
                &group,
                size(slice.batch_rows),
                Some(RowSelection::from(selectors)),
            )
        })
    }

    /// Tells a source far away which ranges a slice will read, and while reading goes on, those of the
    /// next row group too. Returns the places of the slice's pages that an index says.
    fn prefetch(&self, slice: &Slice, is_first: bool) -> PagesByColumn {
        let (source, groups) = (&*self.table.source, self.table.metadata.row_groups());
        let Some(group) = groups.get(slice.group).filter(|_| source.is_far()) else {
            return PagesByColumn::new();
        };
        let chunks = with_pages(columns_below(group, &self.roots), group, source);
        // A first batch may be all that is wanted.
        let rows = if is_first {
            slice.batch_rows
        } else {
            slice.rows
        };
        let mut wanted = some_rows(&chunks, group, slice, rows);
        let is_last = slice.row + slice.rows >= rows_of(group);
        if let Some(next) = groups.get(slice.group + 1).filter(|_| !is_first && is_last) {
            wanted.extend(all_rows(columns_below(next, &self.roots)));
        }
        source.prefetch(&wanted);
        let indexed = chunks.into_iter().filter_map(|chunk| {
            let pages = chunk.pages?;
            Some((chunk.column.data_page_offset(), (pages, rows_of(group))))
        });
        indexed.collect()
    }

    /// Share of a batch in the bytes of its row group.
    fn bytes(&self, job: &Job<SliceReader>) -> u64 {
        let group = self.table.metadata.row_groups().get(job.slice.group);
        let share = group.and_then(|group| {
            let bytes = u128::try_from(group.compressed_size()).ok()?;
            let rows = u128::try_from(group.num_rows()).ok()?;
            u64::try_from(bytes * u128::from(job.rows) / rows.max(1)).ok()
        });
        share.unwrap_or_default().min(self.table.source.len())
    }
}

/// Adapter of one row group for the library.
struct RowGroupReader {
    source: Arc<dyn ReadAt>,
    metadata: Arc<ParquetMetaData>,
    group: usize,
    verify: bool,
    buffers: Arc<PageBuffers>,
    known: Arc<KnownPages>,
    pages: Arc<PagesByColumn>,
}

/// Places of pages by the start of their column chunk, and the number of rows.
type PagesByColumn = HashMap<i64, (Vec<PagePlace>, u64)>;

impl RowGroups for RowGroupReader {
    fn num_rows(&self) -> usize {
        let group = self.metadata.row_groups().get(self.group);
        let rows = group.map(RowGroupMetaData::num_rows).unwrap_or_default();
        usize::try_from(rows).unwrap_or_default()
    }

    fn column_chunks(&self, i: usize) -> Result<Box<dyn PageIterator>, ParquetError> {
        let group = self.metadata.row_groups().get(self.group);
        let column = group.and_then(|group| group.columns().get(i));
        let column =
            column.ok_or_else(|| ParquetError::General("a column is missing".to_owned()))?;
        let (source, buffers) = (Arc::clone(&self.source), Arc::clone(&self.buffers));
        let places = self.pages.get(&column.data_page_offset()).cloned();
        let pages = ColumnPages::new(source, column, self.verify, buffers)?;
        let pages = pages.with_places(places).with_known(&self.known);
        let pages: Box<dyn PageReader> = Box::new(pages);
        Ok(Box::new(SingleChunk(Some(Ok(pages)))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.metadata.row_groups().iter().skip(self.group).take(1))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}
