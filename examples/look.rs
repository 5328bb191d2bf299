//! Watches for nodes on this LAN and prints what is noticed, a line each; announces one where told.
//!
//! `cargo run --example look -- [--announce N PORT [--bind ADDRESS]…] [--seconds S]`
//!
//! N makes the node id up. Without `--seconds`, lines on stdin: `update N` shows so many datasets,
//! any other asks anew, and the end says farewell.
#![allow(clippy::print_stdout, reason = "an example shows what it did")]

use std::error::Error;
use std::io::BufRead;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use alimentar::ident::NodeId;
use alimentar::net::discovery::Announcement;
use alimentar::net::discovery::Discovery;
use alimentar::net::discovery::DiscoveryEvent;
use alimentar::protocol::PeerTable;
use alimentar::protocol::ServiceRecord;
use alimentar::protocol::SharedSummary;

fn main() -> Result<(), Box<dyn Error>> {
    let (own, seconds) = arguments()?;
    let began = Instant::now();
    let node = own.as_ref().map(|own| own.record.node);
    let directory = Arc::new(Mutex::new(PeerTable::new(node, Duration::ZERO)));
    let tell = {
        let directory = directory.clone();
        move |found| {
            let mut directory = directory.lock().unwrap_or_else(PoisonError::into_inner);
            note(&mut directory, began.elapsed(), found);
        }
    };
    let discovery = Discovery::start(own, Arc::new(tell))?;
    println!("ready");
    if let Some(seconds) = seconds {
        std::thread::sleep(seconds);
    } else {
        for line in std::io::stdin().lock().lines() {
            match line?.split_once(' ') {
                Some(("update", n)) => {
                    let node = node.ok_or("nothing is announced")?;
                    discovery.update(&record(node, n.parse()?))?;
                }
                _ => discovery.refresh(),
            }
        }
    }
    println!("farewell said: {}", discovery.stop());
    let directory = directory.lock().unwrap_or_else(PoisonError::into_inner);
    println!("{} nodes in mind", directory.len());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let is_memory = |line: &&str| line.starts_with("VmHWM") || line.starts_with("VmRSS");
    status
        .lines()
        .filter(is_memory)
        .for_each(|l| println!("{l}"));
    Ok(())
}

fn note(directory: &mut PeerTable, now: Duration, found: DiscoveryEvent) {
    let at = now.as_secs_f64();
    match found {
        DiscoveryEvent::Seen { record, addresses } => {
            let node = record.node;
            let datasets = record.summary.as_ref().map(|s| s.datasets);
            let seen = directory.record_claim(now, record, &addresses);
            println!("{at:.2} seen {node} {seen:?} {datasets:?} {addresses:?}");
        }
        DiscoveryEvent::Gone { node } => {
            directory.record_farewell(now, &node);
            println!("{at:.2} gone {node}");
        }
        DiscoveryEvent::Trouble { reason } => println!("{at:.2} trouble: {reason}"),
    }
}

fn record(node: NodeId, datasets: u64) -> ServiceRecord {
    let filter = vec![0; 600];
    let summary = SharedSummary {
        datasets,
        filter_digest: datasets.to_le_bytes(),
        filter_bytes: filter.len() as u64,
        filter: Some(filter),
    };
    ServiceRecord {
        node,
        version: 1,
        summary: Some(summary),
    }
}

/// Parses the announcement and its duration; `None` means until standard input ends.
fn arguments() -> Result<(Option<Announcement>, Option<Duration>), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (mut own, mut seconds) = (None, None);
    let mut next = || words.next();
    while let Some(word) = next() {
        let mut value = || next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--announce" => {
                let node = NodeId::new(*blake3::hash(value()?.as_bytes()).as_bytes());
                own = Some(Announcement {
                    port: value()?.parse()?,
                    addresses: Vec::new(),
                    record: record(node, 1),
                });
            }
            "--bind" => {
                let ip: IpAddr = value()?.parse()?;
                let own = own.as_mut().ok_or("--bind comes after --announce")?;
                own.addresses.push(ip);
            }
            "--seconds" => seconds = Some(Duration::from_secs(value()?.parse()?)),
            other => return Err(format!("`{other}` is not understood").into()),
        }
    }
    Ok((own, seconds))
}
