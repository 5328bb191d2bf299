//! The links between nodes: their delays, rates and losses.

use std::time::Duration;

use alimentar::protocol::Random;

/// The estimated bytes of a connection.
/// They include the padded first flights of QUIC, the certificate, both hellos, and the keep-alives
/// of the minute for which a node keeps the connection.
pub const CONNECT_BYTES: u64 = 6_000;
/// Round trips before the first request.
pub const CONNECT_ROUND_TRIPS: u32 = 2;
/// The time for which a node keeps an unused connection, and the most connections that it keeps.
/// Both are as in `net`.
pub const LINE_IDLE: Duration = Duration::from_secs(60);
pub const LINES_MAX: usize = 32;
/// The time for which a node waits for an absent node to accept a connection.
pub const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// The same in the middle of an exchange.
pub const STALL: Duration = Duration::from_secs(20);

/// Headers of UDP and QUIC, for each packet that is begun.
const PACKET_BYTES: u64 = 1_200;
const PACKET_HEADERS: u64 = 60;

/// A node's way to the others.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// Bytes a second.
    pub rate: f64,
    /// The delay that it adds in each direction.
    pub latency: Duration,
    /// The percentage of exchanges that fail.
    pub loss_percent: usize,
}

impl Access {
    /// A wired or wireless one in the house.
    pub fn fast(random: &mut Random) -> Self {
        let megabits = [20.0, 100.0, 1000.0][random.index(3)];
        Self {
            rate: megabits * 125_000.0,
            latency: Duration::ZERO,
            loss_percent: 0,
        }
    }

    /// A bad one: 1 Mbit/s, 200 ms there and back.
    pub fn slow(random: &mut Random) -> Self {
        Self {
            rate: 125_000.0,
            latency: Duration::from_millis(100),
            loss_percent: 1 + random.index(5),
        }
    }
}

/// The way between two nodes, there or back: 0.1 to 10 ms, as often one power of ten as another.
pub fn way(seed: u64, a: usize, b: usize) -> Duration {
    let pair = (a.min(b) as u64) << 32 | a.max(b) as u64;
    let part = unit(&mut Random::new(seed ^ pair.wrapping_mul(0x9e37_79b9)));
    Duration::from_secs_f64(1e-4 * 100_f64.powf(part))
}

/// With the headers of the packets that it takes.
pub fn on_the_wire(bytes: u64) -> u64 {
    bytes + bytes.div_ceil(PACKET_BYTES) * PACKET_HEADERS
}

/// From 0 to 1.
pub fn unit(random: &mut Random) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Between two lengths of time.
pub fn between(random: &mut Random, least: f64, most: f64) -> Duration {
    Duration::from_secs_f64(least + (most - least) * unit(random))
}

/// Until the next of events that come independently of each other.
pub fn until_next(random: &mut Random, mean: Duration) -> Duration {
    mean.mul_f64(-(1.0 - unit(random)).ln())
}
