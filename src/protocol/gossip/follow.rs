//! What a node keeps up to date by itself: whose datasets, how many versions of each, at which
//! hours. Decides; nothing here fetches.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::clock::Timestamp;
use crate::ident::Alias;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::EnvelopeId;
use crate::ident::PublisherKey;
use crate::ident::VersionPick;

/// A text that does not say what to follow, or when.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FollowError {
    /// Neither a publisher nor a dataset.
    #[error(
        "`{0}` is neither a publisher, nor a dataset's name, nor publisher/name; `@` and a version, range or alias may stand behind a name"
    )]
    Rule(String),
    /// Not a span of hours.
    #[error("`{0}` is no span of hours such as 22:00-06:00")]
    Hours(String),
}

/// Whose, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    publisher: Option<String>,
    name: Option<DatasetName>,
    /// Which versions; all where nothing is said.
    version: Option<VersionPick>,
}

/// A version that may be followed, as rules look at it.
#[derive(Clone, Copy, Debug)]
pub struct Followable<'a> {
    /// Its name.
    pub name: &'a DatasetName,
    /// Its version.
    pub version: &'a DatasetVersion,
    /// The tags that carry the aliases that it has.
    pub aliases: &'a [String],
    /// Whether it is the newest of its publisher and name.
    pub is_newest: bool,
    /// Whether its publisher is trusted in full.
    pub is_trusted: bool,
}

impl Rule {
    fn admits(&self, dataset: &Followable<'_>) -> bool {
        match &self.version {
            None => true,
            Some(VersionPick::Latest) => dataset.is_newest,
            Some(pick) => pick.admits(dataset.version, dataset.aliases),
        }
    }
}

/// A manifest that may be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its envelope.
    pub envelope: EnvelopeId,
    /// Its register: two states of one are one version.
    pub register: [u8; 32],
    /// Who signed it.
    pub publisher: PublisherKey,
    /// Its name.
    pub name: DatasetName,
    /// Its version.
    pub version: DatasetVersion,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether its data is here.
    pub is_held: bool,
    /// Whether it is here because it was followed.
    pub is_followed: bool,
}

/// What is to be done so that what is followed is up to date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// To be pulled, newest version first.
    pub fetch: Vec<EnvelopeId>,
    /// To be given up: older than those that are kept.
    pub retire: Vec<EnvelopeId>,
}

/// What a node follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Follow {
    rules: Vec<Rule>,
    keep: Option<usize>,
}

impl Follow {
    /// What these texts name, each a publisher (by alias or key), a dataset's name, or both as
    /// `publisher/name`; behind a name `@` and which versions. `keep` newest versions of each dataset; all where it is `None`.
    ///
    /// # Errors
    /// [`FollowError::Rule`].
    pub fn new(texts: &[String], keep: Option<usize>) -> Result<Self, FollowError> {
        let rules = texts.iter().map(|text| rule(text));
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
            keep: keep.map(|n| n.max(1)),
        })
    }

    /// Whether nothing is followed.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a dataset is followed. By its bare name only where its publisher is trusted in
    /// full: a name can be anybody's.
    pub fn wants(
        &self,
        publisher: &PublisherKey,
        alias: Option<&str>,
        dataset: Followable<'_>,
    ) -> bool {
        let (name, is_trusted) = (dataset.name, dataset.is_trusted);
        let is_by = |text: &str| alias == Some(text) || publisher.to_hex() == text;
        let rules = self.rules.iter().filter(|rule| rule.admits(&dataset));
        rules.into_iter().any(|rule| {
            let of_publisher = rule.publisher.as_deref().is_some_and(is_by);
            match &rule.name {
                None => of_publisher,
                Some(wanted) if rule.publisher.is_some() => {
                    // A word without a slash may be either.
                    let is_word = rule.publisher.as_deref() == Some(wanted.as_str());
                    match is_word {
                        true => of_publisher || (wanted == name && is_trusted),
                        false => of_publisher && wanted == name,
                    }
                }
                Some(wanted) => wanted == name && is_trusted,
            }
        })
    }

    /// What to fetch and what to give up, of all versions that are followed.
    pub fn plan(&self, versions: Vec<Version>) -> Kept {
        let mut of_name: BTreeMap<(PublisherKey, DatasetName), Vec<Version>> = BTreeMap::new();
        for version in versions {
            let key = (version.publisher, version.name.clone());
            of_name.entry(key).or_default().push(version);
        }
        let mut kept = Kept::default();
        for (_, mut versions) in of_name {
            versions.sort_by(|a, b| {
                let order = b.version.cmp(&a.version);
                let order = order.then(b.created_at.cmp(&a.created_at));
                order.then(a.register.cmp(&b.register))
            });
            let mut registers: Vec<[u8; 32]> = Vec::new();
            for version in versions {
                if !registers.contains(&version.register) {
                    registers.push(version.register);
                }
                let is_kept = self.keep.is_none_or(|n| registers.len() <= n);
                match (is_kept, version.is_held) {
                    (true, false) => kept.fetch.push(version.envelope),
                    (false, true) if version.is_followed => kept.retire.push(version.envelope),
                    _ => {}
                }
            }
        }
        kept
    }
}

fn rule(text: &str) -> Result<Rule, FollowError> {
    let wrong = || FollowError::Rule(text.to_owned());
    let name = |name: &str| name.parse::<DatasetName>();
    if let Some((before, version)) = text.rsplit_once('@') {
        let version = version.parse().map_err(|_| wrong())?;
        let rule = rule(before).map_err(|_| wrong())?;
        if rule.version.is_some() {
            return Err(wrong());
        }
        // With a version it is a dataset that is named, not a publisher.
        let is_word = !before.contains('/');
        return Ok(Rule {
            publisher: rule.publisher.filter(|_| !is_word),
            name: Some(rule.name.ok_or_else(wrong)?),
            version: Some(version),
        });
    }
    if let Some((publisher, dataset)) = text.split_once('/') {
        let publisher = publisher.trim();
        if publisher.is_empty() {
            return Err(wrong());
        }
        return Ok(Rule {
            publisher: Some(of_key(publisher).unwrap_or_else(|| publisher.to_owned())),
            name: Some(name(dataset).map_err(|_| wrong())?),
            version: None,
        });
    }
    match (of_key(text), name(text)) {
        (Some(key), _) => Ok(Rule {
            publisher: Some(key),
            name: None,
            version: None,
        }),
        (None, Ok(dataset)) => Ok(Rule {
            publisher: Some(text.to_owned()),
            name: Some(dataset),
            version: None,
        }),
        // An alias may have blanks, which no dataset has.
        (None, Err(_)) => Ok(Rule {
            publisher: Some(text.parse::<Alias>().map_err(|_| wrong())?.to_string()),
            name: None,
            version: None,
        }),
    }
}

/// The hex digits of a key in any spelling.
fn of_key(text: &str) -> Option<String> {
    let key = text.parse::<PublisherKey>().ok()?;
    Some(key.to_hex())
}

/// Hours of the day at which nothing is fetched; they may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// Minutes after midnight.
    from: u16,
    to: u16,
}

impl QuietHours {
    /// Whether a minute of the day is among them.
    pub fn contains(&self, minute: u16) -> bool {
        match self.from <= self.to {
            true => (self.from..self.to).contains(&minute),
            false => minute >= self.from || minute < self.to,
        }
    }
}

impl FromStr for QuietHours {
    type Err = FollowError;

    fn from_str(text: &str) -> Result<Self, FollowError> {
        let wrong = || FollowError::Hours(text.to_owned());
        let minute = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            let is_time = (hour < 24 && minute < 60) || (hour, minute) == (24, 0);
            is_time.then_some(hour * 60 + minute)
        };
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let from = minute(from).ok_or_else(wrong)?;
        let to = minute(to).ok_or_else(wrong)?;
        match from == to {
            true => Err(wrong()),
            false => Ok(Self { from, to }),
        }
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from, self.to);
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            from / 60,
            from % 60,
            to / 60,
            to % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> PublisherKey {
        PublisherKey::new([n; 32])
    }

    fn version(n: u8, publisher: u8, name: &str, version: &str) -> Version {
        Version {
            envelope: EnvelopeId::new([n; 32]),
            register: [n; 32],
            publisher: key(publisher),
            name: name.parse().unwrap(),
            version: version.parse().unwrap(),
            created_at: Timestamp(i64::from(n)),
            is_held: false,
            is_followed: false,
        }
    }

    fn follow(texts: &[&str], keep: Option<usize>) -> Follow {
        let texts: Vec<String> = texts.iter().map(|t| (*t).to_owned()).collect();
        Follow::new(&texts, keep).unwrap()
    }

    #[test]
    fn publishers_names_and_both_are_followed() {
        let hex = key(1).to_hex();
        let both = format!("{hex}/corpus");
        let upper = format!("ed25519:{}", hex.to_uppercase());
        let corpus: DatasetName = "corpus".parse().unwrap();
        let other: DatasetName = "other".parse().unwrap();
        for (rule, alias, name, is_trusted, wanted) in [
            ("lab-a", Some("lab-a"), &corpus, false, true),
            ("lab-a", Some("lab-b"), &corpus, true, false),
            ("lab-a", None, &corpus, true, false),
            ("corpus", None, &corpus, true, true),
            ("corpus", None, &corpus, false, false),
            ("corpus", Some("corpus"), &other, false, true),
            (hex.as_str(), None, &other, false, true),
            ("lab-a/corpus", Some("lab-a"), &corpus, false, true),
            ("lab-a/corpus", Some("lab-a"), &other, true, false),
            ("lab-a/corpus", Some("lab-b"), &corpus, true, false),
            (both.as_str(), None, &corpus, false, true),
            ("lab a", Some("lab a"), &corpus, false, true),
            ("lab a/corpus", Some("lab a"), &corpus, false, true),
            (upper.as_str(), None, &other, false, true),
        ] {
            let follow = follow(&[rule], None);
            let version = "1.0.0".parse().unwrap();
            let dataset = Followable {
                name,
                version: &version,
                aliases: &[],
                is_newest: true,
                is_trusted,
            };
            let found = follow.wants(&key(1), alias, dataset);
            assert_eq!(found, wanted, "{rule} {alias:?} {name} {is_trusted}");
        }
        for text in ["", "/x", "a/b/c d", "x/"] {
            assert!(Follow::new(&[text.to_owned()], None).is_err(), "{text}");
        }
        assert!(follow(&[], None).is_empty());
    }

    #[test]
    fn rules_choose_versions_as_references_do() {
        let corpus: DatasetName = "corpus".parse().unwrap();
        let prod = ["@prod=2".to_owned()];
        for (rule, version, aliases, is_newest, wanted) in [
            ("corpus", "0.1.0", &[][..], false, true),
            ("corpus@0.1", "0.1.7", &[], false, true),
            ("corpus@0.1", "0.2.0", &[], true, false),
            ("lab/corpus@>=1,<2", "1.5.0", &[], false, true),
            ("lab/corpus@>=1,<2", "2.0.0", &[], true, false),
            ("corpus@0.1.0", "0.1.1", &[], false, false),
            ("corpus@latest", "0.1.1", &[], true, true),
            ("corpus@latest", "0.1.0", &[], false, false),
            ("corpus@prod", "0.1.0", &prod, false, true),
            ("corpus@prod", "0.1.1", &[], true, false),
            // A publisher of that name is not meant where a version is.
            ("lab@0.1", "0.1.0", &[], true, false),
        ] {
            let dataset = Followable {
                name: &corpus,
                version: &version.parse().unwrap(),
                aliases,
                is_newest,
                is_trusted: true,
            };
            let found = follow(&[rule], None).wants(&key(1), Some("lab"), dataset);
            assert_eq!(found, wanted, "{rule} {version}");
        }
        for text in [
            "corpus@",
            "corpus@^",
            "lab/@1",
            "@prod",
            "a@b@c",
            "lab/a/b@1",
        ] {
            assert!(Follow::new(&[text.to_owned()], None).is_err(), "{text}");
        }
    }

    #[test]
    fn the_newest_versions_are_kept_and_only_what_was_followed_goes() {
        let mut versions = vec![
            version(1, 1, "a", "1.0.0"),
            version(2, 1, "a", "1.1.0"),
            version(3, 1, "a", "1.10.0"),
            version(4, 2, "a", "0.1.0"),
            version(5, 1, "b", "9.0.0"),
        ];
        let ids = |ids: &[u8]| -> Vec<EnvelopeId> {
            ids.iter().map(|n| EnvelopeId::new([*n; 32])).collect()
        };
        let two = follow(&["x"], Some(2));
        let plan = two.plan(versions.clone());
        assert_eq!(plan.fetch, ids(&[3, 2, 5, 4]));
        assert!(plan.retire.is_empty());
        (versions[0].is_held, versions[1].is_held) = (true, true);
        assert!(two.plan(versions.clone()).retire.is_empty());
        versions[0].is_followed = true;
        assert_eq!(two.plan(versions.clone()).retire, ids(&[1]));
        assert_eq!(follow(&["x"], None).plan(versions).fetch, ids(&[3, 5, 4]));
    }

    #[test]
    fn two_states_of_a_register_are_one_version() {
        let old = version(1, 1, "a", "1.0.0");
        let held = Version {
            is_held: true,
            is_followed: true,
            register: [9; 32],
            ..version(2, 1, "a", "2.0.0")
        };
        let news = Version {
            envelope: EnvelopeId::new([3; 32]),
            created_at: Timestamp(9),
            is_held: false,
            is_followed: false,
            ..held.clone()
        };
        let plan = follow(&["x"], Some(1)).plan(vec![old, held, news]);
        assert_eq!(plan.fetch, [EnvelopeId::new([3; 32])]);
        assert!(plan.retire.is_empty());
    }

    #[test]
    fn quiet_hours_go_over_midnight() {
        let night: QuietHours = "22:00-06:30".parse().unwrap();
        assert_eq!(night.to_string(), "22:00-06:30");
        for (minute, quiet) in [
            (0, true),
            (389, true),
            (390, false),
            (1319, false),
            (1320, true),
        ] {
            assert_eq!(night.contains(minute), quiet, "{minute}");
        }
        let noon: QuietHours = "12:00 - 13:00".parse().unwrap();
        assert!(noon.contains(720) && !noon.contains(780) && !noon.contains(0));
        for text in ["", "22:00", "22-6", "25:00-1:00", "1:00-1:00", "a:b-c:d"] {
            assert!(text.parse::<QuietHours>().is_err(), "{text}");
        }
    }
}
