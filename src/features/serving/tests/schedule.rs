//! The time of the next look.

use std::time::Duration;

use crate::features::serving::schedule::Looks;

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: i64 = 1_000_000;

fn looked(count: u64, failures: u32) -> Looks {
    Looks {
        last: Some(0),
        count,
        failures,
    }
}

#[test]
fn table_that_was_never_looked_at_is_due() {
    assert_eq!(Looks::default().wait("t", MINUTE, -5), Duration::ZERO);
}

#[test]
fn pauses_are_within_ten_percent_of_the_interval_and_differ() {
    let waits: Vec<Duration> = (0..1_000)
        .map(|n| looked(n, 0).wait("t", MINUTE, 0))
        .collect();
    let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
    assert!(
        *least >= Duration::from_secs(54) && *most <= Duration::from_secs(66),
        "{least:?} {most:?}"
    );
    assert!(
        *least < Duration::from_secs(55) && *most > Duration::from_secs(65),
        "{least:?} {most:?}"
    );
    let average = waits.iter().sum::<Duration>() / 1_000;
    assert!(
        average.abs_diff(MINUTE) < Duration::from_secs(1),
        "{average:?}"
    );
    // The same table waits the same time, and another one another time.
    assert_eq!(looked(7, 0).wait("t", MINUTE, 0), waits[7]);
    assert_ne!(looked(7, 0).wait("u", MINUTE, 0), waits[7]);
}

#[test]
fn failures_double_the_pause_up_to_eight_intervals() {
    for (failures, times) in [
        (0, 1),
        (1, 2),
        (2, 4),
        (3, 8),
        (4, 8),
        (31, 8),
        (32, 8),
        (u32::MAX, 8),
    ] {
        let wait = looked(0, failures).wait("t", MINUTE, 0);
        assert!(
            wait.abs_diff(MINUTE * times) <= MINUTE * times / 10,
            "{failures}: {wait:?}"
        );
    }
    let mut looks = Looks::default();
    looks.note(5, false);
    looks.note(6, false);
    assert_eq!((looks.last, looks.count, looks.failures), (Some(6), 2, 2));
    looks.note(7, true);
    assert_eq!((looks.count, looks.failures), (3, 0));
}

#[test]
fn clock_that_jumps_does_not_stop_the_looks() {
    let looks = looked(0, 0);
    assert_eq!(looks.wait("t", MINUTE, 67 * SECOND), Duration::ZERO);
    assert_eq!(looks.wait("t", MINUTE, i64::MAX), Duration::ZERO);
    // Backwards: by a second, by years, by all there is.
    assert_eq!(looks.wait("t", MINUTE, -SECOND), Duration::ZERO);
    assert_eq!(looks.wait("t", MINUTE, i64::MIN), Duration::ZERO);
    let last = Looks {
        last: Some(i64::MAX),
        ..looks
    };
    assert_eq!(last.wait("t", MINUTE, i64::MIN), Duration::ZERO);
    assert!(looks.wait("t", MINUTE, 30 * SECOND) <= Duration::from_secs(36));
}
