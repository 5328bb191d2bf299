//! A wire between an asker and a node that can be held.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub struct Relay {
    pub address: SocketAddr,
    held: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
}

impl Relay {
    /// Carries what one asker and a node say.
    pub fn to(node: SocketAddr) -> Self {
        let socket = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (front, back) = (socket(), socket());
        back.connect(node).unwrap();
        let address = front.local_addr().unwrap();
        for socket in [&front, &back] {
            let wait = Some(Duration::from_millis(1));
            socket.set_read_timeout(wait).unwrap();
        }
        let (held, ended) = (Arc::default(), Arc::default());
        let relay = Self {
            address,
            held: Arc::clone(&held),
            ended: Arc::clone(&ended),
        };
        std::thread::spawn(move || {
            let mut asker = None;
            let mut packet = vec![0; 1 << 16];
            while !ended.load(Ordering::Relaxed) {
                if held.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(1));
                    continue;
                }
                // QUIC sends a lost packet again.
                if let Ok((n, from)) = front.recv_from(&mut packet) {
                    asker = Some(from);
                    let _ = back.send(&packet[..n]);
                }
                while let (Some(to), Ok(n)) = (asker, back.recv(&mut packet)) {
                    let _ = front.send_to(&packet[..n], to);
                    if held.load(Ordering::Relaxed) {
                        break;
                    }
                }
            }
        });
        relay
    }

    /// Nothing goes either way until it is let go.
    pub fn hold(&self, held: bool) {
        self.held.store(held, Ordering::Relaxed);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
