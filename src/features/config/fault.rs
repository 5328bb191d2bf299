//! Places of mistakes in a text.

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The line, from 1.
    pub(super) line: usize,
    /// The column in characters, from 1.
    pub(super) column: usize,
}

/// A mistake in a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Its place.
    pub(super) place: Place,
    /// The mistake, as a sentence.
    pub(super) why: String,
}

impl Fault {
    pub(super) fn at<T>(place: Place, why: impl Into<String>) -> Result<T, Self> {
        let why = why.into();
        Err(Self { place, why })
    }
}

/// Returns the known name that a wrong one most likely stands for.
pub(super) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let edits = |name: &str| strsim::osa_distance(&wrong, name);
    let near = known.map(|name| (edits(name), name)).min()?;
    // A name of a few letters resembles most others.
    let most = near.1.len().div_ceil(3).min(EDITS_MAX);
    (near.0 <= most).then_some(near.1)
}

/// Edits between a wrong name and the one that is suggested.
const EDITS_MAX: usize = 3;

/// Returns a text for a message: its first characters.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Number of characters of a text that a message shows.
const SHOWN: usize = 60;
