//! Damaged copies of a home, through the program: what is wrong is never given out, what was
//! listed stays listed, and a repair that is killed leaves what was.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use crate::processes::Ghosts;
use crate::processes::check;
use crate::processes::check::plainly;
use crate::processes::check::without_bytes;
use crate::processes::deed::Held;
use crate::processes::deed::State;
use crate::processes::fault::Fault;
use crate::processes::fault::Means;
use crate::processes::fault::Runner;
use crate::processes::fault::copy_home;
use crate::tally::Tally;
use crate::testing::Random;

const INTERRUPTIONS: u64 = 3;

pub struct Looks<'a> {
    pub runner: &'a Runner,
    pub home: &'a Path,
    pub dir: &'a Path,
    pub state: &'a State,
    pub ghosts: &'a Ghosts,
}

/// The listed datasets, each with a flag that is set if its bytes can be read.
type Shown = BTreeMap<String, (Held, bool)>;

impl Looks<'_> {
    /// Damages a copy, repairs it, and repairs it again with a fault in between.
    pub fn episode(
        &self,
        random: &mut Random,
        means: Means,
        tally: &Tally,
        told: &mut Vec<String>,
    ) -> Result<(), String> {
        let hurt = self.dir.join("hurt");
        copy_home(self.home, &hurt).map_err(|e| e.to_string())?;
        let is_rebuild = random.below(3) == 0;
        let what = match is_rebuild {
            true => {
                std::fs::remove_file(hurt.join("registry.redb")).map_err(|e| e.to_string())?;
                "the index is gone".to_owned()
            }
            false => spoil(&hurt, random).map_err(|e| e.to_string())?,
        };
        told.push(what.clone());
        let done = self.repairs(&hurt, is_rebuild, random, means, tally, told);
        done.map_err(|why| format!("{what}: {why}"))?;
        std::fs::remove_dir_all(&hurt).map_err(|e| e.to_string())
    }

    fn repairs(
        &self,
        hurt: &Path,
        is_rebuild: bool,
        random: &mut Random,
        means: Means,
        tally: &Tally,
        told: &mut Vec<String>,
    ) -> Result<(), String> {
        let work = self.dir.join("work");
        let fresh = || {
            let _ = std::fs::remove_dir_all(&work);
            copy_home(hurt, &work).map_err(|e| e.to_string())
        };
        fresh()?;
        let before = match is_rebuild {
            true => None,
            false => self.shown(&work)?,
        };
        tally.add("damaged stores");
        fresh()?;
        let repaired = plainly(self.runner, &work, &["registry", "fsck", "--repair"])?;
        if !matches!(repaired.code, Some(0 | 4)) {
            return Err(format!("repair: {:?}: {}", repaired.code, repaired.stderr));
        }
        let after = self
            .shown(&work)?
            .ok_or("it does not open after the repair")?;
        if let Some(before) = &before {
            keeps(before, &after, "the repair")?;
        }
        if is_rebuild {
            self.is_all(&after)?;
        }
        for _ in 0..INTERRUPTIONS {
            fresh()?;
            let fault = match Fault::choose(random, means) {
                Fault::None | Fault::Clock(_) => Fault::Kill(random.below(1000) as u32),
                other => other,
            };
            told.push(format!("repair with {fault:?}"));
            let words = ["registry", "fsck", "--repair"].map(str::to_owned);
            self.runner.run(&work, "repair", &words, &fault)?;
            let now = match is_rebuild && !work.join("registry.redb").exists() {
                true => None,
                false => self.shown(&work)?,
            };
            let at = |why| format!("repair with {fault:?}: {why}");
            match (&now, &before) {
                (Some(now), Some(before)) => keeps(before, now, "it").map_err(at)?,
                (None, Some(_)) => return Err(at("it opened before and does not now".to_owned())),
                (Some(now), None) => keeps(&after, now, "it").map_err(at)?,
                (None, None) => {}
            }
            let mut least = &after;
            if let (0, Some(now)) = (random.below(2), &now) {
                // Among what it removes may be a copy that a repair would have found.
                least = now;
                plainly(self.runner, &work, &["registry", "gc", "--keep-days", "0"])?;
            }
            plainly(self.runner, &work, &["registry", "fsck", "--repair"])?;
            let last = self.shown(&work)?.ok_or("it does not open at the end")?;
            keeps(least, &last, "the second repair").map_err(at)?;
            tally.add("interrupted repairs");
            told.pop();
        }
        std::fs::remove_dir_all(&work).map_err(|e| e.to_string())
    }

    /// Everything that is listed; `None` where the home names damage instead. Wrong bytes are a
    /// failure.
    fn shown(&self, home: &Path) -> Result<Option<Shown>, String> {
        let list = plainly(self.runner, home, &["registry", "list", "--all"])?;
        match list.code {
            Some(0) => {}
            Some(4) => return Ok(None),
            code => return Err(format!("list: code {code:?}: {}", list.stderr)),
        }
        let mut shown = Shown::new();
        for (label, held) in check::listed(self.runner, home)? {
            let bytes = check::bytes_of(self.runner, home, &label)?;
            let possible = self.possible(&label);
            let is_right = |bytes: &String| possible.iter().flatten().any(|h| h.bytes == *bytes);
            if let Some(bytes) = &bytes
                && !is_right(bytes)
            {
                return Err(format!("{label}: wrong bytes were given out"));
            }
            shown.insert(label, (held, bytes.is_some()));
        }
        Ok(Some(shown))
    }

    /// Returns every state that a label may have, with `None` for its absence.
    fn possible(&self, label: &str) -> Vec<Option<Held>> {
        let ghosts = self.ghosts.get(label).into_iter().flatten().cloned();
        [self.state.get(label).cloned()]
            .into_iter()
            .chain(ghosts)
            .collect()
    }

    /// From packs that are whole comes everything.
    fn is_all(&self, shown: &Shown) -> Result<(), String> {
        for label in self.state.keys().chain(shown.keys()) {
            let found = shown.get(label);
            if found.is_some_and(|(_, is_readable)| !is_readable) {
                return Err(format!("{label} cannot be read"));
            }
            let found = found.map(|(held, _)| held);
            let possible = self.possible(label);
            if !possible
                .iter()
                .any(|p| without_bytes(p.as_ref()).as_ref() == found)
            {
                return Err(format!("{label} is {found:?}, and may be {possible:?}"));
            }
        }
        Ok(())
    }
}

fn keeps(before: &Shown, after: &Shown, what: &str) -> Result<(), String> {
    for (label, (held, is_readable)) in before {
        match after.get(label) {
            None => return Err(format!("{what} lost {label}")),
            Some((_, false)) if *is_readable => return Err(format!("{what} damaged {label}")),
            Some((now, _)) if now != held => {
                return Err(format!("{what} changed {label}: {held:?} to {now:?}"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Flips a bit, writes noise or cuts the end off, in a pack or the index.
fn spoil(home: &Path, random: &mut Random) -> std::io::Result<String> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(home.join("packs"))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .collect();
    files.sort();
    if random.below(3) == 0 {
        files = vec![home.join("registry.redb")];
    }
    let path = &files[random.below(files.len() as u64) as usize];
    let mut bytes = std::fs::read(path)?;
    let size = bytes.len() as u64;
    if size == 0 {
        return Ok(format!("{} is empty", path.display()));
    }
    let at = match random.below(2) {
        0 => size.saturating_sub(1 + random.below(2000)),
        _ => random.below(size),
    } as usize;
    let what = match random.below(4) {
        0 => {
            bytes.truncate(at);
            "cut".to_owned()
        }
        1 => {
            let end = (at + 1 + random.below(600) as usize).min(bytes.len());
            for byte in &mut bytes[at..end] {
                *byte = random.below(256) as u8;
            }
            format!("noise to {end}")
        }
        _ => {
            bytes[at] ^= 1 << random.below(8);
            "a bit flipped".to_owned()
        }
    };
    std::fs::write(path, bytes)?;
    let name = path.strip_prefix(home).unwrap_or(path);
    Ok(format!(
        "{} of {size} bytes: {what} at {at}",
        name.display()
    ))
}
