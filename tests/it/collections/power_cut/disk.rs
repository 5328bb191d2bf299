//! Files with the order of their changes: what a power cut at any instant may leave of them.
//!
//! A change is durable from the moment when a sync of its file, or of its directory, has returned. Of the others the
//! disk has any: the data of a file in any order, each write whole, in part by sectors, or as zeros where its length
//! arrived alone; the names of a directory in their order up to any point.

use std::collections::BTreeMap;
use std::path::Path;

use super::trace::Offset;
use super::trace::Step;
use crate::support::random::Random;

const SECTOR: usize = 512;

/// The bytes of the file at each path; a directory has none.
pub type Tree = BTreeMap<String, Option<Vec<u8>>>;

/// A file or directory, whatever its names.
type Inode = usize;

#[derive(Debug)]
enum Effect {
    Wrote {
        inode: Inode,
        offset: u64,
        bytes: Vec<u8>,
    },
    Cut {
        inode: Inode,
        length: u64,
    },
    /// The names of one directory that change together.
    Names {
        dir: String,
        names: Vec<(String, Option<Inode>)>,
    },
    /// A sync, or a report.
    Nothing,
}

#[derive(Debug)]
struct Change {
    effect: Effect,
    /// The number of changes after which this one is durable.
    durable_at: usize,
}

/// The way in which the changes that are not durable are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// All of them are lost.
    Lost,
    /// All are there, as after a kill.
    Kept,
    /// The names are there, the data is lost.
    NamesOnly,
    /// The data is there, the names are lost.
    DataOnly,
    Random,
}

/// A directory whose changes are recorded.
#[derive(Debug)]
pub struct Disk {
    base: String,
    changes: Vec<Change>,
    is_dir: Vec<bool>,
    /// The names and bytes now.
    names: BTreeMap<String, Inode>,
    bytes: Vec<Vec<u8>>,
}

impl Disk {
    /// An empty directory, which is durable.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            changes: Vec::new(),
            is_dir: vec![true],
            names: BTreeMap::from([(base.to_owned(), 0)]),
            bytes: vec![Vec::new()],
        }
    }

    /// The number of changes so far.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    pub fn has(&self, path: &str) -> bool {
        self.names.contains_key(path)
    }

    /// The bytes of a file now.
    pub fn read(&self, path: &str) -> Option<&[u8]> {
        self.names
            .get(path)
            .map(|inode| self.bytes[*inode].as_slice())
    }

    /// Takes a step; `first` is the number of changes before the first step of its log.
    pub fn take(&mut self, step: &Step, first: usize) {
        let effect = match step {
            Step::Made { path, is_dir } => {
                self.is_dir.push(*is_dir);
                self.bytes.push(Vec::new());
                self.named(path, vec![(path.clone(), Some(self.bytes.len() - 1))])
            }
            Step::Linked { from, to } => self.named(to, vec![(to.clone(), Some(self.names[from]))]),
            Step::Renamed { from, to } => {
                let names = vec![(from.clone(), None), (to.clone(), Some(self.names[from]))];
                self.named(to, names)
            }
            Step::Removed { path } => self.named(path, vec![(path.clone(), None)]),
            Step::Wrote {
                path,
                offset,
                bytes,
            } => self.wrote(path, *offset, bytes),
            // A file without a name is nobody's.
            Step::Cut { path, length } => match self.names.get(path) {
                None => Effect::Nothing,
                Some(inode) => {
                    self.bytes[*inode].resize(*length as usize, 0);
                    Effect::Cut {
                        inode: *inode,
                        length: *length,
                    }
                }
            },
            Step::Synced { path, before } => {
                self.sync(path, first + before);
                Effect::Nothing
            }
            Step::Reported => Effect::Nothing,
        };
        self.changes.push(Change {
            effect,
            durable_at: usize::MAX,
        });
    }

    fn wrote(&mut self, path: &str, offset: Offset, bytes: &[u8]) -> Effect {
        let Some(&inode) = self.names.get(path) else {
            return Effect::Nothing;
        };
        let offset = match offset {
            Offset::At(at) => at,
            Offset::End => self.bytes[inode].len() as u64,
        };
        put(&mut self.bytes[inode], offset as usize, bytes, |_| true);
        Effect::Wrote {
            inode,
            offset,
            bytes: bytes.to_vec(),
        }
    }

    fn named(&mut self, path: &str, names: Vec<(String, Option<Inode>)>) -> Effect {
        rename(&mut self.names, &names);
        let dir = path.rsplit_once('/').unwrap().0.to_owned();
        Effect::Names { dir, names }
    }

    fn sync(&mut self, path: &str, before: usize) {
        let Some(&synced) = self.names.get(path) else {
            return;
        };
        let durable = self.changes.len() + 1;
        for change in &mut self.changes[..before] {
            let is_covered = match &change.effect {
                Effect::Wrote { inode, .. } | Effect::Cut { inode, .. } => *inode == synced,
                Effect::Names { dir, .. } => dir == path,
                Effect::Nothing => false,
            };
            if is_covered {
                change.durable_at = change.durable_at.min(durable);
            }
        }
    }

    /// Returns what a power cut after a number of changes may leave.
    pub fn cut(&self, after: usize, draw: Draw, random: &mut Random) -> Tree {
        let names = self.cut_names(after, draw, random);
        let bytes = self.cut_bytes(after, draw, random);
        let mut tree = Tree::new();
        // Paths sort behind those of their directories.
        for (path, inode) in names {
            let dir = path.rsplit_once('/').unwrap().0;
            if path == self.base || tree.get(dir).is_some_and(Option::is_none) {
                let is_dir = self.is_dir[inode];
                tree.insert(path, (!is_dir).then(|| bytes[inode].clone()));
            }
        }
        tree
    }

    fn cut_names(&self, after: usize, draw: Draw, random: &mut Random) -> BTreeMap<String, Inode> {
        let mut open: BTreeMap<&str, usize> = BTreeMap::new();
        for change in &self.changes[..after] {
            if let Effect::Names { dir, .. } = &change.effect
                && change.durable_at > after
            {
                *open.entry(dir).or_default() += 1;
            }
        }
        for kept in open.values_mut() {
            match draw {
                Draw::Lost | Draw::DataOnly => *kept = 0,
                Draw::Kept | Draw::NamesOnly => {}
                Draw::Random => *kept = random.index(*kept + 1),
            }
        }
        let mut names = BTreeMap::from([(self.base.clone(), 0)]);
        for change in &self.changes[..after] {
            let Effect::Names {
                dir,
                names: changed,
            } = &change.effect
            else {
                continue;
            };
            let mut is_there = change.durable_at <= after;
            if let (false, Some(kept)) = (is_there, open.get_mut(dir.as_str())) {
                is_there = *kept > 0;
                *kept = kept.saturating_sub(1);
            }
            if is_there {
                rename(&mut names, changed);
            }
        }
        names
    }

    fn cut_bytes(&self, after: usize, draw: Draw, random: &mut Random) -> Vec<Vec<u8>> {
        let mut bytes = vec![Vec::new(); self.bytes.len()];
        let moods: Vec<u64> = bytes.iter().map(|_| random.below(8)).collect();
        for change in &self.changes[..after] {
            let is_durable = change.durable_at <= after;
            let (inode, is_kept) = match (&change.effect, draw) {
                (Effect::Wrote { inode, .. } | Effect::Cut { inode, .. }, _) if is_durable => {
                    (*inode, true)
                }
                (_, Draw::Lost | Draw::NamesOnly) => continue,
                (Effect::Wrote { inode, .. } | Effect::Cut { inode, .. }, Draw::Random) => {
                    match moods[*inode] {
                        0 => continue,
                        1 => (*inode, true),
                        2 if random.below(2) == 0 => continue,
                        2 => (*inode, true),
                        _ => (*inode, false),
                    }
                }
                (Effect::Wrote { inode, .. } | Effect::Cut { inode, .. }, _) => (*inode, true),
                _ => continue,
            };
            let file = &mut bytes[inode];
            match &change.effect {
                Effect::Wrote { offset, bytes, .. } if is_kept => {
                    put(file, *offset as usize, bytes, |_| true)
                }
                Effect::Wrote { offset, bytes, .. } => tear(file, *offset as usize, bytes, random),
                Effect::Cut { length, .. } if is_kept || random.below(2) == 0 => {
                    file.resize(*length as usize, 0)
                }
                _ => {}
            }
        }
        bytes
    }
}

fn rename(names: &mut BTreeMap<String, Inode>, changed: &[(String, Option<Inode>)]) {
    for (name, inode) in changed {
        match inode {
            Some(inode) => names.insert(name.clone(), *inode),
            None => names.remove(name),
        };
    }
}

/// Writes the sectors of a write that are chosen by their numbers; the length covers all of them.
fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8], is_there: impl Fn(usize) -> bool) {
    if bytes.is_empty() {
        return;
    }
    file.resize(file.len().max(offset + bytes.len()), 0);
    for (n, byte) in bytes.iter().enumerate() {
        if is_there((offset + n) / SECTOR) {
            file[offset + n] = *byte;
        }
    }
}

/// Writes a part of a write.
fn tear(file: &mut Vec<u8>, offset: usize, bytes: &[u8], random: &mut Random) {
    let sectors = (offset + bytes.len()) / SECTOR - offset / SECTOR + 1;
    match random.below(4) {
        // Its length alone.
        0 => put(file, offset, bytes, |_| false),
        // Its begin, and no length behind it.
        1 => {
            let end = (offset / SECTOR + 1 + random.index(sectors)) * SECTOR;
            put(
                file,
                offset,
                &bytes[..bytes.len().min(end - offset)],
                |_| true,
            );
        }
        // Any of its sectors, and zeros, or what was there, in place of the others.
        2 => {
            let chosen = random.next_u64();
            put(file, offset, bytes, |sector| {
                chosen >> (sector % 64) & 1 == 1
            });
        }
        // Its begin, cut at any byte: some devices promise no sectors.
        _ => put(
            file,
            offset,
            &bytes[..random.index(bytes.len() + 1)],
            |_| true,
        ),
    }
}

/// Makes the files of a tree, whose paths begin with `from`, at another place.
pub fn materialise(tree: &Tree, from: &str, to: &Path) {
    for (path, bytes) in tree {
        let path = to.join(path.strip_prefix(from).unwrap().trim_start_matches('/'));
        match bytes {
            None => std::fs::create_dir_all(path).unwrap(),
            Some(bytes) => std::fs::write(path, bytes).unwrap(),
        }
    }
}

/// Reads the files of a directory as a tree.
pub fn tree_of(base: &Path) -> Tree {
    let mut tree = Tree::from([(base.to_str().unwrap().to_owned(), None)]);
    let mut open = vec![base.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_str().unwrap().to_owned();
            match path.is_dir() {
                true => {
                    tree.insert(name, None);
                    open.push(path);
                }
                false => drop(tree.insert(name, Some(std::fs::read(path).unwrap()))),
            }
        }
    }
    tree
}
