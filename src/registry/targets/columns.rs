//! Notes about the columns of a target, and the check that rows have the requested ones.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use arrow_schema::DataType;
use arrow_schema::Fields;

use crate::inspect::table::Scan;
use crate::inspect::table::Scratch;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::TEXT_COLUMN;
use crate::inspect::table::TableError;
use crate::inspect::table::UnreadColumn;
use crate::progress::Progress;
use crate::registry::Target;
use crate::registry::error::Error;

/// Number of suggestions for an unknown column name.
const NEAR: usize = 3;
/// Maximum depth of nested fields.
const LEVELS: usize = 16;
/// Maximum number of paths of a file.
const PATHS_MAX: usize = 100_000;

/// Notes about the columns of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnNotes {
    /// Names that a file has twice. The second column got another name.
    pub repeated: Vec<String>,
    /// Names that are not UTF-8, as they are shown and written.
    pub not_utf8: Vec<String>,
    /// Files of which a record has more fields than there are columns: the columns, and the fields.
    pub wider: Vec<(String, usize, usize)>,
    /// Columns whose type is not read. They are in no row.
    pub unread: Vec<UnreadColumn>,
}

impl Target {
    /// Returns notes about the columns of its files.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be read.
    pub fn column_notes(&self) -> Result<ColumnNotes, Error> {
        let mut notes = ColumnNotes::default();
        for file in self.files.iter() {
            let opened = file.opened()?;
            notes.repeated.extend(opened.repeated_names());
            notes.not_utf8.extend_from_slice(opened.names_not_utf8());
            let wider = opened.wider_records();
            let wider = wider.map(|(columns, fields)| (file.path.clone(), columns, fields));
            notes.wider.extend(wider);
            let columnar = opened.table.columnar();
            for column in columnar.into_iter().flat_map(|c| &c.unread) {
                if !notes.unread.contains(column) {
                    notes.unread.push(column.clone());
                }
            }
        }
        notes.repeated.sort();
        notes.repeated.dedup();
        notes.not_utf8.sort();
        notes.not_utf8.dedup();
        Ok(notes)
    }

    /// Checks that some row or the files' schemas have each of these columns. The first rows
    /// usually suffice; otherwise it reads on to the first row with the column.
    ///
    /// # Errors
    /// [`Error::NoSuchColumn`] for the first column that no row has, and errors of reading.
    pub fn require_columns(
        &self,
        columns: &[String],
        threads: usize,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        if columns.is_empty() {
            return Ok(());
        }
        for column in &self.column_notes()?.unread {
            let is_inside = |path: &String| {
                let rest = path.strip_prefix(&column.name);
                rest.is_some_and(|r| r.is_empty() || r.starts_with('.') || r.starts_with("[]"))
            };
            if columns.iter().any(is_inside) {
                return Err(self.blame(column.refused()));
            }
        }
        let known = self.known_paths()?;
        let missing = columns.iter().filter(|column| !known.contains(*column));
        let missing: Vec<String> = missing.cloned().collect();
        let Some(absent) = self.absent(missing, threads, progress)? else {
            return Ok(());
        };
        Err(Error::NoSuchColumn {
            target: self.name().to_owned(),
            near: nearest(&absent, &known),
            column: absent,
        })
    }

    /// Returns the files whose columns differ from those of the first one, with a description. It
    /// compares names of headers and schemas, and the types of columnar files.
    ///
    /// # Errors
    /// Errors of reading.
    pub fn differing_columns(&self) -> Result<Vec<(String, String)>, Error> {
        let mut first: Option<Vec<(String, String)>> = None;
        let mut differing = Vec::new();
        for file in self.files() {
            let opened = file.opened()?;
            let columns: Vec<(String, String)> = match opened.table.columnar() {
                Some(columnar) => {
                    let fields = columnar.schema.fields().iter();
                    let of =
                        |f: &arrow_schema::FieldRef| (f.name().clone(), f.data_type().to_string());
                    fields.map(of).collect()
                }
                None => {
                    let names = opened.column_names().into_iter();
                    names.map(|name| (name, String::new())).collect()
                }
            };
            if columns.is_empty() {
                continue;
            }
            let Some(first) = &first else {
                first = Some(columns);
                continue;
            };
            let lacks = |all: &[(String, String)], name: &String| all.iter().all(|c| c.0 != *name);
            let missing = first.iter().find(|c| lacks(&columns, &c.0));
            let further = columns.iter().find(|c| lacks(first, &c.0));
            let other = columns.iter().find_map(|column| {
                let known = first.iter().find(|c| c.0 == column.0)?;
                let both = !known.1.is_empty() && !column.1.is_empty() && known.1 != column.1;
                both.then_some((column, known))
            });
            let what = match (missing, further, other) {
                (Some((name, _)), ..) => format!("no column `{name}`"),
                (_, Some((name, _)), _) => format!("a further column `{name}`"),
                (_, _, Some((column, known))) => {
                    format!("`{}` is {} and not {}", column.0, column.1, known.1)
                }
                _ => continue,
            };
            differing.push((file.path().to_owned(), what));
        }
        Ok(differing)
    }

    fn known_paths(&self) -> Result<BTreeSet<String>, Error> {
        let mut known = BTreeSet::new();
        for file in self.files() {
            let opened = file.opened()?;
            known.extend(opened.column_names());
            match opened.table.shape() {
                Shape::Text => drop(known.insert(TEXT_COLUMN.to_owned())),
                Shape::Delimited(_) => {}
                Shape::Json => {
                    if let Some(schema) = opened.schema() {
                        paths("", schema.fields(), LEVELS, &mut known);
                    }
                }
            }
        }
        Ok(known)
    }

    /// Returns the first of these columns that no row has.
    fn absent(
        &self,
        columns: Vec<String>,
        threads: usize,
        progress: &dyn Progress,
    ) -> Result<Option<String>, Error> {
        if columns.is_empty() {
            return Ok(None);
        }
        let batches = self.all(Selection {
            columns: columns.clone(),
            ..Selection::default()
        });
        progress.phase("looking for columns", Some(self.size_bytes()));
        let scan = Scan {
            batches: &*batches,
            threads,
            progress,
        };
        let mut left: BTreeSet<usize> = (0..columns.len()).collect();
        let done = scan.run::<_, _, TableError>(
            Scratch::default,
            |scratch, batch| {
                let mut missing: Vec<usize> = (0..columns.len()).collect();
                for row in batch.rows() {
                    missing.retain(|at| {
                        let column = columns.get(*at).map(String::as_str).unwrap_or_default();
                        batch.shape().cell(row.text, column, scratch).is_none()
                    });
                    if missing.is_empty() {
                        break;
                    }
                }
                Ok(missing)
            },
            |made| {
                left.retain(|at| made.value.contains(at));
                Ok(if left.is_empty() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                })
            },
        );
        done.map_err(|e| self.blame(e))?;
        Ok(left.first().and_then(|at| columns.get(*at).cloned()))
    }
}

/// Collects the paths of fields: keys joined by dots, with `[]` for the elements of arrays.
fn paths(before: &str, fields: &Fields, levels: usize, known: &mut BTreeSet<String>) {
    for field in fields {
        let dot = if before.is_empty() { "" } else { "." };
        let path = format!("{before}{dot}{}", field.name());
        below(&path, field.data_type(), levels, known);
        known.insert(path);
    }
}

fn below(path: &str, kind: &DataType, levels: usize, known: &mut BTreeSet<String>) {
    if levels == 0 || known.len() >= PATHS_MAX {
        return;
    }
    match kind {
        DataType::Struct(fields) => paths(path, fields, levels - 1, known),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => {
            let path = format!("{path}[]");
            below(&path, item.data_type(), levels - 1, known);
            known.insert(path);
        }
        _ => {}
    }
}

/// Returns the names most similar to a column, best first. A short list is returned whole.
pub(in crate::registry) fn nearest(column: &str, known: &BTreeSet<String>) -> Vec<String> {
    let lower = column.to_lowercase();
    let mut near: Vec<(usize, &String)> = known
        .iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&lower, &name.to_lowercase()),
                name,
            )
        })
        .collect();
    near.sort();
    near.truncate(NEAR);
    near.into_iter()
        .map(|(_, name)| format!("`{name}`"))
        .collect()
}
