//! The files, directories, archives and keys that programs work on, all made from the seed.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use alimentar::LocalRegistry;
use alimentar::ident::ContentId;
use alimentar::progress::NoProgress;
use alimentar::registry::ExportOptions;
use alimentar::registry::IndexOptions;
use alimentar::trust::KeyPair;
use zeroize::Zeroizing;

use crate::testing::Random;

/// A file or a directory that can be indexed, and its bytes: those of all files in order of paths.
#[derive(Debug)]
pub struct Source {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

/// An archive of one dataset, signed by a publisher that is a stranger here.
#[derive(Debug)]
pub struct ArchiveInput {
    pub path: PathBuf,
    /// The dataset, as name@version.
    pub label: String,
    /// Its number among the sources.
    pub source: usize,
}

#[derive(Debug)]
pub struct World {
    pub sources: Vec<Source>,
    pub inputs: Vec<ArchiveInput>,
    pub cards: Vec<PathBuf>,
    pub by_content: BTreeMap<ContentId, usize>,
    pub own_key: KeyPair,
    pub stranger: KeyPair,
}

/// Lines of JSON of about 60 bytes.
pub fn rows(random: &mut Random, count: u64) -> Vec<String> {
    let row = |n| {
        let (a, b) = (random.below(u64::MAX), random.below(1000));
        format!("{{\"n\":{n},\"text\":\"{a:x}\",\"more\":\"{b}{b}{b}\"}}\n")
    };
    (0..count).map(row).collect()
}

impl World {
    /// Everything, in a directory of its own.
    pub fn make(dir: &Path, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut sources = Vec::new();
        let mut lines = rows(&mut random, 900);
        // Versions of one file, which are stored as deltas; then a few others.
        for version in 0..4 {
            let at = random.below(lines.len() as u64) as usize;
            lines[at] = format!("{{\"n\":-{version}}}\n");
            lines.extend(rows(&mut random, 20));
            sources.push(file(dir, sources.len(), &lines.concat()));
        }
        for count in [0, 1, 300] {
            let lines = rows(&mut random, count);
            sources.push(file(dir, sources.len(), &lines.concat()));
        }
        for number in 0..2 {
            sources.push(directory(dir, sources.len(), number, &mut random));
        }
        let stranger = KeyPair::from_seed(&Zeroizing::new([2; 32]));
        let mut world = Self {
            sources,
            inputs: Vec::new(),
            cards: (0..3).map(|number| card(dir, number)).collect(),
            by_content: BTreeMap::new(),
            own_key: KeyPair::from_seed(&Zeroizing::new([1; 32])),
            stranger,
        };
        world.pack(dir);
        world
    }

    /// Indexes every source once, to learn its content id, and makes an archive of it.
    fn pack(&mut self, dir: &Path) {
        let registry = LocalRegistry::open(&dir.join("maker")).unwrap();
        for (number, source) in self.sources.iter().enumerate() {
            let mut options = IndexOptions::default();
            options.name = Some(format!("parcel{number}").parse().unwrap());
            options.sign_with = Some(self.stranger.clone());
            let report = registry.index(&source.path, &options, &NoProgress).unwrap();
            let id = report.manifest.content_id;
            self.by_content.insert(id, number);
            let dataset = registry.get(&id).unwrap().unwrap();
            let path = dir.join(format!("parcel{number}.alimentar"));
            registry
                .archives()
                .export(&[dataset], &path, &ExportOptions::default(), &NoProgress)
                .unwrap();
            self.inputs.push(ArchiveInput {
                path,
                label: format!("parcel{number}@{}", report.manifest.dataset_version),
                source: number,
            });
        }
    }
}

fn file(dir: &Path, number: usize, text: &str) -> Source {
    let path = dir.join(format!("source{number}.jsonl"));
    std::fs::write(&path, text).unwrap();
    Source {
        path,
        bytes: text.as_bytes().to_vec(),
    }
}

fn directory(dir: &Path, number: usize, more: u64, random: &mut Random) -> Source {
    let path = dir.join(format!("source{number}"));
    std::fs::create_dir_all(path.join("part")).unwrap();
    let mut files: Vec<(String, String)> = Vec::new();
    for n in 0..5 + more {
        files.push((format!("part/{n}.jsonl"), rows(random, 60 + n).concat()));
    }
    files.push(("readme.md".to_owned(), "# Title\n\nText.\n".to_owned()));
    files.push(("table.csv".to_owned(), "a,b\n1,2\n".repeat(90)));
    files.sort();
    for (name, text) in &files {
        std::fs::write(path.join(name), text).unwrap();
    }
    let bytes = files.iter().map(|(_, text)| text.as_str());
    let bytes = bytes.collect::<String>().into_bytes();
    Source { path, bytes }
}

fn card(dir: &Path, number: usize) -> PathBuf {
    let path = dir.join(format!("card{number}.md"));
    let text = format!("# Card {number}\n\n{}\n", "Some text. ".repeat(40 * number));
    std::fs::write(&path, text).unwrap();
    path
}
