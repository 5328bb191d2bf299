//! A pseudo-terminal with the program at one end and a screen at the other.

use std::fs::File;
use std::io::Read as _;
use std::io::Write as _;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use rustix::pty::OpenptFlags;
use rustix::pty::grantpt;
use rustix::pty::openpt;
use rustix::pty::ptsname;
use rustix::pty::unlockpt;
use rustix::termios::LocalModes;
use rustix::termios::Winsize;
use rustix::termios::tcgetattr;
use rustix::termios::tcsetwinsize;

/// The longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// Time without output after which a screen counts as still.
const STILL: Duration = Duration::from_millis(200);

/// A program at a terminal.
pub struct Terminal {
    master: Option<File>,
    slave: File,
    child: Child,
    seen: Arc<Mutex<Seen>>,
}

/// Everything that the program wrote.
struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
}

impl Terminal {
    /// Runs the program with words on a terminal of a size.
    pub fn run(dir: &Path, words: &[&str], size: (u16, u16)) -> Self {
        let program = env!("CARGO_BIN_EXE_alimentar");
        let home = dir.join("home");
        let mut all = vec![program, "--home", home.to_str().unwrap()];
        all.extend(words);
        Self::start(dir, &all, size, &[])
    }

    /// Runs a line of a shell, in which `$A` is the program.
    pub fn shell(dir: &Path, line: &str, size: (u16, u16)) -> Self {
        let home = dir.join("home");
        let variables = [
            ("A", env!("CARGO_BIN_EXE_alimentar")),
            ("ALIMENTAR_HOME", home.to_str().unwrap()),
        ];
        Self::start(dir, &["sh", "-c", line], size, &variables)
    }

    pub fn start(
        dir: &Path,
        words: &[&str],
        (width, height): (u16, u16),
        variables: &[(&str, &str)],
    ) -> Self {
        // A program that inherited it would keep its own terminal open for ever.
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        set_size(&master, width, height);
        let side = || Stdio::from(slave.try_clone().unwrap());
        // `setsid` makes the pseudo-terminal the terminal of the program.
        let child = Command::new("setsid")
            .arg("--ctty")
            .args(words)
            .current_dir(dir)
            .env_remove("NO_COLOR")
            .env("TERM", "xterm-256color")
            .envs(variables.iter().copied())
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .unwrap();
        let seen = Arc::new(Mutex::new(Seen {
            parser: vt100::Parser::new(height, width, 0),
            bytes: Vec::new(),
        }));
        let master = File::from(master);
        let (mut from, to) = (master.try_clone().unwrap(), Arc::clone(&seen));
        std::thread::spawn(move || {
            let mut buffer = [0; 1 << 14];
            // The other side is closed at the end of the program.
            while let Ok(n) = from.read(&mut buffer) {
                if n == 0 {
                    return;
                }
                let mut seen = to.lock().unwrap();
                seen.parser.process(&buffer[..n]);
                seen.bytes.extend_from_slice(&buffer[..n]);
            }
        });
        Self {
            master: Some(master),
            slave,
            child,
            seen,
        }
    }

    /// Types. An escape is a key of its own only if nothing follows it at once.
    pub fn type_bytes(&mut self, bytes: &[u8]) {
        let master = self.master.as_mut().unwrap();
        for piece in bytes.split_inclusive(|byte| *byte == 0x1b) {
            master.write_all(piece).unwrap();
            if piece.ends_with(b"\x1b") {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }

    pub fn resize(&mut self, width: u16, height: u16) {
        self.seen
            .lock()
            .unwrap()
            .parser
            .screen_mut()
            .set_size(height, width);
        set_size(self.master.as_ref().unwrap(), width, height);
    }

    pub fn text(&self) -> String {
        self.seen.lock().unwrap().parser.screen().contents()
    }

    /// A copy of the screen.
    pub fn screen(&self) -> vt100::Screen {
        self.seen.lock().unwrap().parser.screen().clone()
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.seen.lock().unwrap().bytes.clone()
    }

    /// Waits until a screen is as it should be, and stays so for a moment.
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        let mut before = String::new();
        while began.elapsed() < PATIENCE {
            let text = self.text();
            if is_so(&text) && text == before {
                return text;
            }
            before = text;
            std::thread::sleep(Duration::from_millis(30));
        }
        panic!("no screen with {what}:\n{}", self.text());
    }

    /// Waits until a whole screen has all of these parts and stays so for a moment. A screen is whole when the
    /// last bytes are the end of a drawing.
    pub fn wait_for_screen(&self, parts: &[&str]) -> vt100::Screen {
        let began = Instant::now();
        let (mut before, mut since) = (0, Instant::now());
        while began.elapsed() < PATIENCE {
            {
                let seen = self.seen.lock().unwrap();
                if seen.bytes.len() != before {
                    (before, since) = (seen.bytes.len(), Instant::now());
                }
                let screen = seen.parser.screen();
                let text = trimmed(&screen.contents());
                if seen.bytes.ends_with(b"\x1b[?2026l")
                    && since.elapsed() > STILL
                    && parts.iter().all(|part| text.contains(part))
                {
                    return screen.clone();
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("no screen with {parts:?}:\n{}", self.text());
    }

    pub fn wait_for(&self, part: &str) -> String {
        self.wait_until(part, |text| text.contains(part))
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// State letter of the process, as the kernel tells it.
    pub fn process_state(&self) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let behind = stat.rsplit(')').next().unwrap();
        behind.trim_start().chars().next().unwrap()
    }

    pub fn wait_for_state(&self, letter: char) {
        let began = Instant::now();
        while self.process_state() != letter {
            assert!(began.elapsed() < PATIENCE, "the process is not {letter}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Closes the terminal.
    pub fn hang_up(&mut self) {
        self.master = None;
    }

    /// Waits for the end of the program, and returns its exit code.
    pub fn end(&mut self) -> Option<i32> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                // The last output is still on its way.
                std::thread::sleep(Duration::from_millis(50));
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the program does not end:\n{}", self.text());
    }

    /// Checks that the terminal is as it was before the program.
    pub fn assert_clean(&self) {
        // A program that has stopped or ended has written its last output; the reader may still be on its way to it.
        let began = Instant::now();
        let is_ours = |screen: &vt100::Screen| screen.alternate_screen() || screen.hide_cursor();
        while is_ours(&self.screen()) && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        let screen = self.screen();
        assert!(
            !screen.alternate_screen(),
            "the other screen is still there"
        );
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        let modes = tcgetattr(&self.slave).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Text without the blanks that end its lines.
fn trimmed(text: &str) -> String {
    let lines = text.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

fn set_size(master: impl AsFd, width: u16, height: u16) {
    let size = Winsize {
        ws_row: height,
        ws_col: width,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(master, size).unwrap();
}
