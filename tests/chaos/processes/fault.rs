//! Running the program with a fault at a random instant, in the ways that this machine allows.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::testing::Random;

/// Nothing takes this long here: what does, hangs.
const PATIENCE: Duration = Duration::from_secs(180);

/// The tools for faults that work on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Means {
    /// `strace` may change what system calls return.
    pub has_strace: bool,
    /// `prlimit` limits the length of files.
    pub has_prlimit: bool,
    /// `faketime` gives a process another clock.
    pub has_faketime: bool,
}

impl Means {
    /// Tries each. A means that does not work is printed, and is an error where `ALIMENTAR_REQUIRE_ALL` is `1`,
    /// unless `ALIMENTAR_WITHOUT` names it.
    pub fn find() -> Result<Self, String> {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let is_required = variable("ALIMENTAR_REQUIRE_ALL") == "1";
        let without = variable("ALIMENTAR_WITHOUT");
        let works = |words: &[&str]| {
            let run = Command::new(words[0])
                .args(&words[1..])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            let works = run.is_ok_and(|status| status.success());
            let is_known = without.split(',').any(|name| name == words[0]);
            if !works && is_required && !is_known {
                return Err(format!("`{}` does not work here", words[0]));
            }
            if !works {
                println!(
                    "chaos: `{}` does not work here; the other faults stand in",
                    words[0]
                );
            }
            Ok(works)
        };
        Ok(Self {
            has_strace: works(&[
                "strace",
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                "trace=getcwd",
                "-e",
                "inject=getcwd:error=EIO:when=1",
                "true",
            ])?,
            has_prlimit: works(&["prlimit", "--fsize=1000000", "true"])?,
            has_faketime: works(&["faketime", "2001-01-01 00:00:00", "true"])?,
        })
    }
}

/// A fault of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Killed after this many thousandths of what its command usually takes.
    Kill(u32),
    /// Killed at the n-th of these system calls.
    KillAt(&'static str, u64),
    /// The n-th of these system calls fails.
    CallFails(&'static str, &'static str, u64),
    /// All from the n-th on.
    CallsFail(&'static str, &'static str, u64),
    /// No file may grow beyond this.
    FileSize(u64),
    /// The clock says this.
    Clock(&'static str),
}

const WRITING: [&str; 8] = [
    "pwrite64",
    "write",
    "fdatasync",
    "fsync",
    "ftruncate",
    "rename",
    "openat",
    "unlink",
];
const CLOCKS: [&str; 4] = [
    "1980-01-02 00:00:00",
    "2001-01-01 00:00:00",
    "2035-06-01 00:00:00",
    "2099-12-31 23:59:58",
];

impl Fault {
    pub fn choose(random: &mut Random, means: Means) -> Self {
        let call = |random: &mut Random| WRITING[random.below(WRITING.len() as u64) as usize];
        // The loader opens libraries first; failing there proves nothing.
        let when = |random: &mut Random, call: &str| match call {
            "openat" => 14 + random.below(30),
            _ => 1 + random.below(30),
        };
        match random.below(16) {
            0..=3 => Self::None,
            4..=8 => Self::Kill(random.below(1000) as u32),
            9..=10 if means.has_strace => {
                let call = call(random);
                Self::KillAt(call, when(random, call))
            }
            11..=13 if means.has_strace => {
                let error = ["EIO", "ENOSPC", "EIO", "EDQUOT"][random.below(4) as usize];
                let call = call(random);
                let when = when(random, call);
                match random.below(2) {
                    0 => Self::CallFails(call, error, when),
                    _ => Self::CallsFail(call, error, when),
                }
            }
            14 if means.has_prlimit => Self::FileSize(random.below(80_000)),
            15 if means.has_faketime => Self::Clock(CLOCKS[random.below(4) as usize]),
            _ => Self::Kill(random.below(1000) as u32),
        }
    }

    /// Returns the kind under which the tally counts this fault.
    pub fn counter(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Kill(_) | Self::KillAt(..) => Some("kills"),
            Self::CallFails(..) | Self::CallsFail(..) => Some("failed system calls"),
            Self::FileSize(_) => Some("limits of file length"),
            Self::Clock(_) => Some("wrong clocks"),
        }
    }

    /// The program under this fault, with no words yet.
    fn program(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_alimentar");
        let traced = |call: &str, what: String| {
            let mut command = Command::new("strace");
            command.args([
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                &format!("trace={call}"),
            ]);
            command.args(["-e", &format!("inject={call}:{what}"), program]);
            command
        };
        match self {
            Self::None | Self::Kill(_) => Command::new(program),
            Self::KillAt(call, when) => traced(call, format!("signal=KILL:when={when}")),
            Self::CallFails(call, error, when) => {
                traced(call, format!("error={error}:when={when}"))
            }
            Self::CallsFail(call, error, when) => {
                traced(call, format!("error={error}:when={when}+"))
            }
            Self::FileSize(bytes) => {
                let mut command = Command::new("prlimit");
                command.args([&format!("--fsize={bytes}"), "--core=0", program]);
                command
            }
            Self::Clock(when) => {
                let mut command = Command::new("faketime");
                command.args([when, program]);
                command
            }
        }
    }
}

/// The exit code and output of a command that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// It said that it is done.
    pub is_done: bool,
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// Runs the program, and knows how long each kind of command usually takes.
#[derive(Debug)]
pub struct Runner {
    takes: Mutex<BTreeMap<&'static str, Duration>>,
}

impl Runner {
    pub fn new() -> Self {
        Self {
            takes: Mutex::default(),
        }
    }

    /// Runs it to its end, or to the kill; an error where it panics or hangs.
    pub fn run(
        &self,
        home: &Path,
        kind: &'static str,
        words: &[String],
        fault: &Fault,
    ) -> Result<Ended, String> {
        let mut command = fault.program();
        command
            .arg("--home")
            .arg(home)
            .arg("--json")
            .arg("--yes")
            .args(words);
        command.env("ALIMENTAR_PASSPHRASE", "pass");
        command.env("ALIMENTAR_NEW_PASSPHRASE", "pass");
        command.stdin(Stdio::null());
        let ended = self.supervise(command, kind, fault);
        let ended = ended.map_err(|why| format!("{words:?} with {fault:?}: {why}"))?;
        let said = &ended.stderr;
        // 101 and 134 are panics; 127 is the loader of a traced process.
        if said.contains("panicked") || matches!(ended.code, Some(101 | 134)) {
            return Err(format!(
                "{words:?} with {fault:?}: code {:?}: {said}",
                ended.code
            ));
        }
        Ok(ended)
    }

    fn supervise(
        &self,
        mut command: Command,
        kind: &'static str,
        fault: &Fault,
    ) -> Result<Ended, String> {
        let began = Instant::now();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| e.to_string())?;
        let out = reader(child.stdout.take());
        let err = reader(child.stderr.take());
        if let Fault::Kill(thousandths) = fault {
            let takes = self.takes.lock().unwrap_or_else(PoisonError::into_inner);
            let usual = takes
                .get(kind)
                .copied()
                .unwrap_or(Duration::from_millis(30));
            drop(takes);
            std::thread::sleep(usual * *thousandths / 1000);
            let _ = child.kill();
        }
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
                break status;
            }
            if began.elapsed() > PATIENCE {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it hangs: nothing for {PATIENCE:?}"));
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        if status.success() && !matches!(fault, Fault::KillAt(..) | Fault::CallFails(..)) {
            let mut takes = self.takes.lock().unwrap_or_else(PoisonError::into_inner);
            takes.insert(kind, began.elapsed());
        }
        Ok(Ended {
            is_done: status.success(),
            code: status.code(),
            stdout: out.join().unwrap_or_default(),
            stderr: String::from_utf8_lossy(&err.join().unwrap_or_default()).into_owned(),
        })
    }
}

fn reader(from: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut from) = from {
            let _ = from.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// A node that serves, until it is dropped.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    pub address: String,
}

impl Serving {
    pub fn start(home: &Path) -> Result<Self, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_alimentar"));
        command
            .arg("--home")
            .arg(home)
            .args(["--json", "registry", "serve"]);
        command.args(["--bind", "127.0.0.1", "--port", "0", "--no-mdns"]);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .stdin(Stdio::null());
        let mut child = command.spawn().map_err(|e| e.to_string())?;
        let mut line = Vec::new();
        let mut out = child.stdout.take().ok_or("no output")?;
        let mut byte = [0];
        while line.last() != Some(&b'\n') {
            match out.read(&mut byte) {
                Ok(1) => line.push(byte[0]),
                _ => break,
            }
        }
        // The rest is read to nowhere, so that it never waits for a reader.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        let ready: serde_json::Value =
            serde_json::from_slice(&line).map_err(|e| format!("serve said {line:?}: {e}"))?;
        let address = ready["addr"].as_str().ok_or("serve named no address")?;
        Ok(Self {
            child,
            address: address.to_owned(),
        })
    }
}

impl Serving {
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A path as a word.
pub fn word(path: &Path) -> String {
    path.display().to_string()
}

/// Copies a home, but for what only running processes need.
pub fn copy_home(from: &Path, to: &PathBuf) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let dest = to.join(entry.file_name());
        if kind.is_dir() {
            copy_home(&entry.path(), &dest)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), dest)?;
        }
    }
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700))
}
