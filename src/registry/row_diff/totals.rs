//! Shared and different chunks and files of two inputs.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::catalog::Dataset;
use crate::ident::ChunkId;
use crate::ident::ContentId;
use crate::manifest::ChunkEntry;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Totals;
use crate::manifest::TreeDiff;
use crate::manifest::diff_trees;
use crate::registry::error::Error;
use crate::registry::row_diff::input::DiffInput;
use crate::registry::step::Step;
use crate::registry::views::Comparison;
use crate::registry::working_copy::OneSided;
use crate::registry::working_copy::renames;
use crate::store::disk::BlobReader;

/// A file in a comparison of two datasets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// The file's path.
    pub path: String,
    /// Size and id in the first dataset.
    pub a: Option<(u64, ContentId)>,
    /// Size and id in the second dataset.
    pub b: Option<(u64, ContentId)>,
    /// The path in the first dataset if the content was renamed.
    pub from: Option<String>,
}

/// Comparison of two datasets.
#[derive(Clone, Debug)]
pub struct DiffReport {
    /// Shared and different chunks.
    pub tree: TreeDiff,
    /// Files that differ.
    pub files: Vec<FileDiff>,
}

impl Comparison<'_> {
    /// Compares two datasets by chunks and by files.
    ///
    /// # Errors
    /// [`Error`] when a tree or table is missing or damaged.
    pub fn diff(&self, a: &Dataset, b: &Dataset) -> Result<DiffReport, Error> {
        let _step = Step::begin("compare", &a.manifest.name);
        let a = DiffInput::held(self.registry, a)?;
        let b = DiffInput::held(self.registry, b)?;
        self.diff_of(&a, &b)
    }

    /// Compares two inputs by chunks and by files.
    ///
    /// # Errors
    /// [`Error`] when a tree is missing or damaged.
    pub fn diff_of(&self, a: &DiffInput, b: &DiffInput) -> Result<DiffReport, Error> {
        let reader = BlobReader::new(&self.registry.store)?;
        let tree = match (a.tree(), b.tree()) {
            (Some(a), Some(b)) => diff_trees(&reader, a, b)?,
            _ => diff_chunks(a, b, &reader)?,
        };
        Ok(DiffReport {
            tree,
            files: diff_files(&a.table, &b.table),
        })
    }
}

/// Compares the chunks of inputs of which one has no tree. Each occurrence counts once.
fn diff_chunks(a: &DiffInput, b: &DiffInput, reader: &BlobReader) -> Result<TreeDiff, Error> {
    let mut spare: HashMap<ChunkId, (u64, Totals)> = HashMap::new();
    let mut diff = TreeDiff::default();
    let add = |to: &mut Totals, more: Totals| *to = to.plus(more).unwrap_or(*to);
    for placed in a.chunks(reader, 0)? {
        let (_, chunk) = placed?;
        let totals = totals_of(&chunk);
        add(&mut diff.only_a, totals);
        spare.entry(chunk.id).or_insert((0, totals)).0 += 1;
    }
    for placed in b.chunks(reader, 0)? {
        let (_, chunk) = placed?;
        match spare.get_mut(&chunk.id).filter(|(n, _)| *n > 0) {
            Some((n, totals)) => {
                *n -= 1;
                add(&mut diff.shared, *totals);
            }
            None => add(&mut diff.only_b, totals_of(&chunk)),
        }
    }
    let (all, shared) = (diff.only_a, diff.shared);
    diff.only_a = Totals {
        bytes: all.bytes.saturating_sub(shared.bytes),
        chunks: all.chunks.saturating_sub(shared.chunks),
        newlines: all.newlines.saturating_sub(shared.newlines),
    };
    Ok(diff)
}

fn totals_of(chunk: &ChunkEntry) -> Totals {
    Totals {
        bytes: u64::from(chunk.bytes),
        chunks: 1,
        newlines: u64::from(chunk.newlines),
    }
}

fn diff_files(a: &FileTable, b: &FileTable) -> Vec<FileDiff> {
    let facts = |f: &FileEntry| f.content_id.map(|id| (f.size_bytes, id));
    let one = |path: &str, a, b| FileDiff {
        path: path.to_owned(),
        a,
        b,
        from: None,
    };
    let mut files = Vec::new();
    let (mut gone, mut came) = (Vec::new(), Vec::new());
    for f in a.files() {
        match b.find(&f.path) {
            None => gone.push(f),
            Some(other) if facts(other) != facts(f) => {
                files.push(one(&f.path, facts(f), facts(other)));
            }
            Some(_) => {}
        }
    }
    came.extend(b.files().iter().filter(|f| a.find(&f.path).is_none()));
    let renamed = renames(&one_sided(&gone), &one_sided(&came));
    let moved: HashSet<&str> = renamed.values().copied().collect();
    for f in gone.iter().filter(|f| !moved.contains(f.path.as_str())) {
        files.push(one(&f.path, facts(f), None));
    }
    for f in came {
        let from = renamed.get(f.path.as_str()).map(|from| (*from).to_owned());
        files.push(FileDiff {
            from: from.clone(),
            ..one(&f.path, from.and(facts(f)), facts(f))
        });
    }
    files.sort_by(|x, y| x.path.cmp(&y.path));
    files
}

fn one_sided<'a>(files: &[&'a FileEntry]) -> Vec<OneSided<'a>> {
    let facts = |f: &&'a FileEntry| Some((f.path.as_str(), f.size_bytes, f.content_id?));
    files.iter().filter_map(facts).collect()
}
