//! A line index queried while it grows. The sources wait at a gate, so no test depends on time.

use std::io;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use super::Impatient;
use super::Noise;
use super::built;
use super::naive;
use crate::inspect::line_index::BackgroundIndex;
use crate::inspect::line_index::LineIndex;
use crate::inspect::line_index::LinePosition;
use crate::inspect::line_index::LinesError;
use crate::inspect::line_index::start_in;
use crate::progress::NoProgress;
use crate::read_at::ReadAt;

/// Source whose bytes beyond an offset are blocked until the gate opens.
struct Gated {
    text: Vec<u8>,
    from: u64,
    gate: Mutex<Gate>,
    moved: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gate {
    Shut,
    Open,
    Broken,
    Collapsed,
}

impl Gated {
    fn new(text: &[u8], from: u64) -> Arc<Self> {
        Arc::new(Self {
            text: text.to_vec(),
            from,
            gate: Mutex::new(Gate::Shut),
            moved: Condvar::new(),
        })
    }

    fn set(&self, gate: Gate) {
        *self.gate.lock().unwrap() = gate;
        self.moved.notify_all();
    }
}

impl ReadAt for Gated {
    fn len(&self) -> u64 {
        self.text.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.from {
            let gate = self.gate.lock().unwrap();
            let gate = self.moved.wait_while(gate, |gate| *gate == Gate::Shut);
            let gate = *gate.unwrap();
            match gate {
                Gate::Broken => return Err(io::Error::from_raw_os_error(5)),
                Gate::Collapsed => panic!("a source that panics"),
                Gate::Shut | Gate::Open => {}
            }
        }
        self.text.read_at(buf, offset)
    }
}

const MIB: u64 = 1 << 20;

fn started(source: &Arc<Gated>, threads: usize) -> BackgroundIndex {
    let index = LineIndex::new(source.len()).unwrap();
    BackgroundIndex::start(index, source.clone(), threads).unwrap()
}

/// Offset of a line by the present index.
fn start(index: &LineIndex, text: &[u8], line: u64) -> u64 {
    match index.locate(line) {
        LinePosition::In(block) => start_in(&text, &block).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn background_index_answers_before_end() {
    let text = Noise(11).text(30 * MIB as usize);
    let lines = naive(&text);
    let last = lines.len() - 1;
    let early = lines.partition_point(|(at, _)| *at < 6 * MIB);
    for threads in 1..4 {
        let source = Gated::new(&text, 8 * MIB);
        let background = started(&source, threads);
        // No byte beyond the gate was read, and yet the answer is known.
        let index = background.wait(Some(early as u64), &NoProgress).unwrap();
        assert_eq!(start(&index, &text, early as u64), lines[early].0);
        assert!(background.covered() <= 8 * MIB && !index.is_complete());
        assert_eq!(index.locate(last as u64), LinePosition::NotYet);
        std::thread::scope(|scope| {
            let later = scope.spawn(|| background.wait(Some(last as u64), &NoProgress));
            let all = scope.spawn(|| background.wait(None, &NoProgress));
            let none = scope.spawn(|| background.wait(Some(u64::MAX), &NoProgress));
            // A query with a known answer does not wait behind others.
            assert!(background.wait(Some(early as u64), &NoProgress).is_ok());
            source.set(Gate::Open);
            let index = later.join().unwrap().unwrap();
            assert_eq!(start(&index, &text, last as u64), lines[last].0);
            assert_eq!(all.join().unwrap().unwrap(), built(&text, 1));
            let none = none.join().unwrap().unwrap();
            assert_eq!(none.locate(u64::MAX), LinePosition::Past);
        });
        let (index, ended) = background.stop();
        assert!(ended.is_ok());
        assert_eq!(index, built(&text, 1));
    }
}

#[test]
fn background_index_stopped_returns_counted_part() {
    let text = Noise(12).text(60 * MIB as usize);
    let source = Gated::new(&text, 8 * MIB);
    let background = started(&source, 1);
    let index = background.wait(Some(10), &NoProgress).unwrap();
    assert!(index.covered() > 0);
    background.ask_to_stop();
    source.set(Gate::Open);
    let (index, ended) = background.stop();
    assert!(matches!(ended, Err(LinesError::Interrupted)));
    // At most the current piece is completed.
    assert!((4 * MIB..=12 * MIB).contains(&index.covered()));
    // A new run continues after the stored part.
    let background = BackgroundIndex::start(index, source, 2).unwrap();
    assert_eq!(background.wait(None, &NoProgress).unwrap(), built(&text, 1));
    // Dropped during a read.
    drop(started(&Gated::new(&text, u64::MAX), 3));
}

#[test]
fn background_index_error_reaches_all_waiters() {
    let text = Noise(13).text(20 * MIB as usize);
    for (gate, threads) in [
        (Gate::Broken, 1),
        (Gate::Broken, 3),
        (Gate::Collapsed, 1),
        (Gate::Collapsed, 2),
    ] {
        let source = Gated::new(&text, 8 * MIB);
        let background = started(&source, threads);
        assert!(background.wait(Some(10), &NoProgress).is_ok());
        std::thread::scope(|scope| {
            let waits: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| background.wait(None, &NoProgress)))
                .collect();
            source.set(gate);
            for wait in waits {
                match wait.join().unwrap() {
                    Err(LinesError::Read(e)) if gate == Gate::Broken => {
                        assert_eq!(e.raw_os_error(), Some(5));
                    }
                    Err(LinesError::Read(e)) => assert!(e.to_string().contains("gone")),
                    other => panic!("{other:?}"),
                }
            }
        });
        // The error persists; earlier results stay available.
        assert!(background.wait(Some(u64::MAX), &NoProgress).is_err());
        assert!(background.wait(Some(10), &NoProgress).is_ok());
    }
    // A file that became shorter.
    let index = LineIndex::new(text.len() as u64).unwrap();
    let short = Arc::new(text[..9_000_000].to_vec());
    let background = BackgroundIndex::start(index, short, 2).unwrap();
    let failed = background.wait(None, &NoProgress);
    assert!(matches!(failed, Err(LinesError::Shrunk)));
    assert!(matches!(background.stop().1, Err(LinesError::Shrunk)));
}

#[test]
fn background_index_continues_after_interrupted_wait() {
    let text = Noise(14).text(20 * MIB as usize);
    let source = Gated::new(&text, 8 * MIB);
    let background = started(&source, 2);
    let impatient = Impatient(AtomicU64::new(0));
    let failed = background.wait(Some(u64::MAX), &impatient);
    assert!(matches!(failed, Err(LinesError::Interrupted)));
    source.set(Gate::Open);
    assert_eq!(background.wait(None, &NoProgress).unwrap(), built(&text, 1));
}
