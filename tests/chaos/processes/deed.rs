//! Commands as people type them, and what each leaves behind.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use alimentar::ident::DatasetVersion;

use crate::processes::fault::word;
use crate::testing::Random;
use crate::world::rows;

/// The known state of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The hash of its bytes.
    pub bytes: String,
    pub tags: BTreeSet<String>,
    pub is_signed: bool,
    pub is_private: bool,
    pub is_withdrawn: bool,
}

/// The datasets by name@version.
pub type State = BTreeMap<String, Held>;

/// One command.
#[derive(Clone, Debug)]
pub struct Deed {
    pub kind: &'static str,
    pub words: Vec<String>,
    /// The datasets that it changes, as they are when it is done.
    pub changes: BTreeMap<String, Option<Held>>,
    /// Set if all of them change at once.
    pub is_atomic: bool,
    /// A file that is whole when it is done, and absent or whole when it is not.
    pub makes: Option<(PathBuf, Made)>,
    /// A publisher or node that is known when it is done, or is not any more.
    pub knows: Option<(String, bool)>,
    /// It may fail for a reason of its own.
    pub may_fail: bool,
}

impl Deed {
    fn new(kind: &'static str, words: &[&str]) -> Self {
        let mut all = vec!["registry".to_owned()];
        all.extend(words.iter().map(|w| (*w).to_owned()));
        Self {
            kind,
            words: all,
            changes: BTreeMap::new(),
            is_atomic: true,
            makes: None,
            knows: None,
            may_fail: false,
        }
    }

    fn changing(mut self, label: &str, to: Option<Held>) -> Self {
        self.changes.insert(label.to_owned(), to);
        self
    }
}

/// The content that an output file must have.
#[derive(Clone, Debug)]
pub enum Made {
    Bytes(Vec<u8>),
    /// A key file that opens with the passphrase.
    Key,
    /// An archive that can be imported.
    Archive,
}

/// The datasets of others: archives in files, and datasets that a peer serves.
#[derive(Debug)]
pub struct Others {
    /// Path, label, what it is.
    pub archives: Vec<(PathBuf, String, Held)>,
    pub stranger: String,
    /// Datasets of the trusted publisher.
    pub served: State,
}

/// A series of commands that runs beside the other lanes.
/// A dataset belongs to one lane, so no other lane changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    Own(u8),
    Archives,
    Peer,
    Upkeep,
    Trust,
    Outputs,
}

/// The inputs from which a lane chooses its next command.
pub struct Choice<'a> {
    pub state: &'a State,
    pub known: &'a BTreeSet<String>,
    pub others: &'a Others,
    pub contents: &'a BTreeMap<String, Vec<u8>>,
    pub peer: &'a str,
    pub dir: &'a Path,
    pub serial: u64,
}

/// The next command of a lane, and the contents that it brings.
pub fn choose(lane: Lane, random: &mut Random, c: &Choice<'_>) -> (Deed, Vec<Vec<u8>>) {
    match lane {
        Lane::Own(number) => own(number, random, c),
        Lane::Archives => (archives(random, c), Vec::new()),
        Lane::Peer => (peer(random, c), Vec::new()),
        Lane::Upkeep => (upkeep(random), Vec::new()),
        Lane::Trust => (trust(random, c), Vec::new()),
        Lane::Outputs => (outputs(random, c), Vec::new()),
    }
}

fn one_of<'a>(
    random: &mut Random,
    state: &'a State,
    fits: &dyn Fn(&str, &Held) -> bool,
) -> Option<(&'a String, &'a Held)> {
    let fitting: Vec<_> = state.iter().filter(|(l, h)| fits(l, h)).collect();
    fitting
        .get(random.below(fitting.len() as u64) as usize)
        .copied()
}

fn own(number: u8, random: &mut Random, c: &Choice<'_>) -> (Deed, Vec<Vec<u8>>) {
    let prefix = format!("lane{number}-");
    let mine = |label: &str, _: &Held| label.starts_with(&prefix);
    let count = c
        .state
        .keys()
        .filter(|label| label.starts_with(&prefix))
        .count();
    let what = random.below(15);
    let picked = one_of(random, c.state, &mine);
    let (Some((label, held)), false) = (picked, what < 4 && count < 4) else {
        return index(&prefix, random, c);
    };
    let (label, held) = (label.clone(), held.clone());
    let with = |change: &dyn Fn(&mut Held)| {
        let mut held = held.clone();
        change(&mut held);
        Some(held)
    };
    let deed = match what {
        4..=6 if !held.is_withdrawn => {
            let tag = format!("tag{}", c.serial);
            let after = with(&|held| {
                held.tags.insert(tag.clone());
            });
            Deed::new("tag", &["tag", &label, "--add", &tag]).changing(&label, after)
        }
        7 if !held.is_withdrawn => {
            let name = format!("{prefix}renamed{}", c.serial);
            let version = label.split('@').nth(1).unwrap_or_default();
            Deed::new("rename", &["rename", &label, &name])
                .changing(&label, None)
                .changing(&format!("{name}@{version}"), Some(held))
        }
        13 if !held.is_withdrawn => {
            let card = c.dir.join(format!("card{}.md", c.serial));
            std::fs::write(&card, format!("# Card {}\n", c.serial)).unwrap();
            Deed::new("card", &["card", &label, "--set", &word(&card)]).changing(&label, Some(held))
        }
        8 if !held.is_signed => Deed::new("sign", &["sign", &label])
            .changing(&label, with(&|held| held.is_signed = true)),
        8..=9 => Deed::new("share", &["share", &label])
            .changing(&label, with(&|held| held.is_private = false)),
        10 => Deed::new("unshare", &["unshare", &label])
            .changing(&label, with(&|held| held.is_private = true)),
        11 if held.is_signed && !held.is_withdrawn => {
            Deed::new("withdraw", &["withdraw", &label, "--reason", "r"])
                .changing(&label, with(&|held| held.is_withdrawn = true))
        }
        12 if held.is_signed && !held.is_withdrawn => {
            let mut deed = Deed::new(
                "purge",
                &["withdraw", &label, "--reason", "r", "--purge", "--yes"],
            )
            .changing(&label, None);
            // Withdrawn first, then taken out: two steps.
            deed.is_atomic = false;
            deed
        }
        _ => Deed::new("unindex", &["unindex", &label]).changing(&label, None),
    };
    (deed, Vec::new())
}

fn index(prefix: &str, random: &mut Random, c: &Choice<'_>) -> (Deed, Vec<Vec<u8>>) {
    let serial = c.serial;
    let path = c.dir.join(format!("{prefix}{serial}"));
    let old = match random.below(2) {
        0 => one_of(random, c.state, &|label, _| label.starts_with(prefix)),
        _ => None,
    };
    let mut text = match old.and_then(|(_, held)| c.contents.get(&held.bytes)) {
        // A version of something that is there.
        Some(bytes) => bytes.clone(),
        None => Vec::new(),
    };
    let count = 1 + random.below(700);
    text.extend(rows(random, count).concat().into_bytes());
    let bytes = match random.below(4) {
        0 => {
            std::fs::create_dir_all(path.join("part")).unwrap();
            let (first, second) = text.split_at(text.len() / 2);
            std::fs::write(path.join("a.jsonl"), first).unwrap();
            std::fs::write(path.join("part/b.jsonl"), second).unwrap();
            text
        }
        _ => {
            std::fs::write(&path, &text).unwrap();
            text
        }
    };
    let name = match old {
        Some((label, _)) => label.split('@').next().unwrap_or_default().to_owned(),
        None => format!("{prefix}{serial}"),
    };
    let version = format!("2.{serial}.0");
    let tag = format!("tag{serial}");
    let mut words = vec!["index".to_owned(), word(&path)];
    for more in ["--name", &name, "--version", &version, "--tag", &tag] {
        words.push(more.to_owned());
    }
    let (is_private, is_signed) = (random.below(4) == 0, random.below(6) == 0);
    words.extend(is_private.then(|| "--private".to_owned()));
    words.extend(is_signed.then(|| "--sign".to_owned()));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // A version is private where the newest before it is.
    let version_of = |label: &str| {
        let (of, version) = label.split_once('@')?;
        version
            .parse::<DatasetVersion>()
            .ok()
            .filter(|_| of == name)
    };
    let versions = c
        .state
        .iter()
        .filter_map(|(l, held)| Some((version_of(l)?, held)));
    let newest = versions.max_by(|(a, _), (b, _)| a.cmp(b));
    let held = Held {
        bytes: hash(&bytes),
        tags: BTreeSet::from([tag.clone()]),
        is_signed,
        is_private: is_private || newest.is_some_and(|(_, held)| held.is_private),
        is_withdrawn: false,
    };
    let deed = Deed::new("index", &words).changing(&format!("{name}@{version}"), Some(held));
    (deed, vec![bytes])
}

fn archives(random: &mut Random, c: &Choice<'_>) -> Deed {
    let archives = &c.others.archives;
    let (path, label, held) = &archives[random.below(archives.len() as u64) as usize];
    match c.state.contains_key(label) && random.below(2) == 0 {
        true => Deed::new("unindex", &["unindex", label]).changing(label, None),
        false => {
            let path = word(path);
            let words = ["import", &path, "--accept-publisher", &c.others.stranger];
            Deed::new("import", &words).changing(label, Some(held.clone()))
        }
    }
}

fn peer(random: &mut Random, c: &Choice<'_>) -> Deed {
    let served: Vec<_> = c.others.served.iter().collect();
    let (label, held) = served[random.below(served.len() as u64) as usize];
    let mut deed = match random.below(3) {
        0 if c.state.contains_key(label) => {
            return Deed::new("unindex", &["unindex", label]).changing(label, None);
        }
        1 => {
            let mut deed = Deed::new("sync", &["sync", "--peer", c.peer]);
            deed.is_atomic = false;
            let missing = served.iter().filter(|(l, _)| !c.state.contains_key(*l));
            let missing = missing.map(|(l, h)| ((*l).clone(), Some((*h).clone())));
            deed.changes.extend(missing);
            deed
        }
        _ => Deed::new("pull", &["pull", label, "--peer", c.peer])
            .changing(label, Some(held.clone())),
    };
    // The peer may be killed meanwhile.
    deed.may_fail = true;
    deed
}

fn upkeep(random: &mut Random) -> Deed {
    let looking = |kind, words: &[&str]| {
        let mut deed = Deed::new(kind, &[]);
        deed.words = ["inspect"]
            .iter()
            .chain(words)
            .map(|w| (*w).to_owned())
            .collect();
        deed
    };
    match random.below(9) {
        0 => Deed::new("gc", &["gc"]),
        1..=2 => Deed::new("gc", &["gc", "--keep-days", "0"]),
        3 => Deed::new("fsck", &["fsck"]),
        4 => Deed::new("search", &["search", "tag1*"]),
        5 => looking("dedup", &["dedup", "own0@1.0.0"]),
        6 => looking(
            "lines",
            &["lines", "own1@1.0.0", "--start", "7", "--count", "2"],
        ),
        7 => Deed::new("schema", &["schema", "own0@1.0.0"]),
        _ => Deed::new("stats", &["stats"]),
    }
}

fn trust(random: &mut Random, c: &Choice<'_>) -> Deed {
    let names: Vec<&String> = c.known.iter().collect();
    let picked = names.get(random.below(1 + names.len() as u64) as usize);
    let mut seed = zeroize::Zeroizing::new([random.below(250) as u8 + 3; 32]);
    seed[..8].copy_from_slice(&c.serial.to_le_bytes());
    let key = alimentar::trust::KeyPair::from_seed(&seed)
        .public_key()
        .to_hex();
    let new = format!("publisher-{}", c.serial);
    let (words, name, is_there) = match (picked, random.below(2)) {
        (Some(name), _) if name.starts_with("publisher-") => {
            (vec!["trust", "remove", name], (*name).clone(), false)
        }
        (Some(id), _) => (vec!["access", "remove", id], (*id).clone(), false),
        (None, 0) => (vec!["access", "add", &key], key.clone(), true),
        (None, _) => (vec!["trust", "add", &new, &key], new.clone(), true),
    };
    let mut deed = Deed::new("trust", &words);
    deed.knows = Some((name, is_there));
    deed
}

fn outputs(random: &mut Random, c: &Choice<'_>) -> Deed {
    // Nobody takes out what the peer's lane pulled while this one reads, but that lane itself.
    let picked = one_of(random, c.state, &|label, _| label.starts_with("own"));
    let Some((label, held)) = picked else {
        return Deed::new("list", &["list"]);
    };
    let dest = c.dir.join(format!("out{}", c.serial));
    let bytes = c.contents.get(&held.bytes).cloned().unwrap_or_default();
    let (mut deed, made) = match random.below(8) {
        0..=2 => {
            let deed = Deed::new("checkout", &["checkout", label, &word(&dest)]);
            (deed, (dest, Made::Bytes(bytes)))
        }
        3..=4 => {
            let deed = Deed::new("export", &["export", label, "-o", &word(&dest)]);
            (deed, (dest, Made::Archive))
        }
        5 => {
            let deed = Deed::new("keygen", &["keygen", "-o", &word(&dest)]);
            (deed, (dest, Made::Key))
        }
        6 => {
            // Under the same passphrase, so that the file opens whether it was done or not.
            let key = c.dir.join("other.key");
            let deed = Deed::new("passwd", &["passwd", "--key", &word(&key)]);
            (deed, (key, Made::Key))
        }
        _ => {
            let mut deed = Deed::new("filter", &[]);
            let dest = dest.with_extension("jsonl");
            deed.words = ["inspect", "filter", label, ".", "-o", &word(&dest)]
                .map(str::to_owned)
                .to_vec();
            (deed, (dest, Made::Bytes(bytes)))
        }
    };
    deed.makes = Some(made);
    deed
}

pub fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
