//! The program itself, several processes beside each other on one home, with kills, failing system
//! calls, limits and wrong clocks.

mod check;
mod deed;
pub mod fault;
mod spoiled;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use crate::processes::check::answer;
use crate::processes::check::without_bytes;
use crate::processes::deed::Choice;
use crate::processes::deed::Deed;
use crate::processes::deed::Held;
use crate::processes::deed::Lane;
use crate::processes::deed::Others;
use crate::processes::deed::State;
use crate::processes::deed::hash;
use crate::processes::fault::Ended;
use crate::processes::fault::Fault;
use crate::processes::fault::Means;
use crate::processes::fault::Runner;
use crate::processes::fault::Serving;
use crate::processes::fault::word;
use crate::tally::Tally;
use crate::testing::Random;
use crate::world::rows;

const LANES: [Lane; 8] = [
    Lane::Own(0),
    Lane::Own(1),
    Lane::Own(2),
    Lane::Archives,
    Lane::Peer,
    Lane::Upkeep,
    Lane::Trust,
    Lane::Outputs,
];
/// Rounds on one home, and between two looks at everything.
const ROUNDS: u64 = 48;
const ROUNDS_TO_A_LOOK: u64 = 8;

/// The other states that a label may have after a rebuild of the index from the packs.
pub type Ghosts = BTreeMap<String, Vec<Option<Held>>>;

/// Runs homes until the tally has had enough.
pub fn homes(seed: u64, means: Means, tally: &Tally) -> Result<(), String> {
    let mut number = 0;
    while !tally.is_enough() {
        let seed = seed.wrapping_add(number << 32);
        number += 1;
        let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
        let mut told = Vec::new();
        if let Err(why) = one(seed, means, dir.path(), tally, &mut told) {
            let kept = dir.keep();
            let last = told.len().saturating_sub(40);
            return Err(format!(
                "{why}\nseed {seed} of the processes; the home is kept in {}:\n  {}",
                kept.display(),
                told[last..].join("\n  ")
            ));
        }
    }
    Ok(())
}

/// A home, what it must hold, and the others.
struct Place {
    runner: Runner,
    dir: PathBuf,
    home: PathBuf,
    state: State,
    known: BTreeSet<String>,
    ghosts: Ghosts,
    contents: BTreeMap<String, Vec<u8>>,
    others: Others,
    serial: u64,
}

fn one(
    seed: u64,
    means: Means,
    dir: &Path,
    tally: &Tally,
    told: &mut Vec<String>,
) -> Result<(), String> {
    let mut random = Random::new(seed);
    let mut place = Place::make(dir, &mut random)?;
    let mut peer = Serving::start(&dir.join("peer"))?;
    let mut own_node = Serving::start(&place.home)?;
    for round in 0..ROUNDS {
        if random.below(10) == 0 {
            drop(own_node);
            own_node = Serving::start(&place.home)?;
        }
        let kills_peer = random.below(12) == 0;
        place.round(&mut random, means, &mut peer, kills_peer, tally, told)?;
        if round % ROUNDS_TO_A_LOOK == ROUNDS_TO_A_LOOK - 1 {
            check::everything(&place.runner, &place.home, &place.state)?;
            let looks = spoiled::Looks {
                runner: &place.runner,
                home: &place.home,
                dir,
                state: &place.state,
                ghosts: &place.ghosts,
            };
            looks.episode(&mut random, means, tally, told)?;
        }
        if tally.is_enough() {
            break;
        }
    }
    check::everything(&place.runner, &place.home, &place.state)
}

impl Place {
    fn make(dir: &Path, random: &mut Random) -> Result<Self, String> {
        let runner = Runner::new();
        let (home, peer, maker) = (dir.join("home"), dir.join("peer"), dir.join("maker"));
        let key = |home: &Path| {
            let made = answer(&runner, home, &["registry", "keygen"])?;
            Ok::<_, String>(made["public_key"].as_str().unwrap_or_default().to_owned())
        };
        key(&home)?;
        let (trusted, stranger) = (key(&peer)?, key(&maker)?);
        answer(
            &runner,
            &home,
            &["registry", "trust", "add", "lab", &trusted],
        )?;
        let other = word(&dir.join("other.key"));
        answer(&runner, &maker, &["registry", "keygen", "-o", &other])?;
        let mut contents = BTreeMap::new();
        let mut make = |home: &Path, name: &str, signs: bool, random: &mut Random| {
            let path = dir.join(format!("{name}.jsonl"));
            let count = 200 + random.below(800);
            let text = rows(random, count).concat().into_bytes();
            std::fs::write(&path, &text).map_err(|e| e.to_string())?;
            let path = word(&path);
            let mut words = vec!["registry", "index", &path, "--name", name, "--version", "1"];
            words.extend(signs.then_some("--sign"));
            answer(&runner, home, &words)?;
            let held = Held {
                bytes: hash(&text),
                tags: BTreeSet::new(),
                is_signed: signs,
                is_private: false,
                is_withdrawn: false,
            };
            contents.insert(held.bytes.clone(), text);
            Ok::<_, String>((format!("{name}@1.0.0"), held))
        };
        let (mut state, mut served, mut archives) = (State::new(), State::new(), Vec::new());
        for n in 0..2 {
            state.extend([make(&home, &format!("own{n}"), false, random)?]);
            served.extend([make(&peer, &format!("served{n}"), true, random)?]);
            let (label, held) = make(&maker, &format!("archived{n}"), true, random)?;
            let path = dir.join(format!("archived{n}.alimentar"));
            let at = word(&path);
            answer(&runner, &maker, &["registry", "export", &label, "-o", &at])?;
            archives.push((path, label, held));
        }
        Ok(Self {
            runner,
            dir: dir.to_owned(),
            home,
            state,
            known: BTreeSet::new(),
            ghosts: Ghosts::new(),
            contents,
            others: Others {
                archives,
                stranger,
                served,
            },
            serial: 0,
        })
    }

    /// A few commands beside each other, and then a look at what is left.
    fn round(
        &mut self,
        random: &mut Random,
        means: Means,
        peer: &mut Serving,
        kills_peer: bool,
        tally: &Tally,
        told: &mut Vec<String>,
    ) -> Result<(), String> {
        let mut lanes = LANES.to_vec();
        let mut deeds: Vec<(Deed, Fault)> = Vec::new();
        for _ in 0..2 + random.below(3) {
            let lane = lanes.swap_remove(random.below(lanes.len() as u64) as usize);
            self.serial += 1;
            let choice = Choice {
                state: &self.state,
                known: &self.known,
                others: &self.others,
                contents: &self.contents,
                peer: &peer.address,
                dir: &self.dir,
                serial: self.serial,
            };
            let (deed, brought) = deed::choose(lane, random, &choice);
            self.contents
                .extend(brought.into_iter().map(|bytes| (hash(&bytes), bytes)));
            let fault = match (lane, Fault::choose(random, means)) {
                // By `write`, the runtime of the network wakes itself, and ends where that fails.
                (Lane::Peer, Fault::CallFails("write", error, n)) => {
                    Fault::CallFails("pwrite64", error, n)
                }
                (Lane::Peer, Fault::CallsFail("write", error, n)) => {
                    Fault::CallsFail("pwrite64", error, n)
                }
                (_, fault) => fault,
            };
            told.push(format!("{:?} with {fault:?}", deed.words));
            deeds.push((deed, fault));
        }
        told.push("---".to_owned());
        let mut ended: Vec<Result<Ended, String>> = std::thread::scope(|scope| {
            let running: Vec<_> = deeds
                .iter()
                .map(|(deed, fault)| {
                    let (runner, home) = (&self.runner, &self.home);
                    scope.spawn(move || runner.run(home, deed.kind, &deed.words, fault))
                })
                .collect();
            if kills_peer {
                std::thread::sleep(std::time::Duration::from_millis(random.below(60)));
                peer.kill();
            }
            let joined = running.into_iter().map(|thread| thread.join());
            joined
                .map(|j| j.unwrap_or_else(|_| Err("it panicked".to_owned())))
                .collect()
        });
        if kills_peer {
            *peer = Serving::start(&self.dir.join("peer"))?;
        }
        let mut done = Vec::new();
        for (ended, (deed, fault)) in ended.drain(..).zip(&deeds) {
            let ended = ended?;
            let is_plain = matches!(fault, Fault::None);
            if !ended.is_done && is_plain && !deed.may_fail {
                let said = ended.stderr;
                return Err(format!(
                    "{:?} failed unasked: {:?}: {said}",
                    deed.words, ended.code
                ));
            }
            done.push(ended.is_done);
        }
        self.settle(&deeds, &done)?;
        for (_, fault) in &deeds {
            if let Some(counter) = fault.counter() {
                tally.add(counter);
            }
        }
        if kills_peer {
            tally.add("killed peers");
        }
        Ok(())
    }

    /// Compares what is there with what was reported, and with what was under way.
    fn settle(&mut self, deeds: &[(Deed, Fault)], done: &[bool]) -> Result<(), String> {
        let listed = check::listed(&self.runner, &self.home)?;
        let known = check::known(&self.runner, &self.home)?;
        for ((deed, fault), is_done) in deeds.iter().zip(done) {
            let at =
                |why: String| format!("{:?} with {fault:?} (done: {is_done}): {why}", deed.words);
            self.settle_datasets(deed, *is_done, &listed).map_err(at)?;
            if let Some((path, made)) = &deed.makes {
                match check::is_whole(&self.runner, path, made)? {
                    Some(false) => return Err(at(format!("{} is not whole", path.display()))),
                    None if *is_done => return Err(at("its file is not there".to_owned())),
                    _ => {}
                }
            }
            if let Some((name, is_there)) = &deed.knows {
                let found = known.contains(name);
                if *is_done && found != *is_there {
                    return Err(at(format!("{name} is known: {found}")));
                }
                match found {
                    true => self.known.insert(name.clone()),
                    false => self.known.remove(name),
                };
            }
        }
        if known != self.known {
            return Err(format!("known are {known:?}, not {:?}", self.known));
        }
        let found: BTreeMap<&String, &Held> = listed.iter().collect();
        let wanted: Vec<&String> = self.state.keys().collect();
        if !found.keys().copied().eq(wanted.iter().copied()) {
            return Err(format!("listed {:?}, wanted {wanted:?}", found.keys()));
        }
        for (label, held) in &self.state {
            if without_bytes(Some(held)).as_ref() != listed.get(label) {
                return Err(format!("{label} is {:?}, not {held:?}", listed.get(label)));
            }
        }
        Ok(())
    }

    fn settle_datasets(
        &mut self,
        deed: &Deed,
        is_done: bool,
        listed: &State,
    ) -> Result<(), String> {
        let mut applied = Vec::new();
        for (label, after) in &deed.changes {
            let before = self.state.get(label).cloned();
            let now = listed.get(label);
            let is_after = now == without_bytes(after.as_ref()).as_ref();
            let is_before = now == without_bytes(before.as_ref()).as_ref();
            // A purge is withdrawn in between.
            let between = before.clone().map(|held| Held {
                is_withdrawn: true,
                ..held
            });
            let is_between = !deed.is_atomic && deed.kind == "purge";
            let is_between = is_between && now == without_bytes(between.as_ref()).as_ref();
            if is_done && !is_after || !is_before && !is_after && !is_between {
                return Err(format!(
                    "{label} is {now:?}: before {before:?}, after {after:?}"
                ));
            }
            if before != *after {
                applied.push(is_after);
            }
            let settled = match (is_after, is_between) {
                (true, _) => after.clone(),
                (false, true) => between,
                (false, false) => before.clone(),
            };
            match is_done {
                true => drop(self.ghosts.remove(label)),
                false => {
                    let ghosts = self.ghosts.entry(label.clone()).or_default();
                    ghosts.extend([before, after.clone()]);
                }
            }
            match settled {
                Some(held) => {
                    let bytes = check::bytes_of(&self.runner, &self.home, label)?;
                    if bytes.as_ref() != Some(&held.bytes) {
                        return Err(format!("{label}: the bytes are not its own"));
                    }
                    self.state.insert(label.clone(), held);
                }
                None => drop(self.state.remove(label)),
            }
        }
        if deed.is_atomic && applied.iter().any(|a| *a) && !applied.iter().all(|a| *a) {
            return Err(format!("half of it is visible: {:?}", deed.changes));
        }
        Ok(())
    }
}
