//! The command line of the test.

use std::time::SystemTime;

const HELP: &str = "\
Faults at random instants, against a model that knows what was reported done.

  cargo test --test chaos -- [--seconds N] [--instants N] [--seed S] [--only PART]

  --seconds N   for each part, at most so long [default: 30; env CHAOS_SECONDS]
  --instants N  for each part, at most so many instants [default: 1000; env CHAOS_INSTANTS]
  --seed S      begin with this seed [default: 1, or from the clock where seconds or instants are
                given; it is printed; env CHAOS_SEED]
  --threads N   programs beside each other [default: one for each core; env CHAOS_THREADS]
  --only PART   `simulated` or `processes` [default: both; env CHAOS_ONLY]";

const DEFAULT_SECONDS: f64 = 30.0;
const DEFAULT_INSTANTS: u64 = 1000;

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Options {
    pub seconds: f64,
    pub instants: u64,
    pub seed: u64,
    is_seeded: bool,
    pub threads: u64,
    pub only: Option<String>,
}

/// The request of the command line: a run, or a text to print.
pub enum Wish {
    Run(Options),
    Say(String),
}

impl Options {
    /// From the environment and the arguments. A name that `cargo test` filters by, and that does
    /// not fit this test, means that nothing is run.
    pub fn read() -> Result<Wish, String> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let mut options = Self {
            seconds: DEFAULT_SECONDS,
            instants: DEFAULT_INSTANTS,
            seed: 1,
            is_seeded: false,
            threads: cores as u64,
            only: None,
        };
        for name in ["seconds", "instants", "seed", "threads", "only"] {
            if let Ok(value) = std::env::var(format!("CHAOS_{}", name.to_uppercase())) {
                options.set(name, &value)?;
            }
        }
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                Some("help") => return Ok(Wish::Say(HELP.to_owned())),
                Some("list") => return Ok(Wish::Say("chaos: test".to_owned())),
                // Those of the usual harness that change nothing here.
                Some("nocapture" | "no-capture" | "quiet" | "show-output" | "exact") => {}
                Some("test-threads" | "color" | "format" | "skip") => drop(words.next()),
                Some(name) => {
                    let (name, value) = match name.split_once('=') {
                        Some((name, value)) => (name, Some(value.to_owned())),
                        None => (name, words.next()),
                    };
                    let value = value.ok_or_else(|| format!("--{name} needs a value"))?;
                    options.set(name, &value)?;
                }
                None if word == "-q" => {}
                None if "chaos".contains(&word) => {}
                None => {
                    return Ok(Wish::Say(format!(
                        "chaos: not run, `{word}` is another test"
                    )));
                }
            }
        }
        let is_longer = options.seconds != DEFAULT_SECONDS || options.instants != DEFAULT_INSTANTS;
        if is_longer && !options.is_seeded {
            let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            options.seed = clock.map_or(1, |d| d.as_millis() as u64 % 1_000_000);
        }
        Ok(Wish::Run(options))
    }

    /// Checks whether the run includes a part.
    pub fn runs(&self, part: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == part)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let number = || {
            let parsed = value.parse::<u64>();
            parsed.map_err(|_| format!("--{name} takes a number, not `{value}`"))
        };
        match name {
            "seconds" => self.seconds = number()? as f64,
            "instants" => self.instants = number()?,
            "seed" => (self.seed, self.is_seeded) = (number()?, true),
            "threads" => self.threads = number()?.max(1),
            "only" if ["simulated", "processes"].contains(&value) => {
                self.only = Some(value.to_owned());
            }
            _ => return Err(format!("--{name} {value} is not known here; see --help")),
        }
        Ok(())
    }
}
