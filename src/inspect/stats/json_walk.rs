//! Statistics walk: passes over rows and adds every value to its column.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::inspect::format::cell_type::CellType;
use crate::inspect::format::cell_type::is_not_finite;
use crate::inspect::format::cell_type::look;
use crate::inspect::format::cell_type::timestamp_form;
use crate::inspect::json::Event;
use crate::inspect::json::Number as Written;
use crate::inspect::json::ScanError;
use crate::inspect::json::Scanner;
use crate::inspect::json::Text;
use crate::inspect::stats::StatsOptions;
use crate::inspect::stats::column::BatchPart;
use crate::inspect::stats::column::ColumnState;
use crate::inspect::stats::sketches::hash::hash;
use crate::inspect::stats::sketches::hyperloglog::Distinct;
use crate::inspect::table::Batch;
use crate::inspect::table::Cell;
use crate::inspect::table::Row;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::inspect::table::ShownValue;
use crate::inspect::table::StoredColumn;
use crate::inspect::table::StoredType;
use crate::inspect::table::TEXT_COLUMN;
use crate::inspect::table::TableError;
use crate::inspect::table::VALUE_COLUMN;
use crate::inspect::table::each_value;
use crate::wire::limits::STATISTICS_COLUMNS_MAX;
use crate::wire::limits::STATISTICS_DEPTH_MAX;

/// State of one thread's walk.
pub(super) struct Walker {
    pub(super) nodes: Vec<Node>,
    /// Number of columns beyond the limit, estimated from hashes of their names.
    pub(super) further: Distinct,
    wanted: Vec<String>,
    depth_max: usize,
    row: u64,
    /// Columns in the current batch, in order of appearance.
    touched: Vec<usize>,
    scratch: Scratch,
    content: String,
    bytes: Vec<u8>,
    /// Stored types of strings in the current batch's columns.
    stored: Option<Arc<[StoredColumn]>>,
    stored_at: HashMap<String, StoredType>,
}

/// A field of the rows, with its members.
pub(super) struct Node {
    pub(super) column: ColumnState,
    is_touched: bool,
    /// True if statistics of the field itself are wanted.
    pub(super) is_wanted: bool,
    /// Members by key, in order of appearance.
    members: Vec<(Box<str>, usize)>,
    by_key: HashMap<Box<str>, usize>,
    elements: Option<usize>,
    /// Stored type of its strings.
    stored: Option<StoredType>,
}

/// Order-dependent statistics of one batch.
pub(super) struct BatchStats {
    pub(super) rows: u64,
    pub(super) malformed: u64,
    /// True if its rows are delimited records.
    pub(super) is_delimited: bool,
    pub(super) parts: Vec<BatchPart>,
}

/// Node of the row itself; it is no column.
const ROOT: usize = 0;

impl Walker {
    pub(super) fn new(options: &StatsOptions) -> Self {
        Self {
            nodes: vec![Node::new(Arc::from(""), false)],
            further: Distinct::default(),
            wanted: options.columns.clone(),
            depth_max: options.depth_max.clamp(1, STATISTICS_DEPTH_MAX),
            row: 0,
            touched: Vec::new(),
            scratch: Scratch::default(),
            content: String::new(),
            bytes: Vec::new(),
            stored: None,
            stored_at: HashMap::new(),
        }
    }

    /// Adds the values of a batch to their columns.
    ///
    /// # Errors
    /// [`TableError`] for decoded columns that cannot be rendered.
    pub(super) fn batch(&mut self, batch: &Batch) -> Result<BatchStats, TableError> {
        let (mut rows, mut malformed) = (0, 0);
        self.set_stored_types(batch.stored());
        if let Shape::Delimited(header) = batch.shape() {
            // A column exists even if all its fields are missing.
            for name in &header.names {
                if let Some(node) = self.member(ROOT, name, 0) {
                    self.mark_in_batch(node);
                }
            }
        }
        match batch.decoded() {
            Some(decoded) => {
                rows += decoded.num_rows() as u64;
                self.decoded(decoded)?;
            }
            None => {
                for row in batch.rows() {
                    rows += 1;
                    self.row += 1;
                    malformed += u64::from(!self.row(batch.shape(), &row));
                }
            }
        }
        let parts = std::mem::take(&mut self.touched);
        let parts = parts.into_iter().filter_map(|at| {
            let node = self.nodes.get_mut(at)?;
            node.is_touched = false;
            Some(node.column.take_part())
        });
        Ok(BatchStats {
            rows,
            malformed,
            is_delimited: matches!(batch.shape(), Shape::Delimited(_)),
            parts: parts.collect(),
        })
    }

    /// Adds decoded rows, column by column.
    fn decoded(&mut self, rows: &RecordBatch) -> Result<(), TableError> {
        let before = self.row;
        for (number, field) in rows.schema_ref().fields().iter().enumerate() {
            let Some(node) = self.member(ROOT, field.name(), number) else {
                continue;
            };
            each_value(rows, number, &mut |row, value| {
                self.row = before + 1 + row;
                match value {
                    ShownValue::Null => {
                        self.mark_in_row(node);
                        self.with(node, ColumnState::add_null);
                    }
                    ShownValue::Text(text) => {
                        self.mark_in_row(node);
                        self.with(node, |c| c.add_text(text));
                    }
                    ShownValue::Json(json) => {
                        let mut scanner = Scanner::with_nan(json);
                        if let Ok(Some(event)) = scanner.next_event() {
                            // The encoder's output is valid JSON.
                            let _ = self.value(&mut scanner, &event, Some(node), 1);
                        }
                    }
                }
            })?;
        }
        self.row = before + rows.num_rows() as u64;
        Ok(())
    }

    /// Updates the stored types of strings for the next rows.
    fn set_stored_types(&mut self, stored: Option<&Arc<[StoredColumn]>>) {
        match (&self.stored, stored) {
            (None, None) => return,
            (Some(known), Some(stored)) if Arc::ptr_eq(known, stored) => return,
            _ => {}
        }
        self.stored = stored.cloned();
        let columns = stored.into_iter().flat_map(|columns| columns.iter());
        self.stored_at = columns.map(|c| (c.path.clone(), c.stored)).collect();
        for node in &mut self.nodes {
            node.stored = self.stored_at.get(&*node.column.name).copied();
        }
    }

    /// Adds a row; false if it violates its format.
    fn row(&mut self, shape: &Shape, row: &Row<'_>) -> bool {
        match shape {
            Shape::Json => self.json(row.text).is_ok(),
            Shape::Text => {
                if let Some(column) = self.open(ROOT, TEXT_COLUMN, 0) {
                    column.add_text(row.text);
                }
                true
            }
            Shape::Delimited(_) => {
                let mut scratch = std::mem::take(&mut self.scratch);
                let mut number = 0;
                shape.each_cell(row.text, &mut scratch, &mut |name, cell| {
                    if let Some(column) = self.open(ROOT, name, number) {
                        add_field(column, &cell);
                    }
                    number += 1;
                });
                self.scratch = scratch;
                true
            }
        }
    }

    fn json(&mut self, row: &[u8]) -> Result<(), ScanError> {
        // Non-finite numbers get their own count.
        let mut scanner = Scanner::with_nan(row);
        match scanner.next_event()? {
            Some(Event::Object) => self.object(&mut scanner, ROOT, 1)?,
            Some(event) => {
                let node = self.member(ROOT, VALUE_COLUMN, 0);
                self.value(&mut scanner, &event, node, 1)?;
            }
            None => {}
        }
        // Only white space may follow.
        scanner.next_event().map(|_| ())
    }

    /// Adds the members of an open object, down to `depth_max`.
    fn object(
        &mut self,
        scanner: &mut Scanner<'_>,
        node: usize,
        depth: usize,
    ) -> Result<(), ScanError> {
        let mut number = 0;
        // Events are read in the place where the scanner writes them. Moving each one took a third
        // of the time of this loop, because a load of just-written bytes stalls the processor.
        loop {
            let first = scanner.next_event();
            let key = match &first {
                Ok(Some(Event::Key(key))) => key,
                Ok(_) => return Ok(()),
                Err(error) => return Err(*error),
            };
            let second = scanner.next_event();
            let event = match &second {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(()),
                Err(error) => return Err(*error),
            };
            let member = self.key(node, key, number);
            self.value(scanner, event, member, depth)?;
            number += 1;
        }
    }

    fn elements(
        &mut self,
        scanner: &mut Scanner<'_>,
        node: usize,
        depth: usize,
    ) -> Result<u64, ScanError> {
        let mut length = 0;
        let element = self.element(node);
        loop {
            let next = scanner.next_event();
            match &next {
                Ok(None | Some(Event::ArrayEnd)) => return Ok(length),
                Ok(Some(event)) => self.value(scanner, event, element, depth)?,
                Err(error) => return Err(*error),
            }
            length += 1;
        }
    }

    /// Adds a value from its first event.
    fn value(
        &mut self,
        scanner: &mut Scanner<'_>,
        event: &Event<'_>,
        node: Option<usize>,
        depth: usize,
    ) -> Result<(), ScanError> {
        let Some(node) = node else {
            return match event {
                Event::Object | Event::Array => scanner.skip_container(),
                _ => Ok(()),
            };
        };
        self.mark_in_row(node);
        match event {
            Event::Object => {
                self.with(node, ColumnState::add_object);
                if depth < self.depth_max {
                    self.object(scanner, node, depth + 1)
                } else {
                    scanner.skip_container()
                }
            }
            Event::Array => {
                let length = if depth < self.depth_max {
                    self.elements(scanner, node, depth + 1)?
                } else {
                    skip_elements(scanner)?
                };
                self.with(node, |c| c.add_array(length));
                Ok(())
            }
            Event::String(text) => {
                self.text(node, text);
                Ok(())
            }
            Event::Number(number) => {
                self.with(node, |c| c.add_number(number));
                Ok(())
            }
            Event::Bool(value) => {
                self.with(node, |c| c.add_bool(*value));
                Ok(())
            }
            Event::Null => {
                self.with(node, ColumnState::add_null);
                Ok(())
            }
            Event::Key(_) | Event::ObjectEnd | Event::ArrayEnd => Ok(()),
        }
    }

    fn text(&mut self, node: usize, text: &Text<'_>) {
        let Some(node) = self.nodes.get_mut(node).filter(|n| n.is_wanted) else {
            return;
        };
        if node.stored == Some(StoredType::Bytes) {
            node.column.add_bytes(text.raw);
        } else if text.is_escaped {
            match text.content_into(&mut self.bytes) {
                Ok(()) => node.column.add_text(&self.bytes),
                // U+FFFD is shown for lone surrogates; the raw bytes keep such texts distinct.
                Err(_) => {
                    let _ = text.unescape_into(&mut self.content);
                    node.column
                        .add_broken_text(self.content.as_bytes(), &self.bytes);
                }
            }
        } else {
            node.column.typed_texts += u64::from(node.stored == Some(StoredType::Times));
            node.column.add_text(text.raw);
        }
    }

    fn with(&mut self, node: usize, add: impl FnOnce(&mut ColumnState)) {
        if let Some(node) = self.nodes.get_mut(node).filter(|n| n.is_wanted) {
            add(&mut node.column);
        }
    }

    /// Returns the column of a member that has a value in this row.
    fn open(&mut self, node: usize, key: &str, number: usize) -> Option<&mut ColumnState> {
        let node = self.member(node, key, number)?;
        self.mark_in_row(node);
        let node = self.nodes.get_mut(node).filter(|n| n.is_wanted)?;
        Some(&mut node.column)
    }

    /// Records that the row has the column.
    fn mark_in_row(&mut self, at: usize) {
        if let Some(node) = self.nodes.get_mut(at).filter(|n| n.is_wanted) {
            node.column.record_row(self.row);
            self.mark_in_batch(at);
        }
    }

    /// Records that the batch has the column, even if no row has a value.
    fn mark_in_batch(&mut self, at: usize) {
        let wanted = self.nodes.get_mut(at).filter(|n| n.is_wanted);
        if let Some(node) = wanted.filter(|n| !n.is_touched) {
            node.is_touched = true;
            self.touched.push(at);
        }
    }

    fn key(&mut self, node: usize, key: &Text<'_>, number: usize) -> Option<usize> {
        if let Some((guess, child)) = self.nodes.get(node)?.members.get(number)
            && key.is(guess)
        {
            return Some(*child);
        }
        let mut content = String::new();
        let _ = key.unescape_into(&mut content);
        self.member(node, &content, number)
    }

    /// Returns the node of a member. Most rows have it at the same index. Returns `None` beyond the
    /// limit, or if it is not wanted.
    fn member(&mut self, node: usize, key: &str, number: usize) -> Option<usize> {
        let parent = self.nodes.get(node)?;
        match parent.members.get(number) {
            Some((guess, child)) if **guess == *key => return Some(*child),
            _ => {}
        }
        if let Some(child) = parent.by_key.get(key) {
            return Some(*child);
        }
        let name: Arc<str> = match node {
            ROOT => Arc::from(key),
            _ => Arc::from(format!("{}.{key}", parent.column.name)),
        };
        let child = self.add(name)?;
        let parent = self.nodes.get_mut(node)?;
        parent.members.push((key.into(), child));
        parent.by_key.insert(key.into(), child);
        Some(child)
    }

    fn element(&mut self, node: usize) -> Option<usize> {
        let parent = self.nodes.get(node)?;
        if parent.elements.is_some() {
            return parent.elements;
        }
        let name = Arc::from(format!("{}[]", parent.column.name));
        let child = self.add(name)?;
        self.nodes.get_mut(node)?.elements = Some(child);
        Some(child)
    }

    fn add(&mut self, name: Arc<str>) -> Option<usize> {
        let is_wanted = self.wanted.is_empty() || self.wanted.iter().any(|w| **w == *name);
        let leads = |w: &String| {
            let below = w.strip_prefix(&*name);
            below.is_some_and(|b| b.starts_with('.') || b.starts_with("[]"))
        };
        if !is_wanted && !self.wanted.iter().any(leads) {
            return None;
        }
        if self.nodes.len() > STATISTICS_COLUMNS_MAX {
            self.further.add(hash(0, name.as_bytes()));
            return None;
        }
        let stored = self.stored_at.get(&*name).copied();
        self.nodes.push(Node {
            stored,
            ..Node::new(name, is_wanted)
        });
        Some(self.nodes.len() - 1)
    }
}

impl Node {
    fn new(name: Arc<str>, is_wanted: bool) -> Self {
        Self {
            column: ColumnState::new(name),
            is_touched: false,
            is_wanted,
            members: Vec::new(),
            by_key: HashMap::new(),
            elements: None,
            stored: None,
        }
    }
}

/// Adds a field of a delimited record with its inferred type.
fn add_field(column: &mut ColumnState, cell: &Cell<'_>) {
    let text = match *cell {
        Cell::Null => return column.add_null(),
        ref other => other.bytes(),
    };
    match look(text) {
        CellType::Bool(value) => column.add_bool(value),
        CellType::Number(is_integer) => column.add_number(&Written {
            raw: text,
            is_integer,
        }),
        // Writers of fixed-width columns pad numbers with spaces.
        CellType::Text => match text.trim_ascii() {
            trimmed if trimmed.len() < text.len() && is_typed(trimmed) => {
                add_field(column, &Cell::Text(trimmed));
            }
            trimmed if is_not_finite(trimmed) => column.add_word(text, trimmed),
            _ => {
                column.typed_texts += 1;
                column.add_text(text);
            }
        },
    }
}

/// Returns true if a cell has a type other than text.
fn is_typed(cell: &[u8]) -> bool {
    look(cell) != CellType::Text || timestamp_form(cell).is_some()
}

fn skip_elements(scanner: &mut Scanner<'_>) -> Result<u64, ScanError> {
    let mut length = 0;
    while scanner.skip_value()?.is_some() {
        length += 1;
    }
    Ok(length)
}
