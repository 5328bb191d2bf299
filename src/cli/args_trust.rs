//! The arguments of `registry trust`, and how names of publishers and nodes are read.

use std::path::PathBuf;

use clap::Subcommand;
use unicode_normalization::UnicodeNormalization as _;

use crate::ident::Alias;
use crate::ident::PublisherKey;
use crate::ident::from_hex;
use crate::trust::Level;

#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Trust a publisher, or change how much
    #[command(after_help = "Examples:
  alimentar registry trust add lab-a 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29
  alimentar registry trust add 'lab a' did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp --level prompt")]
    Add {
        /// What it is called here
        #[arg(value_parser = alias)]
        name: Alias,
        /// Its public key: 64 hex digits or did:key:z6Mk…
        key: PublisherKey,
        /// What it is trusted with: full, prompt, unknown or revoked
        #[arg(long, default_value = "full", value_parser = level)]
        level: Level,
        /// Only for datasets with such names, * for any characters; may be given several times
        #[arg(long = "only", value_name = "PATTERN")]
        names: Vec<String>,
        /// Only until the end of this day
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
        /// Do not ask about this key, though it is revoked
        #[arg(long, value_name = "KEYHEX")]
        accept_publisher: Vec<PublisherKey>,
    },
    /// List the publishers known here, and those that were accepted by hand
    List,
    /// Forget a publisher; what it signed stays, marked
    Remove {
        /// What it is called here, or the key of one that was accepted by hand
        #[arg(value_parser = alias_or_key)]
        name: Named,
    },
    /// Show a publisher: key, fingerprint, words, limits
    Show {
        /// What it is called here
        #[arg(value_parser = alias)]
        name: Alias,
    },
    /// Replace your own key by a new one (--new), or confirm that a publisher has a new key
    #[command(after_help = "Examples:
  alimentar registry trust rotate me --new
  alimentar registry trust rotate colleague 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29

With --new, a key is made under the passphrase of the old one, the rotation is published, and the new key
is what this registry signs with from then on. The old key is kept beside it, encrypted, under a name with
its first digits.")]
    Rotate {
        /// What it is called here
        #[arg(value_parser = alias)]
        name: Alias,
        /// The new public key
        #[arg(required_unless_present = "new", conflicts_with = "new")]
        new_key: Option<PublisherKey>,
        /// Make a new key, publish the rotation and sign with the new key from now on
        #[arg(long)]
        new: bool,
        /// The old secret key [default with --new: key.enc in the registry's directory]
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// The new secret key, to propose the new one to others
        #[arg(long, value_name = "FILE", requires = "key", conflicts_with = "new")]
        new_key_file: Option<PathBuf>,
    },
    /// Accept nothing new from a publisher; with its own key, tell everybody
    Revoke {
        /// What it is called here
        #[arg(value_parser = alias)]
        name: Alias,
        /// Why
        #[arg(long)]
        reason: String,
        /// The publisher's own secret key
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
}

/// A publisher, named by its alias or by its key.
#[derive(Clone, Debug)]
pub(crate) enum Named {
    Alias(Alias),
    Key(PublisherKey),
}

fn level(text: &str) -> Result<Level, String> {
    Level::from_name(text).ok_or_else(|| "one of full, prompt, unknown, revoked".to_owned())
}

/// Reads a name for a publisher or a node. Letters are composed (NFC), so that the same name typed on
/// another system is the same.
pub(crate) fn alias(text: &str) -> Result<Alias, String> {
    let composed: String = text.nfc().collect();
    let alias: Alias = composed.parse().map_err(|e| format!("{e}"))?;
    match from_hex::<32>(alias.as_str()) {
        Some(_) => Err("a name that looks like a key would be taken for one".to_owned()),
        None => Ok(alias),
    }
}

fn alias_or_key(text: &str) -> Result<Named, String> {
    match text.parse() {
        Ok(key) => Ok(Named::Key(key)),
        Err(_) => alias(text).map(Named::Alias),
    }
}
