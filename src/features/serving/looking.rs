//! Looks that change nothing: the newest partition of a source, and keys of rows that are served.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::new_empty_array;
use arrow_select::concat::concat;

use crate::features::build::BuildInput;
use crate::features::config::TableConfig;
use crate::features::error::FeatureError;
use crate::features::keys::Keys;
use crate::features::schema::TableSchema;
use crate::features::schema::schema_of;
use crate::features::schema::widen;
use crate::features::serving::tables::FeatureTables;
use crate::inspect::table::OpenOptions;
use crate::inspect::table::TableError;
use crate::inspect::table::open_table;
use crate::splitmix::drawn;

/// The newest partition of a source, which fits its table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckReport {
    /// The place of the source.
    pub place: String,
    /// The partition.
    pub partition: String,
    /// The content id of the dataset.
    pub content_id: Option<String>,
    /// The number of its files.
    pub files: usize,
    /// The bytes of its files.
    pub bytes: u64,
    /// The rows of its files, by their footers.
    pub rows: u64,
    /// The columns that the table gets.
    pub schema: TableSchema,
    /// Columns of types that no table has, which are left out.
    pub left_out: Vec<String>,
    /// Partitions that do not count, with reasons.
    pub others: Vec<(String, String)>,
}

impl FeatureTables {
    /// Looks at the source of a table, and compares the columns of its newest partition with the configuration. Nothing
    /// is loaded.
    ///
    /// # Errors
    /// [`FeatureError::NoTable`]; [`FeatureError::NoPartition`]; [`FeatureError::Mismatch`]; [`FeatureError::Source`].
    pub fn check(&self, name: &str) -> Result<CheckReport, FeatureError> {
        let slot = self.slot(name)?;
        let Some(config) = &slot.config.source else {
            let why = format!("the table `{name}` has no source");
            return Err(FeatureError::Request(why));
        };
        let source = self.sources.source(config)?;
        let listing = source.partitions()?;
        let Some(newest) = listing.partitions.first() else {
            let reasons = listing.others.iter().take(5);
            let reasons: Vec<String> = reasons
                .map(|(name, why)| format!("{name}: {why}"))
                .collect();
            return Err(FeatureError::NoPartition {
                place: source.place(),
                why: match reasons.is_empty() {
                    true => "it has no directory such as `2024-01-05`".to_owned(),
                    false => reasons.join("; "),
                },
            });
        };
        let (mut schema, mut rows, mut left_out) = (None, 0, Vec::new());
        for input in source.open(newest)? {
            let (fits, others, count) = check_file(&input, &slot.config)?;
            schema.get_or_insert(fits);
            rows += count;
            left_out.extend(
                others
                    .into_iter()
                    .filter(|n| !left_out.contains(n))
                    .collect::<Vec<_>>(),
            );
        }
        let no_files = || FeatureError::NoPartition {
            place: source.place(),
            why: format!("{} has no files", newest.name),
        };
        Ok(CheckReport {
            place: source.place(),
            partition: newest.name.clone(),
            content_id: newest.content_id.clone(),
            files: newest.files.len(),
            bytes: newest.files.iter().map(|file| file.size_bytes).sum(),
            rows,
            schema: schema.ok_or_else(no_files)?,
            left_out,
            others: listing.others,
        })
    }

    /// Returns the keys of rows at random places, for measurements. The same seed gives the same places.
    ///
    /// # Errors
    /// [`FeatureError::NoTable`]; [`FeatureError::NoData`] for a table without rows.
    pub fn some_keys(&self, name: &str, count: usize, seed: u64) -> Result<Keys, FeatureError> {
        let slot = self.slot(name)?;
        let rows = slot.rows();
        let newest = rows.iter().flat_map(|rows| &rows.segments);
        let largest = newest.max_by_key(|segment| segment.table.rows());
        let Some(segment) = largest.filter(|segment| segment.table.rows() > 0) else {
            return Err(FeatureError::NoData {
                table: name.to_owned(),
                why: "it has no rows".to_owned(),
            });
        };
        let schema = segment.table.schema();
        let bad = |e: arrow_schema::ArrowError| FeatureError::Request(e.to_string());
        let mut columns: Vec<Vec<ArrayRef>> = vec![Vec::with_capacity(count); schema.key().len()];
        let first = seed.wrapping_mul(count as u64);
        for number in 0..count as u64 {
            let place = drawn(first.wrapping_add(number)) % segment.table.rows();
            let row = segment.table.scan(place, 1)?;
            for (to, column) in columns.iter_mut().zip(schema.key()) {
                if let Some(values) = row.column_by_name(&column.name) {
                    to.push(Arc::clone(values));
                }
            }
        }
        let mut named = Vec::new();
        for (column, parts) in schema.key().zip(&columns) {
            let parts: Vec<&dyn arrow_array::Array> = parts.iter().map(AsRef::as_ref).collect();
            named.push((column.name.clone(), concat(&parts).map_err(bad)?));
        }
        Keys::of_columns(schema, &named)
    }
}

/// Compares the columns of a file with those of a table. Returns the columns of the table, those that are left out, and
/// the number of rows.
fn check_file(
    input: &BuildInput,
    config: &TableConfig,
) -> Result<(TableSchema, Vec<String>, u64), FeatureError> {
    let failed = |source| FeatureError::Input {
        file: input.name.clone(),
        source,
    };
    let mismatch = |why: String| FeatureError::Mismatch {
        file: input.name.clone(),
        why,
    };
    let source = Arc::clone(&input.source);
    let opened = open_table(source, &input.name, OpenOptions::default()).map_err(failed)?;
    let Some(columnar) = opened.table.columnar() else {
        let why = "it is no Parquet file".to_owned();
        return Err(failed(TableError::Unsupported(why)));
    };
    let (of_file, mut left_out) = schema_of(&columnar.schema);
    for column in &config.columns {
        let field = columnar.schema.field_with_name(&column.name);
        let field = field.map_err(|_| mismatch(format!("there is no column `{}`", column.name)))?;
        let fitted = widen(&new_empty_array(field.data_type()), column);
        fitted.map_err(|why| mismatch(format!("`{}`: {why}", column.name)))?;
        left_out.retain(|name| *name != column.name);
    }
    let mut columns = config.columns.clone();
    for column in of_file {
        if !columns.iter().any(|known| known.name == column.name) {
            columns.push(column);
        }
    }
    let schema = TableSchema::new(columns, &config.key, config.timestamp.as_deref());
    let schema = schema.map_err(|error| mismatch(error.to_string()))?;
    Ok((schema, left_out, opened.table.rows().unwrap_or(0)))
}
