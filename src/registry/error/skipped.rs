//! Skipped entries of a directory, with the reasons.

use std::path::PathBuf;

/// Reason that an entry of a directory was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// It matches an exclude pattern or `.alimentarignore`, belongs to `.git`, or is a leftover of
    /// a killed command.
    Excluded,
    /// It is a symbolic link that leads out of the directory, or into the home of a registry.
    Link,
    /// It is a broken symbolic link.
    BrokenLink,
    /// It is a directory without entries. A dataset contains only files.
    EmptyDirectory,
    /// It is a socket, pipe or device.
    Special,
    /// It is the home of a registry.
    Home,
    /// It is a secret key of a publisher or a node.
    KeyFile,
}

impl SkipReason {
    /// Returns the name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Link | Self::BrokenLink => "link",
            Self::EmptyDirectory => "empty_directory",
            Self::Special => "special",
            Self::Home => "home",
            Self::KeyFile => "key_file",
        }
    }

    /// Returns the text for people.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Link => "a link that leads out of the directory or into a registry's home",
            Self::BrokenLink => "a link that leads nowhere",
            Self::EmptyDirectory => "an empty directory",
            Self::Special => "a socket, a pipe or a device",
            Self::Home => "the home of a registry",
            Self::KeyFile => "a secret key",
        }
    }

    /// Returns true if the user requested it.
    pub fn is_asked_for(self) -> bool {
        self == Self::Excluded
    }
}

/// A skipped entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The entry's path.
    pub path: PathBuf,
    /// The reason.
    pub why: SkipReason,
}
