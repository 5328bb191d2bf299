//! The terminal: raw mode and the other screen, left clean whatever ends the program.

use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::IsTerminal as _;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::DisableBracketedPaste;
use ratatui::crossterm::event::DisableMouseCapture;
use ratatui::crossterm::event::EnableBracketedPaste;
use ratatui::crossterm::event::EnableMouseCapture;
use ratatui::crossterm::execute;
use ratatui::crossterm::queue;
use ratatui::crossterm::terminal::BeginSynchronizedUpdate;
use ratatui::crossterm::terminal::EndSynchronizedUpdate;
use ratatui::crossterm::terminal::EnterAlternateScreen;
use ratatui::crossterm::terminal::LeaveAlternateScreen;
use ratatui::crossterm::terminal::disable_raw_mode;
use ratatui::crossterm::terminal::enable_raw_mode;
use ratatui::layout::Rect;
use signal_hook::consts::SIGTSTP;
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;

use crate::panics::panic_becomes_error;
use crate::tui::draw::draw;
use crate::tui::draw::theme::Theme;
use crate::tui::model::State;

type Writer = BufWriter<Box<dyn Write + Send>>;

/// The terminal while the program has it. Dropping it leaves it as it was.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Writer>>,
    theme: Theme,
    /// A signal asked the program to stop for a while.
    wants_suspension: Arc<AtomicBool>,
}

/// Opens the terminal for writing: standard output, or the terminal itself if that goes elsewhere.
fn output() -> io::Result<Box<dyn Write + Send>> {
    if io::stdout().is_terminal() {
        return Ok(Box::new(io::stdout()));
    }
    Ok(Box::new(File::options().write(true).open(TERMINAL)?))
}

/// The terminal of the process.
const TERMINAL: &str = "/dev/tty";

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// [`io::Error`] if there is none.
    pub(super) fn enter(has_colours: bool) -> io::Result<Self> {
        // Without it, an error on the way would leave the terminal half changed.
        let output = output()?;
        restore_after_panics();
        let wants_suspension = Arc::new(AtomicBool::new(false));
        // Where the system refuses, the signal stops the program as usual.
        let _ = flag::register(SIGTSTP, Arc::clone(&wants_suspension));
        take()?;
        let writer = BufWriter::with_capacity(1 << 16, output);
        let terminal = Terminal::new(CrosstermBackend::new(writer));
        let terminal = terminal.inspect_err(|_| restore())?;
        Ok(Self {
            terminal,
            theme: Theme { has_colours },
            wants_suspension,
        })
    }

    /// Columns and lines.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Draws the state.
    pub(super) fn draw(&mut self, state: &State) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let theme = self.theme;
        self.terminal.draw(|frame| {
            if let Some(position) = draw(frame.buffer_mut(), state, &theme) {
                frame.set_cursor_position(position);
            }
        })?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Draws everything anew at the next drawing.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        // `Terminal::clear` would ask the terminal for its cursor and wait for the answer.
        let size = self.terminal.size()?;
        self.terminal
            .resize(Rect::new(0, 0, size.width, size.height))
    }

    /// Asks the terminal to copy a text.
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        let coded = STANDARD.encode(text);
        let writer = self.terminal.backend_mut();
        write!(writer, "\x1b]52;c;{coded}\x07")?;
        Write::flush(writer)
    }

    /// Returns true once after a signal asked the program to stop for a while.
    pub(super) fn takes_suspension(&self) -> bool {
        self.wants_suspension.swap(false, Ordering::Relaxed)
    }

    /// Gives the terminal back, stops, and takes the terminal again when the program goes on.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        restore();
        emulate_default_handler(SIGTSTP)?;
        take()?;
        self.forget()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    let taken = output().and_then(|mut to| {
        execute!(
            to,
            EnterAlternateScreen,
            EnableMouseCapture,
            EnableBracketedPaste
        )
    });
    taken.inspect_err(|_| restore())
}

/// Leaves the terminal as it was. There is nobody to tell an error to: the terminal may be gone.
fn restore() {
    if let Ok(mut to) = output() {
        let _ = execute!(
            to,
            EndSynchronizedUpdate,
            DisableBracketedPaste,
            DisableMouseCapture,
            LeaveAlternateScreen,
            Show
        );
    }
    let _ = disable_raw_mode();
}

/// Leaves the terminal clean before a panic is reported.
fn restore_after_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // The panic of a job is a message on the screen, and a report would lie over it.
        if !panic_becomes_error() {
            restore();
            report(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::process::Child;
    use std::process::Command;
    use std::process::Stdio;

    use super::*;
    use crate::progress::Progress;
    use crate::tui::DatasetEntry;
    use crate::tui::PeerEntry;
    use crate::tui::Peers;
    use crate::tui::ViewOptions;
    use crate::tui::view;

    struct Panicking;

    impl Peers for Panicking {
        fn peers(&self) -> Result<Vec<PeerEntry>, String> {
            panic!("of a job");
        }

        fn offers(&self, _: &str) -> Result<Vec<DatasetEntry>, String> {
            panic!("of a job");
        }

        fn pull(&self, _: &str, _: &str, _: &dyn Progress) -> Result<String, String> {
            panic!("of a job");
        }
    }

    #[test]
    #[ignore = "it needs a terminal, which the tests below give to it"]
    fn program_that_panics_while_it_has_the_terminal() {
        let mut screen = Screen::enter(true).unwrap();
        screen.draw(&State::new(None, (80, 24))).unwrap();
        panic!("of the loop");
    }

    #[test]
    #[ignore = "it needs a terminal, which the tests below give to it"]
    fn program_whose_jobs_panic() {
        let home = tempfile::tempdir().unwrap();
        let mut options = ViewOptions::new(home.path().to_owned());
        options.peers = Some(Arc::new(Panicking));
        view(options).unwrap();
        eprintln!("the viewer ended");
    }

    /// Runs one of the tests above at a pseudo-terminal, and then prints its modes.
    fn at_a_terminal(test: &str) -> Child {
        let program = std::env::current_exe().unwrap();
        let line = format!(
            "stty rows 24 cols 80; {} --exact --ignored --nocapture tui::terminal::tests::{test}; stty -a",
            program.display()
        );
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]);
        script.env("TERM", "xterm-256color");
        let script = script.stdin(Stdio::piped()).stdout(Stdio::piped());
        script.spawn().unwrap()
    }

    fn rest_of(child: &mut Child) -> String {
        let mut bytes = Vec::new();
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        child.wait().unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn assert_clean(text: &str, last: &str) {
        let at = |part: &str| {
            text.rfind(part)
                .unwrap_or_else(|| panic!("no {part:?}:\n{text}"))
        };
        for (on, off) in [
            ("\x1b[?1049h", "\x1b[?1049l"),
            ("\x1b[?1000h", "\x1b[?1000l"),
            ("\x1b[?2004h", "\x1b[?2004l"),
            ("\x1b[?25l", "\x1b[?25h"),
        ] {
            assert!(
                at(on) < text.find(off).unwrap() && at(off) > at(on),
                "{text}"
            );
        }
        assert!(text.find("\x1b[?1049l").unwrap() < at(last), "{text}");
        let modes: Vec<&str> = text[at("speed")..].split_whitespace().collect();
        for mode in ["echo", "icanon", "isig"] {
            assert!(modes.contains(&mode), "{text}");
        }
    }

    #[test]
    fn panic_of_the_loop_leaves_the_terminal_clean_and_is_reported() {
        let mut child = at_a_terminal("program_that_panics_while_it_has_the_terminal");
        assert_clean(&rest_of(&mut child), "of the loop");
    }

    #[test]
    fn panic_of_a_job_is_a_message_and_the_program_goes_on() {
        let mut child = at_a_terminal("program_whose_jobs_panic");
        let mut seen = String::new();
        let mut type_after = |child: &mut Child, wanted: &str, keys: &[u8]| {
            let mut piece = [0; 4096];
            while !seen.contains(wanted) {
                let n = child.stdout.as_mut().unwrap().read(&mut piece).unwrap();
                assert!(n > 0, "no {wanted}:\n{seen}");
                seen += &String::from_utf8_lossy(&piece[..n]);
            }
            child.stdin.as_mut().unwrap().write_all(keys).unwrap();
        };
        type_after(&mut child, "alimentar index PATH", b"p");
        type_after(&mut child, "a part of the program failed", b"qq");
        seen += &rest_of(&mut child);
        assert!(!seen.contains("panicked"), "{seen}");
        assert_clean(&seen, "the viewer ended");
    }
}
