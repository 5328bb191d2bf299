//! Goes over rows and puts every value into its column.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::inspect::format::cell_type::Look;
use crate::inspect::format::cell_type::is_not_finite;
use crate::inspect::format::cell_type::look;
use crate::inspect::format::cell_type::moment;
use crate::inspect::json::Event;
use crate::inspect::json::Number as Written;
use crate::inspect::json::ScanError;
use crate::inspect::json::Scanner;
use crate::inspect::json::Text;
use crate::inspect::stats::StatsOptions;
use crate::inspect::stats::column::Column;
use crate::inspect::stats::column::Part;
use crate::inspect::stats::sketches::hash::hash;
use crate::inspect::stats::sketches::hyperloglog::Distinct;
use crate::inspect::table::Batch;
use crate::inspect::table::Cell;
use crate::inspect::table::Row;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::inspect::table::ShownValue;
use crate::inspect::table::Stored;
use crate::inspect::table::StoredColumn;
use crate::inspect::table::TEXT_COLUMN;
use crate::inspect::table::TableError;
use crate::inspect::table::VALUE_COLUMN;
use crate::inspect::table::each_value;
use crate::wire::limits::STATISTICS_COLUMNS_MAX;
use crate::wire::limits::STATISTICS_DEPTH_MAX;

/// What one thread makes of its rows.
pub(super) struct Walker {
    pub(super) nodes: Vec<Node>,
    /// Columns that there was no room for, by the hash of their name.
    pub(super) further: Distinct,
    wanted: Vec<String>,
    depth_max: usize,
    row: u64,
    /// Columns that the batch has, in the order in which it shows them.
    touched: Vec<usize>,
    scratch: Scratch,
    said: String,
    bytes: Vec<u8>,
    /// What strings stand for in the columns of the batch at hand.
    stored: Option<Arc<[StoredColumn]>>,
    stored_at: HashMap<String, Stored>,
}

/// A place in rows, and what is below it.
pub(super) struct Node {
    pub(super) column: Column,
    is_touched: bool,
    /// Whether figures are wanted of it, and not only of what is below.
    pub(super) is_wanted: bool,
    /// Members by their key, in the order in which rows show them.
    members: Vec<(Box<str>, usize)>,
    by_key: HashMap<Box<str>, usize>,
    elements: Option<usize>,
    /// What its strings stand for.
    stored: Option<Stored>,
}

/// What a batch comes to, where the order of rows matters.
pub(super) struct BatchStats {
    pub(super) rows: u64,
    pub(super) malformed: u64,
    /// Its rows are cells.
    pub(super) is_delimited: bool,
    pub(super) parts: Vec<Part>,
}

/// The row itself; it stands for no column.
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
            said: String::new(),
            bytes: Vec::new(),
            stored: None,
            stored_at: HashMap::new(),
        }
    }

    /// Puts the values of a batch into their columns.
    ///
    /// # Errors
    /// [`TableError`] for decoded columns that cannot be shown.
    pub(super) fn batch(&mut self, batch: &Batch) -> Result<BatchStats, TableError> {
        let (mut rows, mut malformed) = (0, 0);
        self.learn(batch.stored());
        if let Shape::Delimited(header) = batch.shape() {
            // A column is there though all its fields may be missing.
            for name in &header.names {
                if let Some(node) = self.member(ROOT, name, 0) {
                    self.show(node);
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

    /// Goes over decoded rows, one column after the other.
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
                        self.touch(node);
                        self.with(node, Column::add_null);
                    }
                    ShownValue::Text(text) => {
                        self.touch(node);
                        self.with(node, |c| c.add_text(text));
                    }
                    ShownValue::Json(json) => {
                        let mut scanner = Scanner::with_nan(json);
                        if let Ok(Some(event)) = scanner.next_event() {
                            // What an encoder writes is JSON.
                            let _ = self.value(&mut scanner, event, Some(node), 1);
                        }
                    }
                }
            })?;
        }
        self.row = before + rows.num_rows() as u64;
        Ok(())
    }

    /// What strings of the next rows stand for.
    fn learn(&mut self, stored: Option<&Arc<[StoredColumn]>>) {
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

    /// Whether the row is what its format says.
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
        // Numbers that are none are counted as such.
        let mut scanner = Scanner::with_nan(row);
        match scanner.next_event()? {
            Some(Event::Object) => self.object(&mut scanner, ROOT, 1)?,
            Some(event) => {
                let node = self.member(ROOT, VALUE_COLUMN, 0);
                self.value(&mut scanner, event, node, 1)?;
            }
            None => {}
        }
        // Nothing but white space may follow.
        scanner.next_event().map(|_| ())
    }

    /// The members of an object that is open. Goes as deep as `depth_max`.
    fn object(
        &mut self,
        scanner: &mut Scanner<'_>,
        node: usize,
        depth: usize,
    ) -> Result<(), ScanError> {
        let mut number = 0;
        while let Some(Event::Key(key)) = scanner.next_event()? {
            let Some(event) = scanner.next_event()? else {
                break;
            };
            let member = self.key(node, &key, number);
            self.value(scanner, event, member, depth)?;
            number += 1;
        }
        Ok(())
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
            match scanner.next_event()? {
                None | Some(Event::ArrayEnd) => return Ok(length),
                Some(event) => self.value(scanner, event, element, depth)?,
            }
            length += 1;
        }
    }

    /// A value whose first event was told.
    fn value(
        &mut self,
        scanner: &mut Scanner<'_>,
        event: Event<'_>,
        node: Option<usize>,
        depth: usize,
    ) -> Result<(), ScanError> {
        let Some(node) = node else {
            return match event {
                Event::Object | Event::Array => scanner.leave(),
                _ => Ok(()),
            };
        };
        self.touch(node);
        match event {
            Event::Object => {
                self.with(node, Column::add_object);
                match depth < self.depth_max {
                    true => self.object(scanner, node, depth + 1),
                    false => scanner.leave(),
                }
            }
            Event::Array => {
                let length = match depth < self.depth_max {
                    true => self.elements(scanner, node, depth + 1)?,
                    false => skip_elements(scanner)?,
                };
                self.with(node, |c| c.add_array(length));
                Ok(())
            }
            Event::String(text) => {
                self.text(node, &text);
                Ok(())
            }
            Event::Number(number) => {
                self.with(node, |c| c.add_number(&number));
                Ok(())
            }
            Event::Bool(value) => {
                self.with(node, |c| c.add_bool(value));
                Ok(())
            }
            Event::Null => {
                self.with(node, Column::add_null);
                Ok(())
            }
            Event::Key(_) | Event::ObjectEnd | Event::ArrayEnd => Ok(()),
        }
    }

    fn text(&mut self, node: usize, text: &Text<'_>) {
        let Some(node) = self.nodes.get_mut(node).filter(|n| n.is_wanted) else {
            return;
        };
        if node.stored == Some(Stored::Bytes) {
            node.column.add_bytes(text.raw);
        } else if text.is_escaped {
            match text.said_into(&mut self.bytes) {
                Ok(()) => node.column.add_text(&self.bytes),
                // U+FFFD is shown for half characters, which are not the same for that.
                Err(_) => {
                    let _ = text.unescape_into(&mut self.said);
                    node.column
                        .add_broken_text(self.said.as_bytes(), &self.bytes);
                }
            }
        } else {
            node.column.typed_texts += u64::from(node.stored == Some(Stored::Times));
            node.column.add_text(text.raw);
        }
    }

    fn with(&mut self, node: usize, add: impl FnOnce(&mut Column)) {
        if let Some(node) = self.nodes.get_mut(node).filter(|n| n.is_wanted) {
            add(&mut node.column);
        }
    }

    /// The column of a member, of which there is a value now.
    fn open(&mut self, node: usize, key: &str, number: usize) -> Option<&mut Column> {
        let node = self.member(node, key, number)?;
        self.touch(node);
        let node = self.nodes.get_mut(node).filter(|n| n.is_wanted)?;
        Some(&mut node.column)
    }

    /// The row has the column.
    fn touch(&mut self, at: usize) {
        if let Some(node) = self.nodes.get_mut(at).filter(|n| n.is_wanted) {
            node.column.meet(self.row);
            self.show(at);
        }
    }

    /// The batch has the column, though perhaps no row of it has.
    fn show(&mut self, at: usize) {
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
        let mut said = String::new();
        let _ = key.unescape_into(&mut said);
        self.member(node, &said, number)
    }

    /// The place of a member, which most rows show at the same number. None where there is no room
    /// for one more, or it is not wanted.
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
            column: Column::new(name),
            is_touched: false,
            is_wanted,
            members: Vec::new(),
            by_key: HashMap::new(),
            elements: None,
            stored: None,
        }
    }
}

/// A field has no type of its own, but what it looks like.
fn add_field(column: &mut Column, cell: &Cell<'_>) {
    let text = match *cell {
        Cell::Null => return column.add_null(),
        ref other => other.bytes(),
    };
    match look(text) {
        Look::Bool(value) => column.add_bool(value),
        Look::Number(is_integer) => column.add_number(&Written {
            raw: text,
            is_integer,
        }),
        // Those who write numbers in columns of one width put spaces beside them.
        Look::Text => match text.trim_ascii() {
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

/// Whether a cell has a type other than text.
fn is_typed(cell: &[u8]) -> bool {
    look(cell) != Look::Text || moment(cell).is_some()
}

fn skip_elements(scanner: &mut Scanner<'_>) -> Result<u64, ScanError> {
    let mut length = 0;
    while scanner.skip_value()?.is_some() {
        length += 1;
    }
    Ok(length)
}
