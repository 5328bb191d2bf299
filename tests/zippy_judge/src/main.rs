//! The other implementation of document collections, `zippy_data` 0.1.2, as a judge of the program.
//!
//! usage: zippy_judge PROGRAM [WORD]
//! Each check has a directory of its own. With a word, only checks whose names contain it run.
//!
//! The crate has no program, and the command line of that implementation is in no package registry: only its library
//! judges here. `tests/independent/check_documents.py` has its two readers in Python.

mod faults;
mod model;
mod ours;
mod readers;
mod theirs;
mod turns;
mod writers;

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::Instant;

use crate::ours::Lab;

/// A check, which panics where something is not as it must be.
pub type Check = (&'static str, fn(&Lab));

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: zippy_judge PROGRAM [WORD]");
        return ExitCode::from(2);
    };
    let program = std::path::absolute(program).unwrap();
    let only = arguments.next().map(|word| word.into_string().unwrap());
    let checks = [
        readers::CHECKS,
        writers::CHECKS,
        turns::CHECKS,
        faults::CHECKS,
        model::CHECKS,
    ]
    .concat();
    // A short line for a panic, also for those of the other implementation.
    std::panic::set_hook(Box::new(|panic| {
        let text: String = panic.to_string().chars().take(1500).collect();
        println!("       {text}");
    }));
    let (mut held, mut failed) = (0, 0);
    for (name, check) in checks {
        if only.as_ref().is_some_and(|word| !name.contains(word)) {
            continue;
        }
        let began = Instant::now();
        let lab = Lab::new(&program);
        let is_held = catch_unwind(AssertUnwindSafe(|| check(&lab))).is_ok();
        let word = if is_held { "held" } else { "FAILED" };
        println!("{word:6} {:5.1} s  {name}", began.elapsed().as_secs_f64());
        held += u32::from(is_held);
        failed += u32::from(!is_held);
    }
    println!("{held} held, {failed} failed");
    match failed == 0 && held > 0 {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
