//! Counters of requests, in the text format of Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::features::serving::TableState;

/// The kinds of requests that are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Compact,
    Create,
    FeastRead,
    FeastWrite,
    Fetch,
    FetchSeveral,
    Flight,
    Health,
    Metrics,
    Other,
    Reload,
    Remove,
    Schema,
    Write,
}

/// The kinds, with their names.
const ROUTES: [(Route, &str); 14] = [
    (Route::Compact, "compact"),
    (Route::Create, "create"),
    (Route::FeastRead, "feast_read"),
    (Route::FeastWrite, "feast_write"),
    (Route::Fetch, "fetch"),
    (Route::FetchSeveral, "fetch_several"),
    (Route::Flight, "flight"),
    (Route::Health, "health"),
    (Route::Metrics, "metrics"),
    (Route::Other, "other"),
    (Route::Reload, "reload"),
    (Route::Remove, "remove"),
    (Route::Schema, "schema"),
    (Route::Write, "write"),
];

/// Bounds of the histogram of times, in microseconds.
const BOUNDS: [u64; 12] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 1_000_000, 10_000_000,
];

#[derive(Default)]
struct Counters {
    errors: AtomicU64,
    micros: AtomicU64,
    /// Requests by time; the last is for those beyond all bounds.
    times: [AtomicU64; BOUNDS.len() + 1],
}

/// The counters of a server.
#[derive(Default)]
pub(super) struct Metrics {
    routes: [Counters; ROUTES.len()],
    /// Keys of lookups.
    pub(super) keys: AtomicU64,
}

/// The value of a gauge, by the state of a table.
type Gauge<'a> = &'a dyn Fn(&TableState) -> Option<f64>;

impl Metrics {
    /// Counts a request that has its answer.
    pub(super) fn count(&self, route: Route, took: Duration, is_error: bool) {
        let Some(counters) = self.routes.get(route as usize) else {
            return;
        };
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.iter().position(|bound| micros <= *bound);
        if let Some(times) = counters.times.get(place.unwrap_or(BOUNDS.len())) {
            times.fetch_add(1, Ordering::Relaxed);
        }
        counters.micros.fetch_add(micros, Ordering::Relaxed);
        counters
            .errors
            .fetch_add(u64::from(is_error), Ordering::Relaxed);
    }

    /// Returns the counters and the states of tables as text.
    pub(super) fn text(&self, states: &[TableState], now: i64) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut out, states, now);
        out
    }

    fn write(&self, out: &mut String, states: &[TableState], now: i64) -> std::fmt::Result {
        const PREFIX: &str = "alimentar_features";
        let age = |since: Option<i64>| since.map(|since| seconds(now.saturating_sub(since)));
        let loaded = |state: &TableState| age(state.origin.as_ref().map(|o| o.loaded_at));
        #[allow(clippy::cast_precision_loss, reason = "a gauge is a double")]
        let gauges: [(&str, Gauge<'_>); 5] = [
            ("rows", &|s| Some(s.rows as f64)),
            ("bytes", &|s| Some(s.bytes as f64)),
            ("load_age_seconds", &loaded),
            ("check_age_seconds", &|s| age(s.checked_at)),
            ("failing", &|s| {
                Some(f64::from(u8::from(s.failure.is_some())))
            }),
        ];
        for (name, value) in gauges {
            writeln!(out, "# TYPE {PREFIX}_{name} gauge")?;
            for state in states {
                if let Some(value) = value(state) {
                    let table = escaped(&state.name);
                    writeln!(out, "{PREFIX}_{name}{{table=\"{table}\"}} {value}")?;
                }
            }
        }
        let keys = self.keys.load(Ordering::Relaxed);
        writeln!(
            out,
            "# TYPE {PREFIX}_keys_total counter\n{PREFIX}_keys_total {keys}"
        )?;
        writeln!(out, "# TYPE {PREFIX}_errors_total counter")?;
        for ((_, name), counters) in ROUTES.iter().zip(&self.routes) {
            let errors = counters.errors.load(Ordering::Relaxed);
            writeln!(out, "{PREFIX}_errors_total{{route=\"{name}\"}} {errors}")?;
        }
        writeln!(out, "# TYPE {PREFIX}_request_seconds histogram")?;
        for ((_, name), counters) in ROUTES.iter().zip(&self.routes) {
            let mut sum = 0;
            let bounds = BOUNDS
                .iter()
                .map(|b| seconds(i64::try_from(*b).unwrap_or(0)).to_string());
            let bounds = bounds.chain(["+Inf".to_owned()]);
            for (bound, times) in bounds.zip(&counters.times) {
                sum += times.load(Ordering::Relaxed);
                writeln!(
                    out,
                    "{PREFIX}_request_seconds_bucket{{route=\"{name}\",le=\"{bound}\"}} {sum}"
                )?;
            }
            let micros = counters.micros.load(Ordering::Relaxed);
            let total = seconds(i64::try_from(micros).unwrap_or(i64::MAX));
            writeln!(
                out,
                "{PREFIX}_request_seconds_sum{{route=\"{name}\"}} {total}"
            )?;
            writeln!(
                out,
                "{PREFIX}_request_seconds_count{{route=\"{name}\"}} {sum}"
            )?;
        }
        Ok(())
    }
}

/// Converts microseconds.
#[allow(clippy::cast_precision_loss, reason = "a time is given as a double")]
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

/// Returns a name as the value of a label.
fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_its_place() {
        for (place, (route, _)) in ROUTES.iter().enumerate() {
            assert_eq!(*route as usize, place);
        }
    }

    #[test]
    fn text_has_a_histogram_that_adds_up() {
        let metrics = Metrics::default();
        metrics.count(Route::Fetch, Duration::from_micros(80), false);
        metrics.count(Route::Fetch, Duration::from_secs(60), true);
        let text = metrics.text(&[], 0);
        assert!(text.contains("_bucket{route=\"fetch\",le=\"0.00005\"} 0\n"));
        assert!(text.contains("_bucket{route=\"fetch\",le=\"0.0001\"} 1\n"));
        assert!(text.contains("_bucket{route=\"fetch\",le=\"+Inf\"} 2\n"));
        assert!(text.contains("_request_seconds_count{route=\"fetch\"} 2\n"));
        assert!(text.contains("_errors_total{route=\"fetch\"} 1\n"));
    }
}
