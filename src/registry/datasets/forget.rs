//! Retention rules for the versions of a name, like those of restic. A version stays if any rule
//! keeps it.

use crate::registry::views::Removal;
use std::collections::BTreeMap;
use std::str::FromStr;

use time::Date;
use time::Month;
use time::OffsetDateTime;

use crate::catalog::Dataset;
use crate::clock::Timestamp;
use crate::ident::DatasetName;
use crate::registry::datasets::removal::Maker;
use crate::registry::error::Error;
use crate::registry::metadata::held_aliases;

/// A calendar duration, such as `1y6m`, `2w` or `30d12h`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    months: u32,
    hours: u64,
}

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "a length of time is made of numbers with `y`, `m` (months), `w`, `d` or `h`, such as 30d, 2w, 12h or 1y6m";
        let mut span = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, unit) = rest.split_at_checked(digits).ok_or(WRONG)?;
            let number: u32 = number.parse().map_err(|_| WRONG)?;
            let months = |each: u32| number.checked_mul(each);
            let hours = |each: u64| u64::from(number).checked_mul(each);
            let (more_months, more_hours) = match unit.as_bytes().first() {
                Some(b'y') => (months(12), Some(0)),
                Some(b'm') => (months(1), Some(0)),
                Some(b'w') => (Some(0), hours(7 * 24)),
                Some(b'd') => (Some(0), hours(24)),
                Some(b'h') => (Some(0), hours(1)),
                _ => return Err(WRONG),
            };
            let sum = more_months.and_then(|more| span.months.checked_add(more));
            span.months = sum.ok_or(WRONG)?;
            let sum = more_hours.and_then(|more| span.hours.checked_add(more));
            span.hours = sum.ok_or(WRONG)?;
            rest = unit.get(1..).unwrap_or_default();
        }
        if span == Self::default() {
            Err(WRONG)
        } else {
            Ok(span)
        }
    }
}

impl Span {
    /// Returns the moment this long before another. A missing day of a month becomes its last day.
    pub fn before(self, moment: Timestamp) -> Timestamp {
        let shifted = OffsetDateTime::from_unix_timestamp(moment.0).ok();
        let shifted =
            shifted.and_then(|t| Some(t.replace_date(months_before(t.date(), self.months)?)));
        // Before the first year of the calendar.
        let Some(shifted) = shifted else {
            return Timestamp(i64::MIN);
        };
        let seconds = i64::try_from(self.hours.saturating_mul(3600)).unwrap_or(i64::MAX);
        Timestamp(shifted.unix_timestamp().saturating_sub(seconds))
    }
}

fn months_before(date: Date, months: u32) -> Option<Date> {
    let index = i64::from(date.year()) * 12 + i64::from(u8::from(date.month())) - 1;
    let index = index - i64::from(months);
    let year = i32::try_from(index.div_euclid(12))
        .ok()
        .filter(|y| *y > 0)?;
    let month = u8::try_from(index.rem_euclid(12) + 1).ok()?;
    let month = Month::try_from(month).ok()?;
    let day = date.day().min(month.length(year));
    Date::from_calendar_date(year, month, day).ok()
}

/// Retention rules. At least one has to be set.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct KeepRules {
    /// Number of newest versions to keep. 0 also removes the newest version.
    pub last: Option<u64>,
    /// Keep versions made within this time before the most recent one.
    pub within: Option<Span>,
    /// Keep versions that have one of these tags.
    pub tags: Vec<String>,
}

impl KeepRules {
    /// Returns true if no rule is set.
    pub fn is_empty(&self) -> bool {
        self.last.is_none() && self.within.is_none() && self.tags.is_empty()
    }

    /// Returns the reason to keep each version, or `None` for those to remove. `versions` are those
    /// of one name and maker, oldest first, each with its creation time and tags.
    fn reasons_to_keep(&self, versions: &[(Timestamp, &[String])]) -> Vec<Option<String>> {
        let made_last = versions.iter().map(|(made, _)| *made).max();
        let since = match (self.within, made_last) {
            (Some(span), Some(last)) => Some(span.before(last)),
            _ => None,
        };
        let count = versions.len() as u64;
        let reason = |(n, (made, tags)): (u64, &(Timestamp, &[String]))| {
            let from_newest = count - n;
            let mut reasons = Vec::new();
            if self.last.is_some_and(|last| from_newest <= last) {
                reasons.push("last".to_owned());
            }
            if since.is_some_and(|since| *made > since) {
                reasons.push("within".to_owned());
            }
            if let Some(tag) = tags.iter().find(|t| self.tags.contains(t)) {
                reasons.push(format!("tag {tag}"));
            }
            if reasons.is_empty() && from_newest == 1 && self.last != Some(0) {
                reasons.push("newest".to_owned());
            }
            (!reasons.is_empty()).then(|| reasons.join(", "))
        };
        (0..).zip(versions).map(reason).collect()
    }
}

/// A version with the reason to keep or to remove it.
#[derive(Clone, Debug)]
pub struct ForgetDecision {
    /// The version.
    pub dataset: Dataset,
    /// The reason.
    pub reason: String,
}

/// Versions to keep and versions to remove.
#[derive(Clone, Debug, Default)]
pub struct ForgetPlan {
    /// Versions to keep, by name and version.
    pub kept: Vec<ForgetDecision>,
    /// Versions to remove.
    pub removed: Vec<ForgetDecision>,
}

impl Removal<'_> {
    /// Applies rules to the versions of names, separately for each maker. Without names it applies
    /// them to all local datasets. Nothing is removed yet.
    ///
    /// # Errors
    /// `DatasetError::NotFound` for a name that no dataset has.
    pub fn plan_forget(
        &self,
        names: &[DatasetName],
        rules: &KeepRules,
    ) -> Result<ForgetPlan, Error> {
        let all = self.registry.list()?;
        for name in names {
            if !all.iter().any(|d| d.manifest.name == *name) {
                return Err(self.registry.not_found(name.to_string())?);
            }
        }
        let mut series: BTreeMap<(DatasetName, Maker), Vec<Dataset>> = BTreeMap::new();
        for dataset in all {
            let maker = Maker::of(&dataset);
            let name = dataset.manifest.name.clone();
            let is_meant = match names {
                [] => maker == Maker::Here,
                names => names.contains(&name),
            };
            if is_meant {
                series.entry((name, maker)).or_default().push(dataset);
            }
        }
        let mut plan = ForgetPlan::default();
        // The versions of a name are listed oldest first.
        for versions in series.into_values() {
            let made = versions.iter().map(|d| &d.manifest);
            let made: Vec<_> = made.map(|m| (m.created_at, m.tags.as_slice())).collect();
            let reasons = rules.reasons_to_keep(&made);
            // A user named it.
            let aliases = held_aliases(&versions);
            for (dataset, reason) in versions.into_iter().zip(reasons) {
                let alias = aliases.get(&dataset.envelope_id).and_then(|a| a.first());
                match reason.or(alias.map(|a| format!("alias {}", a.as_str()))) {
                    Some(reason) => plan.kept.push(ForgetDecision { dataset, reason }),
                    None => plan.removed.push(ForgetDecision {
                        dataset,
                        reason: "no rule keeps it".to_owned(),
                    }),
                }
            }
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::KeepRules;
    use super::Span;
    use crate::clock::Timestamp;

    /// Applies rules to versions made on these days, oldest version first. Returns the reasons.
    fn reasons(days: &[i64], rules: &KeepRules) -> Vec<String> {
        let gold = ["gold".to_owned()];
        let tags = |n: usize| if n == 1 { gold.as_slice() } else { &[] };
        let made = days.iter().enumerate();
        let made: Vec<_> = made
            .map(|(n, day)| (Timestamp(day * 86_400), tags(n)))
            .collect();
        let reasons = rules.reasons_to_keep(&made).into_iter();
        reasons.map(Option::unwrap_or_default).collect()
    }

    #[test]
    fn version_stays_if_any_rule_keeps_it() {
        let span = |text: &str| text.parse::<Span>().ok();
        let days = [1000, 1010, 1020, 1029, 1030];
        let rules = KeepRules {
            last: Some(1),
            within: span("10d"),
            tags: vec!["gold".to_owned()],
        };
        // As in restic, the time counts back from the most recent version, and a version of exactly
        // that age is too old.
        assert_eq!(
            reasons(&days, &rules),
            ["", "tag gold", "", "within", "last, within"]
        );
        let within = KeepRules {
            within: span("1m"),
            ..KeepRules::default()
        };
        assert_eq!(reasons(&[0, 400, 401], &within), ["", "within", "within"]);
    }

    #[test]
    fn newest_version_goes_only_where_no_last_version_is_to_be_kept() {
        let tags = vec!["silver".to_owned()];
        let mut rules = KeepRules {
            tags,
            ..KeepRules::default()
        };
        assert_eq!(reasons(&[3, 1, 2], &rules), ["", "", "newest"]);
        rules.last = Some(0);
        assert_eq!(reasons(&[3, 1, 2], &rules), ["", "", ""]);
        rules.last = Some(7);
        assert_eq!(reasons(&[3, 1, 2], &rules), ["last", "last", "last"]);
    }

    fn before(span: &str, moment: &str) -> String {
        let moment = Timestamp::parse_rfc3339(moment).unwrap();
        span.parse::<Span>().unwrap().before(moment).to_rfc3339()
    }

    #[test]
    fn span_before_a_moment_follows_the_calendar() {
        for (span, moment, wanted) in [
            ("30d", "2026-03-31T10:00:00Z", "2026-03-01T10:00:00Z"),
            ("2w", "2026-03-31T10:00:00Z", "2026-03-17T10:00:00Z"),
            ("12h", "2026-03-31T10:00:00Z", "2026-03-30T22:00:00Z"),
            ("1m", "2026-03-31T10:00:00Z", "2026-02-28T10:00:00Z"),
            ("1y6m", "2026-03-31T10:00:00Z", "2024-09-30T10:00:00Z"),
            ("1y", "2024-02-29T00:00:00Z", "2023-02-28T00:00:00Z"),
            ("1d1h", "2026-01-01T00:00:00Z", "2025-12-30T23:00:00Z"),
        ] {
            assert_eq!(before(span, moment), wanted, "{span}");
        }
        let far = "4000000000m".parse::<Span>().unwrap();
        assert_eq!(far.before(Timestamp(0)), Timestamp(i64::MIN));
    }

    #[test]
    fn span_that_is_none_is_refused() {
        for text in [
            "",
            "30",
            "d",
            "0d",
            "30s",
            "-3d",
            "3d ",
            "1.5d",
            "99999999999d",
            "3\u{fc}",
        ] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
