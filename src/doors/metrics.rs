//! Counters of requests, in the text format of Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Counters of one door.
#[derive(Default)]
struct Counters {
    /// Requests by the first digit of their status, from 1 to 5.
    requests: [AtomicU64; 5],
    bytes: AtomicU64,
    /// Answers that were cut off.
    cut: AtomicU64,
    micros: AtomicU64,
}

/// The counters of a server.
#[derive(Default)]
pub(super) struct Metrics {
    http: Counters,
    s3: Counters,
    pub(super) connections: AtomicU64,
}

impl Metrics {
    /// Counts a request that has ended.
    pub(super) fn count(&self, door: &str, status: u16, (bytes, micros): (u64, u64), is_cut: bool) {
        let counters = if door == "s3" { &self.s3 } else { &self.http };
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some(requests) = counters.requests.get(class) {
            requests.fetch_add(1, Ordering::Relaxed);
        }
        counters.bytes.fetch_add(bytes, Ordering::Relaxed);
        counters.micros.fetch_add(micros, Ordering::Relaxed);
        counters.cut.fetch_add(u64::from(is_cut), Ordering::Relaxed);
    }

    /// Returns the text.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let doors = [("http", &self.http), ("s3", &self.s3)];
        let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
        head(
            &mut out,
            "requests_total",
            "counter",
            "Requests by the class of their status.",
        );
        for (door, counters) in doors {
            for (class, n) in (1..).zip(&counters.requests) {
                let n = read(n);
                let _ = writeln!(
                    out,
                    "alimentar_door_requests_total{{door=\"{door}\",status=\"{class}xx\"}} {n}"
                );
            }
        }
        head(
            &mut out,
            "sent_bytes_total",
            "counter",
            "Bytes of bodies that were sent.",
        );
        for (door, counters) in doors {
            let _ = writeln!(
                out,
                "alimentar_door_sent_bytes_total{{door=\"{door}\"}} {}",
                read(&counters.bytes)
            );
        }
        head(
            &mut out,
            "cut_total",
            "counter",
            "Answers that ended before their end.",
        );
        for (door, counters) in doors {
            let _ = writeln!(
                out,
                "alimentar_door_cut_total{{door=\"{door}\"}} {}",
                read(&counters.cut)
            );
        }
        head(
            &mut out,
            "seconds_total",
            "counter",
            "Time of requests, to the end of the answer.",
        );
        for (door, counters) in doors {
            let seconds = read(&counters.micros) as f64 / 1e6;
            let _ = writeln!(
                out,
                "alimentar_door_seconds_total{{door=\"{door}\"}} {seconds}"
            );
        }
        head(
            &mut out,
            "connections",
            "gauge",
            "Connections that are open.",
        );
        let _ = writeln!(
            out,
            "alimentar_door_connections {}",
            read(&self.connections)
        );
        out
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(
        out,
        "# HELP alimentar_door_{name} {help}\n# TYPE alimentar_door_{name} {kind}"
    );
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn requests_are_counted_by_door_and_status() {
        let metrics = Metrics::default();
        metrics.count("s3", 206, (10, 1_500_000), false);
        metrics.count("http", 404, (3, 10), true);
        let text = metrics.text();
        for line in [
            "alimentar_door_requests_total{door=\"s3\",status=\"2xx\"} 1",
            "alimentar_door_requests_total{door=\"http\",status=\"4xx\"} 1",
            "alimentar_door_sent_bytes_total{door=\"s3\"} 10",
            "alimentar_door_cut_total{door=\"http\"} 1",
            "alimentar_door_seconds_total{door=\"s3\"} 1.5",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}
