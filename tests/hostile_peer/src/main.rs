//! A peer that means harm: it speaks `alimentar/1` by hand over stock QUIC and tries the program
//! under test from every side, as a client, as a node, and on the LAN. It prints a line for every
//! case and a total, and ends with 1 where anything did not hold.
//!
//! `hostile_peer PROGRAM [WORD]`: only cases whose names contain the word.

mod asker;
mod attacks;
mod forge;
mod forged;
mod host;
mod mdns;
mod program;
mod quic;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::attacks::around;
use crate::attacks::asking;
use crate::attacks::comparing;
use crate::attacks::lies;
use crate::attacks::lies::Verdict;
use crate::attacks::limits;
use crate::attacks::signed;
use crate::program::Lab;

struct Run {
    lab: Lab,
    only: Option<String>,
    held: u32,
    failed: u32,
}

fn line(name: &str, verdict: &Verdict, seconds: f64) {
    let (word, text) = match verdict {
        Ok(text) => ("held", text),
        Err(text) => ("FAILED", text),
    };
    println!("{word:6} {seconds:5.1} s  {name}: {text}");
}

impl Run {
    fn is_wanted(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|word| name.contains(word))
    }

    fn case(&mut self, name: &str, attack: impl FnOnce(&Lab) -> Verdict) {
        if !self.is_wanted(name) {
            return;
        }
        let begun = Instant::now();
        let verdict = attack(&self.lab);
        self.count(name, &verdict, begun.elapsed().as_secs_f64());
    }

    fn count(&mut self, name: &str, verdict: &Verdict, seconds: f64) {
        line(name, verdict, seconds);
        match verdict {
            Ok(_) => self.held += 1,
            Err(_) => self.failed += 1,
        }
    }
}

/// Cases that wait for a long time, beside all others.
const SLOW: [&str; 5] = [
    "mute",
    "drip",
    "killed",
    "request drips",
    "following among liars",
];

fn slow(lab: &Lab, which: &str) -> Verdict {
    match which {
        "request drips" => asking::drips(lab),
        "following among liars" => around::following(lab),
        how => around::gone(lab, how),
    }
}

fn all(run: &mut Run) {
    run.case("control: a dataset made by hand", signed::control);
    for (name, lie) in lies::CHUNK_LIES {
        run.case(&format!("chunks: {name}"), |lab| {
            lies::about_chunks(lab, *lie)
        });
    }
    for (name, kind, lie) in lies::OTHER_LIES {
        run.case(name, |lab| lies::about(lab, *kind, *lie));
    }
    for (name, twist) in signed::SIGNED_LIES {
        run.case(&format!("signed: {name}"), |lab| {
            signed::signed(lab, *twist)
        });
    }
    run.case(
        "trust: unsigned, a stranger's, a stolen name",
        signed::unsigned,
    );
    run.case("trust: an impostor", lies::impostor);
    for (name, kind, lie) in comparing::DELTA_LIES {
        let name = format!("deltas: {name}");
        run.case(&name, |lab| comparing::deltas(lab, *kind, *lie));
    }
    for (name, mode, lie) in comparing::SYMBOL_LIES {
        let name = format!("comparing: {name}");
        run.case(&name, |lab| comparing::comparing(lab, *mode, *lie));
    }
    run.case("asking: bytes that are no request", asking::malformed);
    run.case(
        "asking: unknown kinds, nothing before hello",
        asking::unknown,
    );
    run.case("asking: places where nothing is", asking::prying);
    run.case("asking: a request longer than any", asking::long_request);
    run.case("limits: requests at once", limits::requests_at_once);
    run.case("limits: streams", limits::streams);
    run.case("limits: requests a second", limits::rate);
    run.case("limits: connections of one peer", limits::connections);
    run.case("limits: many peers", limits::crowd);
    run.case("limits: answers that nobody reads", limits::unread);
    run.case("announcements by the thousand", asking::announcements);
    run.case("looking among liars", around::looking);
    run.case("forged services and filters", around::forged_services);
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(program) = words.next().map(PathBuf::from) else {
        eprintln!("hostile_peer PROGRAM [WORD]");
        return ExitCode::from(2);
    };
    let begun = Instant::now();
    let mut run = Run {
        lab: Lab::new(program.clone(), false),
        only: words.next(),
        held: 0,
        failed: 0,
    };
    // A laboratory of their own: they wait for the same node to be patient.
    let waiting: Vec<&str> = SLOW.into_iter().filter(|n| run.is_wanted(n)).collect();
    let beside = std::thread::spawn(move || {
        if waiting.is_empty() {
            return Vec::new();
        }
        let lab = Lab::new(program, true);
        std::thread::scope(|scope| {
            let attack = |which| {
                let lab = &lab;
                let begun = Instant::now();
                scope.spawn(move || (which, slow(lab, which), begun.elapsed().as_secs_f64()))
            };
            let all: Vec<_> = waiting.into_iter().map(attack).collect();
            let ended = all
                .into_iter()
                .map(|one| one.join().expect("a case that panicked"));
            ended.collect::<Vec<_>>()
        })
    });
    all(&mut run);
    match beside.join() {
        Ok(ended) => {
            for (which, verdict, seconds) in ended {
                run.count(&format!("patience: {which}"), &verdict, seconds);
            }
        }
        Err(_) => run.count("patience", &Err("it panicked".to_owned()), 0.0),
    }
    let end = run.lab.honest.is_well();
    run.count(
        "the honest node after all that",
        &end.map(|()| "well".to_owned()),
        0.0,
    );
    println!(
        "{} cases: {} held, {} failed, in {:.0} s; the worst process took {} MiB, the honest node {} MiB",
        run.held + run.failed,
        run.held,
        run.failed,
        begun.elapsed().as_secs_f64(),
        run.lab.worst_kib.load(Ordering::Relaxed) >> 10,
        run.lab.honest.memory_kib() >> 10,
    );
    match run.failed {
        0 if run.held > 1 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
