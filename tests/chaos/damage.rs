//! Damaged disks, and repairs that are interrupted. Wrong bytes are never returned, whole datasets
//! stay, and a failed repair leaves the old state.

use std::sync::Arc;

use alimentar::LocalRegistry;
use alimentar::error_kind::Classify;
use alimentar::error_kind::ErrorKind;
use alimentar::progress::NoProgress;
use alimentar::registry::Error;
use alimentar::registry::Maintenance;
use alimentar::store::disk::io::Disk;
use alimentar::store::disk::io::OpenMode;

use crate::faulty::Failure;
use crate::faulty::FaultyDisk;
use crate::faulty::INPUT_OUTPUT;
use crate::faulty::NO_SPACE;
use crate::program::Command;
use crate::program::Held;
use crate::program::State;
use crate::sim::SimDisk;
use crate::simulated::Ghosts;
use crate::simulated::INDEX;
use crate::simulated::Shown;
use crate::simulated::copy;
use crate::simulated::shown;
use crate::tally::Tally;
use crate::testing::Random;
use crate::world::World;

/// Damage of each kind, and interrupted repairs of it.
const EPISODES: u64 = 4;
const INTERRUPTIONS: u64 = 8;

/// The damaged part of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Index,
    Pack,
    Both,
}

/// Damages copies of a disk, and repairs them with faults in between.
pub fn episodes(
    disk: &SimDisk,
    (state, ghosts): (&State, &Ghosts),
    world: &World,
    tally: &Tally,
    random: &mut Random,
) -> Result<(), String> {
    for _ in 0..EPISODES {
        let mut told = Vec::new();
        let done = episode(disk, (state, ghosts), world, tally, random, &mut told);
        done.map_err(|why| format!("damage: {}: {why}", told.join("; ")))?;
    }
    Ok(())
}

fn episode(
    disk: &SimDisk,
    (state, ghosts): (&State, &Ghosts),
    world: &World,
    tally: &Tally,
    random: &mut Random,
    told: &mut Vec<String>,
) -> Result<(), String> {
    let hurt = copy(disk);
    let part = [Part::Index, Part::Pack, Part::Pack, Part::Both][random.below(4) as usize];
    let packs = hurt.list("packs").map_err(|e| e.to_string())?;
    let pack = packs.get(random.below(packs.len() as u64) as usize);
    if part != Part::Pack {
        told.push(spoil(&hurt, INDEX, random)?);
    }
    if let (Some(pack), true) = (pack, part != Part::Index) {
        told.push(spoil(&hurt, &format!("packs/{pack}"), random)?);
    }
    let hurt = copy(&hurt);
    let mut before = shown(&copy(&hurt), world)?;
    if let (Ok(before), true) = (&mut before, part != Part::Pack) {
        // A damaged index may show the commit before the last one: what the last one took away or
        // changed is not kept.
        before.retain(|name, held| {
            let was = state.get(name);
            was.is_some_and(|was| held.as_ref().is_ok_and(|held| held == was))
        });
    }
    tally.add("damaged stores");
    let (repaired, calls, changes) = {
        let whole = copy(&hurt);
        let counted = FaultyDisk::new(whole.clone(), None);
        repair(Arc::new(counted.clone())).map_err(|e| format!("repair without a fault: {e}"))?;
        (copy_of(&whole, random), counted.calls(), whole.changes())
    };
    let after = shown(&repaired, world).map_err(|why| format!("after the repair: {why}"))?;
    let after = after.map_err(|e| format!("after the repair: {e}"))?;
    if let Ok(before) = &before {
        keeps(before, &after, part, "the repair")?;
    }
    // Where only the index is damaged, the packs say everything. Where a pack is, an older word may
    // count again.
    let names = state.keys().chain(after.keys());
    for name in names.filter(|_| part == Part::Index) {
        let (is, was) = (after.get(name), state.get(name));
        let is = match is {
            Some(Err(why)) => return Err(format!("{name} after the repair: {why}")),
            Some(Ok(held)) => Some(held),
            None => None,
        };
        let mut may_be = ghosts.get(name).into_iter().flatten();
        if is != was && !may_be.any(|ghost| ghost.as_ref() == is) {
            return Err(format!(
                "{name} was {was:?}, and is {is:?} after the repair"
            ));
        }
    }
    if let (Ok(before), Part::Pack) = (&before, part)
        && !before.keys().eq(after.keys())
    {
        let (before, after) = (before.keys(), after.keys());
        return Err(format!(
            "the index listed {before:?}\nthe repair left {after:?}"
        ));
    }
    for _ in 0..INTERRUPTIONS {
        let mark = told.len();
        interrupted(
            &hurt,
            (&before, &after, part),
            world,
            random,
            (calls, changes),
            told,
        )?;
        tally.add("interrupted repairs");
        told.truncate(mark);
    }
    Ok(())
}

/// One repair with a fault in between, a collection, and a repair without.
fn interrupted(
    hurt: &SimDisk,
    (before, after, part): (&Result<Shown, Error>, &Shown, Part),
    world: &World,
    random: &mut Random,
    (calls, changes): (u64, u64),
    told: &mut Vec<String>,
) -> Result<(), String> {
    let mut disk = copy(hurt);
    let done = match random.below(3) {
        0 => {
            let at = random.below(changes);
            told.push(format!("cut before change {at} of {changes}"));
            disk.cut_power_at(at);
            let done = repair(Arc::new(disk.clone()));
            disk = disk.after_power_cut(random);
            done
        }
        n => {
            let failure = Failure {
                at: random.below(calls),
                errno: [INPUT_OUTPUT, NO_SPACE][usize::from(n == 2)],
                is_lasting: random.below(2) == 0,
            };
            told.push(format!("{failure:?} of {calls}"));
            let faulty = FaultyDisk::new(disk.clone(), Some(failure));
            repair(Arc::new(faulty))
        }
    };
    told.push(format!("{:?}", done.map_err(|e| e.to_string())));
    let now = shown(&disk, world).map_err(|why| format!("after the interruption: {why}"))?;
    match (&now, before) {
        (Ok(now), Ok(before)) => keeps(before, now, part, "the interrupted repair")?,
        (Err(e), Ok(_)) => return Err(format!("it opened before the repair, and now: {e}")),
        (Ok(now), Err(_)) => keeps(after, now, part, "the interrupted repair of an index")?,
        (Err(e), Err(_)) if e.kind() == ErrorKind::Integrity => {}
        (Err(e), Err(_)) => return Err(format!("after the interrupted repair: {e}")),
    }
    let mut least = after;
    if let (0, Ok(now)) = (random.below(2), &now) {
        // Among what it removes may be a copy that a repair would have found.
        least = now;
        let registry = LocalRegistry::on(Arc::new(disk.clone()));
        let collected = registry.and_then(|r| Command::Gc.apply(&r, world));
        told.push(format!("gc: {:?}", collected.map_err(|e| e.to_string())));
    }
    repair(Arc::new(disk.clone())).map_err(|e| format!("the second repair: {e}"))?;
    let last = shown(&disk, world).map_err(|why| format!("after the second repair: {why}"))?;
    let last = last.map_err(|e| format!("after the second repair: {e}"))?;
    keeps(least, &last, part, "the second repair")
}

fn repair(disk: Arc<dyn Disk>) -> Result<(), Error> {
    Maintenance::repair_on(&disk, &NoProgress).map(drop)
}

fn copy_of(disk: &SimDisk, random: &mut Random) -> SimDisk {
    disk.after_power_cut(random)
}

/// Checks that listed datasets stay listed, and that readable ones stay readable and unchanged.
/// If the index and a pack are both damaged, an older state of the same content may count again.
fn keeps(before: &Shown, after: &Shown, part: Part, what: &str) -> Result<(), String> {
    let is_kept = |old: &Held, new: &Held| match part {
        Part::Both => old.source == new.source,
        Part::Index | Part::Pack => old == new,
    };
    for (name, held) in before {
        match (held, after.get(name)) {
            (_, None) => return Err(format!("{what} lost {name}")),
            (Ok(_), Some(Err(why))) => return Err(format!("{what} damaged {name}: {why}")),
            (Ok(old), Some(Ok(new))) if !is_kept(old, new) => {
                return Err(format!("{what} changed {name}: {old:?} to {new:?}"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Flips a bit, writes noise, or cuts the end off; says what it did.
fn spoil(disk: &SimDisk, path: &str, random: &mut Random) -> Result<String, String> {
    let fail = |e: std::io::Error| format!("{path}: {e}");
    let file = disk.open(path, OpenMode::Existing).map_err(fail)?;
    let size = file.size().map_err(fail)?;
    if size == 0 {
        return Ok(format!("{path} is empty"));
    }
    let what = random.below(5);
    // The end of a pack is where the last manifests lie.
    let at = match random.below(2) {
        0 => size.saturating_sub(1 + random.below(2000)),
        _ => random.below(size),
    };
    let done = match what {
        0 => {
            file.set_len(at).map_err(fail)?;
            format!("{path} cut at {at} of {size}")
        }
        1 => {
            let length = (1 + random.below(600)).min(size - at);
            let noise: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
            file.write_all_at(&noise, at).map_err(fail)?;
            format!("{length} bytes of noise in {path} at {at} of {size}")
        }
        _ => {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).map_err(fail)?;
            byte[0] ^= 1 << random.below(8);
            file.write_all_at(&byte, at).map_err(fail)?;
            format!("a bit of {path} flipped at {at} of {size}")
        }
    };
    file.sync().map_err(fail)?;
    Ok(done)
}
