//! Wires that lose, reorder and delay, change the asker's address, or are cut: a pull comes to its
//! end, or stops cleanly and goes on later.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::hostile::actors::lab::Lab;
use crate::hostile::actors::lab::pull;
use crate::hostile::actors::node::Node;
use crate::support::is_sound;
use crate::support::lines;
use crate::support::listed;
use crate::support::program;
use crate::support::random::Random;
use crate::support::stderr;

/// The faults of a wire.
#[derive(Clone, Copy, Default)]
struct Faults {
    /// Datagrams lost, in a thousand.
    lost: u64,
    /// Datagrams given twice, in a thousand.
    doubled: u64,
    /// Each is delayed by this,
    delay: Duration,
    /// and by up to this more, so that they overtake each other.
    jitter: Duration,
    /// The asker has another address after so many datagrams.
    moves_after: Option<u64>,
    /// Nothing goes through after so many datagrams.
    cut_after: Option<u64>,
}

struct Wire {
    address: SocketAddr,
    carried: Arc<AtomicU64>,
    moves: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    faults: Arc<Mutex<Faults>>,
}

/// A datagram that is due at a moment; to the node, or back.
type Due = Reverse<(Instant, u64, bool, Vec<u8>)>;

impl Wire {
    fn to(node: SocketAddr, faults: Faults, seed: u64) -> Self {
        let front = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        front.set_nonblocking(true).unwrap();
        let wire = Self {
            address: front.local_addr().unwrap(),
            carried: Arc::default(),
            moves: Arc::default(),
            ended: Arc::default(),
            faults: Arc::new(Mutex::new(faults)),
        };
        let (carried, moves) = (wire.carried.clone(), wire.moves.clone());
        let (ended, faults) = (wire.ended.clone(), wire.faults.clone());
        std::thread::spawn(move || {
            let back = || {
                let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                socket.connect(node).unwrap();
                socket.set_nonblocking(true).unwrap();
                socket
            };
            let mut behind = back();
            let mut random = Random::new(seed);
            let mut asker = None;
            let mut due: BinaryHeap<Due> = BinaryHeap::new();
            let mut packet = vec![0; 1 << 16];
            while !ended.load(Ordering::Relaxed) {
                let faults = *faults.lock().unwrap();
                let mut came = Vec::new();
                for _ in 0..64 {
                    if let Ok((n, from)) = front.recv_from(&mut packet) {
                        asker = Some(from);
                        came.push((true, packet[..n].to_vec()));
                    }
                    if let Ok(n) = behind.recv(&mut packet) {
                        came.push((false, packet[..n].to_vec()));
                    }
                }
                for (there, bytes) in came {
                    let n = carried.fetch_add(1, Ordering::Relaxed) + 1;
                    if faults
                        .moves_after
                        .is_some_and(|after| n.is_multiple_of(after))
                    {
                        behind = back();
                        moves.fetch_add(1, Ordering::Relaxed);
                    }
                    let is_cut = faults.cut_after.is_some_and(|after| n > after);
                    if is_cut || random.below(1000) < faults.lost {
                        continue;
                    }
                    let times = 1 + u64::from(random.below(1000) < faults.doubled);
                    for _ in 0..times {
                        let more = random.below(1 + faults.jitter.as_micros() as u64);
                        let at = Instant::now() + faults.delay + Duration::from_micros(more);
                        due.push(Reverse((at, n, there, bytes.clone())));
                    }
                }
                while due.peek().is_some_and(|Reverse(d)| d.0 <= Instant::now()) {
                    let Some(Reverse((_, _, there, bytes))) = due.pop() else {
                        break;
                    };
                    // A packet that does not fit is lost, and sent again.
                    let _ = match (there, asker) {
                        (true, _) => behind.send(&bytes),
                        (false, Some(to)) => front.send_to(&bytes, to),
                        (false, None) => Ok(0),
                    };
                }
                std::thread::sleep(Duration::from_micros(100));
            }
        });
        wire
    }

    fn mend(&self) {
        *self.faults.lock().unwrap() = Faults::default();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

#[test]
fn pull_over_a_lossy_link_completes() {
    let lab = Lab::new();
    lab.index("corpus", &lines(12_000, 1), false);
    let mut node = Node::serve(lab.served(), &[]);
    let ms = Duration::from_millis;
    let lossy = |lost| Faults {
        lost,
        ..Faults::default()
    };
    let wires = [
        ("1 % lost", lossy(10)),
        ("5 % lost", lossy(50)),
        ("10 % lost", lossy(100)),
        (
            "overtaking and doubled",
            Faults {
                jitter: ms(8),
                doubled: 50,
                ..Faults::default()
            },
        ),
        (
            "200 ms there and back",
            Faults {
                delay: ms(100),
                ..Faults::default()
            },
        ),
        (
            "another address, again and again",
            Faults {
                moves_after: Some(150),
                ..Faults::default()
            },
        ),
        (
            "all of it",
            Faults {
                lost: 20,
                doubled: 20,
                delay: ms(10),
                jitter: ms(5),
                moves_after: Some(250),
                cut_after: None,
            },
        ),
    ];
    for (n, (what, faults)) in wires.into_iter().enumerate() {
        let wire = Wire::to(node.address, faults, n as u64);
        let home = lab.home();
        let out = pull(&home, &[&format!("{}@{}", node.id, wire.address)], "corpus");
        assert!(out.status.success(), "{what}: {}", stderr(&out));
        assert_eq!(listed(&home), 1, "{what}");
        is_sound(&home);
        let moved = wire.moves.load(Ordering::Relaxed);
        assert!(faults.moves_after.is_none() || moved > 1, "{what}: {moved}");
    }
    node.is_well();
    node.stop();
}

#[test]
fn pull_over_a_cut_link_resumes() {
    let lab = Lab::new();
    lab.index("corpus", &lines(150_000, 1), false);
    let node = Node::serve(lab.served(), &[]);
    let faults = Faults {
        cut_after: Some(6_000),
        ..Faults::default()
    };
    let wire = Wire::to(node.address, faults, 1);
    let peer = format!("{}@{}", node.id, wire.address);
    let home = lab.home();
    // The program is ended as somebody would who waits no longer.
    let mut command = program(&home);
    command.args(["-q", "registry", "pull", "corpus", "--peer", &peer]);
    let mut pulling = command.stdout(Stdio::null()).spawn().unwrap();
    let cut = |wire: &Wire| wire.carried.load(Ordering::Relaxed) > 6_000;
    let started = Instant::now();
    while !cut(&wire) && started.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(cut(&wire));
    assert!(pulling.try_wait().unwrap().is_none());
    let pid = rustix::process::Pid::from_raw(pulling.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(pulling.wait().unwrap().code(), Some(130));
    assert_eq!(listed(&home), 0);
    is_sound(&home);
    wire.mend();
    let out = pull(&home, &[&peer], "corpus");
    assert!(out.status.success(), "{}", stderr(&out));
    let pulled: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!(pulled["chunks_local"].as_u64().unwrap() > 0, "{pulled}");
    assert_eq!(listed(&home), 1);
    node.stop();
}
