//! Faults at random instants of random programs, against a model that knows what was reported
//! done. A power cut at every single write is in `src/registry/tests/power_cut.rs`, kill -9 of the program in
//! `tests/it/storage/crash.rs`. `cargo test --test chaos -- --help` says how to run it for longer.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test ends where something is not as it must be, and says what it did"
)]

mod damage;
mod faulty;
mod options;
mod processes;
mod program;
#[path = "../../src/store/disk/io/sim/mod.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod sim;
mod simulated;
mod tally;
mod world;

/// The locks, where the simulated disk expects them.
mod locks {
    pub use alimentar::locks::lock;
}

/// The random generator, where the simulated disk expects it.
mod testing {
    pub use alimentar::protocol::Random;
}

/// The trait of disks, where the simulated disk expects it.
mod store {
    pub mod disk {
        pub mod io {
            pub(crate) use crate::sim;
            pub use alimentar::store::disk::io::*;
        }
    }
}

use std::cell::RefCell;
use std::process::ExitCode;

use crate::options::Options;
use crate::options::Wish;
use crate::processes::fault::Means;
use crate::tally::Tally;
use crate::world::World;

thread_local! {
    /// The text of the last panic of this thread.
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(Wish::Run(options)) => options,
        Ok(Wish::Say(text)) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    println!(
        "chaos: seed {}, at most {} instants and {} seconds for each part",
        options.seed, options.instants, options.seconds
    );
    // The library catches what the crates that it reads damaged files with do; what it does not
    // catch is told with its program.
    std::panic::set_hook(Box::new(|panic| {
        LAST_PANIC.set(panic.to_string());
    }));
    let mut failed = Vec::new();
    if options.runs("simulated") {
        failed.extend(simulated_part(&options));
    }
    if options.runs("processes") {
        match Means::find() {
            Ok(means) => failed.extend(part(&options, "processes", |seed, tally| {
                processes::homes(seed, means, tally)
            })),
            Err(why) => failed.push(why),
        }
    }
    for why in &failed {
        eprintln!("chaos: FAILED with --seed {}: {why}", options.seed);
    }
    match failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn simulated_part(options: &Options) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let world = World::make(dir.path(), 7);
    part(options, "simulated disk", |seed, tally| {
        simulated::programs(seed, &world, tally)
    })
}

/// Runs a part on every thread, each with a seed of its own; returns what failed.
fn part(
    options: &Options,
    name: &'static str,
    run: impl Fn(u64, &Tally) -> Result<(), String> + Sync,
) -> Vec<String> {
    let tally = Tally::new(name, options.instants, options.seconds);
    let failed = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..options.threads)
            .map(|n| {
                let (run, tally) = (&run, &tally);
                let seed = options.seed.wrapping_add(n << 48);
                scope.spawn(move || run(seed, tally).inspect_err(|_| tally.stop()))
            })
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        let ended = joined.map(|j| j.unwrap_or_else(|_| Err("it panicked".to_owned())));
        ended.filter_map(Result::err).collect()
    });
    println!("chaos: {tally}, seed {}", options.seed);
    failed
}
