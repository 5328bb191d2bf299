//! Whether rows have the columns that somebody names.

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
use crate::progress::Progress;
use crate::registry::Target;
use crate::registry::error::Error;

/// Names that are told where there is none of the name that was typed.
const NEAR: usize = 3;
/// Fields within each other whose paths are known.
const LEVELS: usize = 16;
/// Paths that are known of a file.
const PATHS_MAX: usize = 100_000;

impl Target {
    /// Looks whether some row has each of these columns, or the files say so. What their front says is
    /// enough; else all rows are gone over, up to the first that has it.
    ///
    /// # Errors
    /// [`Error::NoSuchColumn`] for the first that no row has, and those of reading.
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

    /// Files that have not the columns of the first one, and in what they differ: names in a header
    /// or a schema, and of columnar files types.
    ///
    /// # Errors
    /// Those of reading.
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

    /// The first of these columns that no row has.
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
                Ok(match left.is_empty() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                })
            },
        );
        done.map_err(|e| self.blame(e))?;
        Ok(left.first().and_then(|at| columns.get(*at).cloned()))
    }
}

/// All paths of some fields: keys with dots between them, `[]` for the elements of arrays.
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

/// The names that are most like one, the most alike first; all of them where there are few.
fn nearest(column: &str, known: &BTreeSet<String>) -> Vec<String> {
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
