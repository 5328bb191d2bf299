//! Random programs of commands that write, and what each of them leaves behind.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use alimentar::LocalRegistry;
use alimentar::catalog::Dataset;
use alimentar::ident::DatasetName;
use alimentar::ident::DatasetVersion;
use alimentar::progress::NoProgress;
use alimentar::registry::DatasetError;
use alimentar::registry::Edit;
use alimentar::registry::Error;
use alimentar::registry::GcOptions;
use alimentar::registry::ImportOptions;
use alimentar::registry::IndexOptions;
use alimentar::registry::archive_inputs;

use crate::testing::Random;
use crate::world::World;

/// The known state of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The number of the source of its bytes.
    pub source: usize,
    pub tags: BTreeSet<String>,
    pub description: Option<String>,
    /// The text of its card.
    pub card: Option<String>,
    pub is_signed: bool,
    pub is_private: bool,
    pub is_shared: bool,
    pub is_foreign: bool,
    pub is_withdrawn: bool,
}

/// The datasets of a registry, by name@version.
pub type State = BTreeMap<String, Held>;

/// One command.
#[derive(Clone, Debug)]
pub enum Command {
    Index {
        label: String,
        source: usize,
        is_private: bool,
        is_signed: bool,
    },
    Tag {
        label: String,
        tag: String,
    },
    Describe {
        label: String,
        text: String,
    },
    /// The number of a card.
    Card {
        label: String,
        number: usize,
    },
    Rename {
        label: String,
        name: String,
    },
    Sign(String),
    Share(String),
    Unshare(String),
    Withdraw(String),
    Unindex(String),
    Import(usize),
    Gc,
    Fsck,
    /// Repairs what needs none.
    Repair,
    /// Opens a registry whose index is gone: see `simulated`.
    Rebuild,
}

impl Command {
    /// A command that succeeds in this state. `serial` makes names and versions unique.
    pub fn choose(random: &mut Random, state: &State, serial: u64, world: &World) -> Self {
        let pick = |random: &mut Random, fits: &dyn Fn(&Held) -> bool| {
            let fitting: Vec<&String> = state
                .iter()
                .filter(|(_, held)| fits(held))
                .map(|(label, _)| label)
                .collect();
            let at = random.below(fitting.len() as u64) as usize;
            fitting.get(at).map(|label| (*label).clone())
        };
        let is_own = |held: &Held| !held.is_foreign && !held.is_withdrawn;
        // Few enough datasets that a check stays quick.
        let index = |random: &mut Random| {
            let name = ["a", "b", "c"][random.below(3) as usize];
            Self::Index {
                label: format!("{name}@1.{serial}.0"),
                source: random.below(world.sources.len() as u64) as usize,
                is_private: random.below(4) == 0,
                is_signed: random.below(3) == 0,
            }
        };
        let crowded = state.len() > 6;
        let chosen = match random.below(25) {
            0..=5 if !crowded => Some(index(random)),
            0..=7 => pick(random, &|_| true).map(Self::Unindex),
            8..=9 => pick(random, &is_own).map(|label| Self::Tag {
                label,
                tag: format!("tag{serial}"),
            }),
            10 => pick(random, &is_own).map(|label| Self::Describe {
                label,
                text: format!("Text {serial}"),
            }),
            11 => pick(random, &is_own).map(|label| Self::Rename {
                label,
                name: format!("renamed{serial}"),
            }),
            12..=13 => pick(random, &|held| is_own(held) && !held.is_signed).map(Self::Sign),
            14 => pick(random, &|_| true).map(Self::Share),
            15 => pick(random, &|_| true).map(Self::Unshare),
            16 => pick(random, &|held| is_own(held) && held.is_signed).map(Self::Withdraw),
            17..=18 if !crowded => {
                let count = world.inputs.len() as u64;
                Some(Self::Import(random.below(count) as usize))
            }
            17..=20 => Some(Self::Gc),
            21 => Some(Self::Fsck),
            22 => Some(Self::Repair),
            23 => Some(Self::Rebuild),
            _ => pick(random, &is_own).map(|label| Self::Card {
                label,
                number: random.below(world.cards.len() as u64) as usize,
            }),
        };
        chosen.unwrap_or_else(|| index(random))
    }

    /// The state when it was done.
    pub fn after(&self, before: &State, world: &World) -> State {
        let mut after = before.clone();
        let mut change = |label: &String, how: &dyn Fn(&mut Held)| {
            after.entry(label.clone()).and_modify(how);
        };
        match self {
            Self::Index {
                label,
                source,
                is_private,
                is_signed,
            } => {
                // Fields that are not given come from the previous version.
                let older = older(before, label).cloned().unwrap_or_default();
                let held = Held {
                    source: *source,
                    tags: older.tags,
                    description: older.description,
                    card: older.card,
                    is_private: *is_private || older.is_private,
                    is_signed: *is_signed,
                    ..Held::default()
                };
                after.insert(label.clone(), held);
            }
            Self::Tag { label, tag } => change(label, &|held| {
                held.tags.insert(tag.clone());
            }),
            Self::Describe { label, text } => {
                change(label, &|held| held.description = Some(text.clone()));
            }
            Self::Card { label, number } => {
                let text = std::fs::read_to_string(&world.cards[*number]).ok();
                change(label, &|held| held.card.clone_from(&text));
            }
            Self::Rename { label, name } => {
                let held = after.remove(label);
                let version = label.split('@').nth(1).unwrap_or_default();
                after.extend(held.map(|held| (format!("{name}@{version}"), held)));
            }
            Self::Sign(label) => change(label, &|held| held.is_signed = true),
            Self::Share(label) => change(label, &|held| {
                (held.is_shared, held.is_private) = (true, false);
            }),
            Self::Unshare(label) => change(label, &|held| {
                (held.is_shared, held.is_private) = (false, true);
            }),
            Self::Withdraw(label) => change(label, &|held| held.is_withdrawn = true),
            Self::Unindex(label) => {
                after.remove(label);
            }
            Self::Import(number) => {
                let input = &world.inputs[*number];
                let held = Held {
                    source: input.source,
                    is_signed: true,
                    is_foreign: true,
                    ..Held::default()
                };
                after.entry(input.label.clone()).or_insert(held);
            }
            Self::Gc | Self::Fsck | Self::Repair | Self::Rebuild => {}
        }
        after
    }

    /// Does it, but for repairs, which need the disk and no registry.
    pub fn apply(&self, registry: &LocalRegistry, world: &World) -> Result<(), Error> {
        let edit = |label: &str, edit: Edit| {
            let dataset = find(registry, label)?;
            let signer = dataset.manifest.signer.map(|_| &world.own_key);
            registry
                .descriptions()
                .revise(&dataset, &edit, signer)
                .map(drop)
        };
        match self {
            Self::Index {
                label,
                source,
                is_private,
                is_signed,
            } => {
                let (name, version) = label.split_once('@').unwrap_or((label, "1.0.0"));
                let mut options = IndexOptions::default();
                options.name = name.parse().ok();
                options.version = version.parse().ok();
                options.private = *is_private;
                options.sign_with = is_signed.then(|| world.own_key.clone());
                let path = &world.sources[*source].path;
                registry.index(path, &options, &NoProgress).map(drop)
            }
            Self::Tag { label, tag } => {
                let add_tags = vec![tag.clone()];
                let mut changes = Edit::default();
                changes.add_tags = add_tags;
                edit(label, changes)
            }
            Self::Describe { label, text } => {
                let description = Some(text.clone());
                let mut changes = Edit::default();
                changes.description = description;
                edit(label, changes)
            }
            Self::Card { label, number } => {
                let card = Some(world.cards[*number].clone());
                let mut changes = Edit::default();
                changes.card = card;
                edit(label, changes)
            }
            Self::Rename { label, name } => {
                let dataset = find(registry, label)?;
                let signer = dataset.manifest.signer.map(|_| &world.own_key);
                let name: DatasetName = name.parse()?;
                let renamed = registry
                    .descriptions()
                    .rename_all(&[dataset], &name, signer);
                renamed.map(drop)
            }
            Self::Sign(label) => registry
                .publishing()
                .sign(&find(registry, label)?, &world.own_key)
                .map(drop),
            Self::Share(label) => registry.peers().share(&find(registry, label)?),
            Self::Unshare(label) => registry.peers().unshare(&find(registry, label)?),
            Self::Withdraw(label) => {
                registry
                    .publishing()
                    .withdraw(&find(registry, label)?, &world.own_key, "a reason")
            }
            Self::Unindex(label) => registry.removal().remove_one(&find(registry, label)?),
            Self::Import(number) => {
                let path = &world.inputs[*number].path;
                let mut options = ImportOptions::default();
                options.accept_publishers = vec![world.stranger.public_key()];
                for input in archive_inputs(std::slice::from_ref(path))? {
                    registry.archives().import(&input, &options, &NoProgress)?;
                }
                Ok(())
            }
            Self::Gc => {
                let mut options = GcOptions::default();
                options.patience = Duration::ZERO;
                options.keep_days = 0;
                registry.maintenance().gc(&options, &NoProgress).map(drop)
            }
            Self::Fsck => registry.maintenance().fsck(&NoProgress).map(drop),
            Self::Repair | Self::Rebuild => registry.list().map(drop),
        }
    }
}

/// The newest version made here of the name of a label.
fn older<'a>(state: &'a State, label: &str) -> Option<&'a Held> {
    let parts = |label: &str| {
        let (name, version) = label.split_once('@')?;
        Some((name.to_owned(), version.parse::<DatasetVersion>().ok()?))
    };
    let (name, _) = parts(label)?;
    let own = state.iter().filter(|(_, held)| !held.is_foreign);
    let own = own.filter_map(|(label, held)| Some((parts(label)?, held)));
    let versions = own.filter(|((of, _), _)| *of == name);
    versions
        .max_by(|(a, _), (b, _)| a.1.cmp(&b.1))
        .map(|(_, held)| held)
}

/// The name@version of a dataset.
pub fn label(dataset: &Dataset) -> String {
    let manifest = &dataset.manifest;
    format!("{}@{}", manifest.name, manifest.dataset_version)
}

fn find(registry: &LocalRegistry, wanted: &str) -> Result<Dataset, Error> {
    let listed = registry.list()?;
    let found = listed.into_iter().find(|d| label(d) == wanted);
    found.ok_or_else(|| Error::Dataset(DatasetError::NotFound(wanted.to_owned())))
}
