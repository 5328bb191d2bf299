//! Faults over a simulated disk, in this process: power cuts, calls that fail, and a full disk, at
//! random instants of every command that writes.

use alimentar::registry::Listed;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;

use alimentar::LocalRegistry;
use alimentar::catalog::Dataset;
use alimentar::error_kind::Classify;
use alimentar::error_kind::ErrorKind;
use alimentar::progress::NoProgress;
use alimentar::registry::Error;
use alimentar::registry::GcOptions;
use alimentar::registry::Maintenance;
use alimentar::store::disk::io::Disk;

use crate::damage;
use crate::faulty::Failure;
use crate::faulty::FaultyDisk;
use crate::faulty::INPUT_OUTPUT;
use crate::faulty::NO_SPACE;
use crate::program::Command;
use crate::program::Held;
use crate::program::State;
use crate::program::label;
use crate::sim::SimDisk;
use crate::tally::Tally;
use crate::testing::Random;
use crate::world::World;

/// Commands in one program.
const COMMANDS: u64 = 30;
/// Faults in one command.
const FAULTS: u64 = 6;

pub const INDEX: &str = "registry.redb";

/// Runs programs until the tally has had enough.
pub fn programs(seed: u64, world: &World, tally: &Tally) -> Result<(), String> {
    for number in 0.. {
        let seed = seed.wrapping_add(number << 32);
        let mut told = Vec::new();
        let ran = catch_unwind(AssertUnwindSafe(|| one(seed, world, tally, &mut told)));
        let failed = match ran {
            Ok(Ok(())) => None,
            Ok(Err(why)) => Some(why),
            Err(_) => Some(format!("it panicked: {}", crate::LAST_PANIC.take())),
        };
        if let Some(why) = failed {
            let program = told.join("\n  ");
            return Err(format!(
                "{why}\nseed {seed} of the simulated part:\n  {program}"
            ));
        }
        if tally.is_enough() {
            return Ok(());
        }
    }
    Ok(())
}

/// One program, from an empty disk.
pub fn one(seed: u64, world: &World, tally: &Tally, told: &mut Vec<String>) -> Result<(), String> {
    let mut random = Random::new(seed);
    let mut disk = SimDisk::default();
    let mut state = State::new();
    let mut ghosts = Ghosts::new();
    // Whether an index was made anew on this disk: what a torn command or a failed rebuild left in a
    // pack cannot be told from damage then, and is said until somebody gives it up.
    let mut may_have_leftover = false;
    for serial in 0..COMMANDS {
        let command = Command::choose(&mut random, &state, serial, world);
        told.push(format!("{command:?}"));
        if let Command::Rebuild = command {
            // Unreported changes may count after a rebuild; the check takes those that do.
            disk.remove_file(INDEX);
            state = from_packs(&disk, &state, &ghosts, world)?;
            ghosts.clear();
        }
        let wanted = command.after(&state, world);
        // Without a fault, which also says how many calls and changes there are.
        let whole = copy(&disk);
        let calls = FaultyDisk::new(whole.clone(), None);
        run(&command, Arc::new(calls.clone()), world)
            .map_err(|e| format!("without a fault: {e}"))?;
        expect(&whole, &[&wanted], world).map_err(|why| format!("without a fault: {why}"))?;
        let (calls, changes) = (calls.calls(), whole.changes());
        let mut next = (whole.after_power_cut(&mut random), wanted.clone());
        let changed: Vec<&String> = (state.keys().chain(wanted.keys()))
            .filter(|name| state.get(*name) != wanted.get(*name))
            .collect();
        let mut now_ghosts = ghosts.clone();
        now_ghosts.retain(|name, _| !changed.contains(&name));
        let mut next_ghosts = now_ghosts.clone();
        let is_rebuilding = matches!(command, Command::Rebuild | Command::Repair);
        let mut next_leftover = may_have_leftover || is_rebuilding;
        let keep = random.below(FAULTS + 1);
        for fault in 0..FAULTS {
            let kind = Kind::choose(&mut random, calls, changes);
            told.push(format!("  {kind:?}"));
            let hurt = copy(&disk);
            let done = kind.during(&command, &hurt, world);
            let is_cut = matches!(kind, Kind::Cut(_)) || random.below(2) == 0;
            let hurt = match is_cut {
                true => hurt.after_power_cut(&mut random),
                false => hurt,
            };
            let allowed = match done {
                Ok(()) => vec![&wanted],
                Err(_) => vec![&state, &wanted],
            };
            let at = |why| format!("{kind:?} during {command:?} ({done:?}): {why}");
            let is_done = done.is_ok();
            let found = expect(&hurt, &allowed, world).map_err(at)?;
            let mut after_ghosts = match is_done {
                true => now_ghosts.clone(),
                false => ghosts.clone(),
            };
            for name in changed.iter().filter(|_| !is_done) {
                let may_be = after_ghosts.entry((*name).clone()).or_default();
                may_be.push(wanted.get(*name).cloned());
            }
            let leftover = may_have_leftover || is_rebuilding;
            let after = (&after_ghosts, leftover);
            aftermath(&hurt, &found, after, world, &mut random).map_err(at)?;
            tally.add(kind.counter());
            if fault == keep {
                next = (hurt.after_power_cut(&mut random), found);
                next_ghosts = after_ghosts;
                next_leftover = leftover;
            }
            told.pop();
        }
        (disk, state) = next;
        ghosts = next_ghosts;
        may_have_leftover = next_leftover;
        if serial % 5 == 4 {
            damage::episodes(&disk, (&state, &ghosts), world, tally, &mut random)?;
        }
        if tally.is_enough() {
            break;
        }
    }
    Ok(())
}

/// A fault during a command.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Power goes before this change.
    Cut(u64),
    /// A call fails, or all from there on.
    Fails(Failure),
    /// The disk has this many bytes left.
    Full(u64),
}

impl Kind {
    fn choose(random: &mut Random, calls: u64, changes: u64) -> Self {
        let failure = |random: &mut Random, errno| {
            Self::Fails(Failure {
                at: random.below(calls),
                errno,
                is_lasting: random.below(2) == 0,
            })
        };
        match random.below(8) {
            0..=3 => Self::Cut(random.below(changes)),
            4..=5 => failure(random, INPUT_OUTPUT),
            6 => failure(random, NO_SPACE),
            _ => Self::Full(random.below(120_000)),
        }
    }

    fn during(self, command: &Command, disk: &SimDisk, world: &World) -> Result<(), Error> {
        match self {
            Self::Cut(at) => {
                disk.cut_power_at(at);
                run(command, Arc::new(disk.clone()), world)
            }
            Self::Fails(failure) => {
                let faulty = FaultyDisk::new(disk.clone(), Some(failure));
                run(command, Arc::new(faulty), world)
            }
            Self::Full(left) => {
                disk.limit(Some(disk.used_bytes() + left));
                let done = run(command, Arc::new(disk.clone()), world);
                disk.limit(None);
                done
            }
        }
    }

    fn counter(self) -> &'static str {
        match self {
            Self::Cut(_) => "power cuts",
            Self::Fails(Failure {
                errno: NO_SPACE, ..
            })
            | Self::Full(_) => "full disks",
            Self::Fails(_) => "failed calls",
        }
    }
}

/// An independent copy of a disk. The disk must have nothing unsynced.
pub fn copy(disk: &SimDisk) -> SimDisk {
    disk.after_power_cut(&mut Random::new(0))
}

fn run(command: &Command, disk: Arc<dyn Disk>, world: &World) -> Result<(), Error> {
    if let Command::Repair = command {
        return Maintenance::repair_on(&disk, &NoProgress).map(drop);
    }
    command.apply(&LocalRegistry::on(disk)?, world)
}

/// The listed datasets, each with its state or the damage that reading it reports.
pub type Shown = BTreeMap<String, Result<Held, String>>;

/// Reads everything that is listed. Bytes that are wrong are a failure; damage is not.
pub fn shown(disk: &SimDisk, world: &World) -> Result<Result<Shown, Error>, String> {
    let listed = LocalRegistry::on(Arc::new(disk.clone())).and_then(|r| Ok((r.list()?, r)));
    let (listed, registry) = match listed {
        Ok(both) => both,
        Err(error) => return Ok(Err(error)),
    };
    let mut shown = Shown::new();
    for dataset in listed {
        let name = label(&dataset);
        let held = match held(&registry, &dataset, world)? {
            Ok(held) => Ok(held),
            Err(e) if e.kind() == ErrorKind::Integrity => Err(e.to_string()),
            Err(e) => return Err(format!("{name} cannot be read, and not for damage: {e}")),
        };
        if shown.insert(name.clone(), held).is_some() {
            return Err(format!("{name} is listed twice"));
        }
    }
    Ok(Ok(shown))
}

fn held(
    registry: &LocalRegistry,
    dataset: &Dataset,
    world: &World,
) -> Result<Result<Held, Error>, String> {
    let manifest = &dataset.manifest;
    let source = world.by_content.get(&manifest.content_id);
    let source = *source.ok_or_else(|| format!("{}: content of nobody", label(dataset)))?;
    let mut bytes = Vec::new();
    if let Err(error) = registry.cat(dataset, None, &mut bytes, &NoProgress) {
        return Ok(Err(error));
    }
    if bytes != world.sources[source].bytes {
        return Err(format!("{}: wrong bytes were given out", label(dataset)));
    }
    let card = match manifest.card.map(|_| registry.descriptions().card(dataset)) {
        Some(Err(error)) => return Ok(Err(error)),
        Some(Ok(report)) => Some(report.card.markdown),
        None => None,
    };
    let withdrawn = registry.trust().store().map(|trust| {
        let listed = Listed::of(&trust, dataset.clone());
        listed.withdrawn.is_some()
    });
    let is_withdrawn = match withdrawn {
        Ok(withdrawn) => withdrawn,
        Err(error) => return Ok(Err(error)),
    };
    Ok(Ok(Held {
        source,
        tags: manifest.tags.iter().cloned().collect(),
        description: manifest.description.clone(),
        card,
        is_signed: dataset.signed,
        is_private: dataset.flags.private,
        is_shared: dataset.flags.shared,
        is_foreign: dataset.flags.foreign,
        is_withdrawn,
    }))
}

/// The state that the disk is in, which must be one of those allowed, with every byte right.
fn expect(disk: &SimDisk, allowed: &[&State], world: &World) -> Result<State, String> {
    let shown = shown(disk, world)?.map_err(|e| format!("it does not open: {e}"))?;
    let found: Result<State, String> = shown
        .into_iter()
        .map(|(name, held)| match held {
            Ok(held) => Ok((name, held)),
            Err(why) => Err(format!("{name}: {why}")),
        })
        .collect();
    let found = found?;
    match allowed.iter().any(|state| **state == found) {
        true => Ok(found),
        false => Err(format!("found {found:#?}\nallowed {allowed:#?}")),
    }
}

/// Work goes on: what was left behind is collected, nothing is damaged, and the packs alone tell
/// the same.
fn aftermath(
    disk: &SimDisk,
    state: &State,
    (ghosts, may_have_leftover): (&Ghosts, bool),
    world: &World,
    random: &mut Random,
) -> Result<(), String> {
    let after = disk.clone();
    if random.below(3) == 0 {
        run(&Command::Gc, Arc::new(after.clone()), world)
            .map_err(|e| format!("gc afterwards: {e}"))?;
        expect(&after, &[state], world).map_err(|why| format!("after gc: {why}"))?;
    }
    if random.below(3) == 0 {
        let registry = LocalRegistry::on(Arc::new(after.clone()));
        let report = registry.and_then(|r| r.maintenance().fsck(&NoProgress));
        let mut report = report.map_err(|e| format!("fsck afterwards: {e}"))?;
        // Nothing that was reported is among it: given up, everything is there, and nothing is wrong.
        let is_leftover = may_have_leftover
            && !report.unreadable.is_empty()
            && report.unreadable.iter().all(|span| !span.is_known)
            && report.corrupt.is_empty()
            && report.missing.is_empty();
        if is_leftover {
            let registry = LocalRegistry::on(Arc::new(after.clone()));
            let mut options = GcOptions::default();
            options.discard_unreadable = true;
            options.keep_days = 0;
            registry
                .and_then(|r| r.maintenance().gc(&options, &NoProgress))
                .map_err(|e| format!("giving up afterwards: {e}"))?;
            expect(&after, &[state], world).map_err(|why| format!("after giving up: {why}"))?;
            let registry = LocalRegistry::on(Arc::new(after.clone()));
            report = registry
                .and_then(|r| r.maintenance().fsck(&NoProgress))
                .map_err(|e| format!("fsck after giving up: {e}"))?;
        }
        if !report.is_clean() {
            return Err(format!("fsck afterwards: {report:?}"));
        }
    }
    if random.below(4) == 0 {
        let packs_only = after.after_power_cut(random);
        packs_only.remove_file(INDEX);
        from_packs(&packs_only, state, ghosts, world)?;
    }
    Ok(())
}

/// The states that commands asked for and never reported as done, by dataset.
/// A rebuild of the index from the packs may find them: such a command may have left records in a
/// pack that the index does not know.
pub type Ghosts = BTreeMap<String, Vec<Option<Held>>>;

/// Opens a disk without an index: everything that was reported is there.
fn from_packs(
    disk: &SimDisk,
    state: &State,
    ghosts: &Ghosts,
    world: &World,
) -> Result<State, String> {
    let fail = |why: String| format!("from the packs alone: {why}");
    let shown = shown(disk, world).map_err(fail)?;
    let shown = shown.map_err(|e| fail(format!("it does not open: {e}")))?;
    let mut found = State::new();
    for (name, held) in shown {
        found.insert(name, held.map_err(fail)?);
    }
    for name in state.keys().chain(found.keys()) {
        let (is, was) = (found.get(name), state.get(name));
        let mut may_be = ghosts.get(name).into_iter().flatten();
        if is != was && !may_be.any(|ghost| ghost.as_ref() == is) {
            return Err(fail(format!("{name} was {was:#?}\nand is {is:#?}")));
        }
    }
    Ok(found)
}
