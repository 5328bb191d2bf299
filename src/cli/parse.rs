//! Values of arguments that several commands take: sizes, names, levels of trust, paths.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;

use unicode_normalization::UnicodeNormalization as _;

use crate::cli::env;
use crate::ident::Alias;
use crate::ident::from_hex;
use crate::trust::Level;

/// Reads a size such as `4GiB`, `700M` or `5000000`. A unit with `i` counts by 1024, others by 1000.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || "a size such as 4GiB, 700MB or 5000000".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 = digits.trim().parse().map_err(|_| wrong())?;
    let unit = text
        .get(digits.len()..)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let (letter, base) = match unit.strip_suffix('i') {
        Some(letter) => (letter, 1024_f64),
        None => (unit, 1000.0),
    };
    let power = match letter {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return Err(wrong()),
    };
    let bytes = number * base.powi(power);
    if (1.0..1e18).contains(&bytes) {
        Ok(bytes as u64)
    } else {
        Err(wrong())
    }
}

/// Reads a name for a publisher or a node. Letters are composed (NFC): names typed on different
/// systems are then equal.
pub(crate) fn parse_alias(text: &str) -> Result<Alias, String> {
    let composed: String = text.nfc().collect();
    let alias: Alias = composed.parse().map_err(|e| format!("{e}"))?;
    match from_hex::<32>(alias.as_str()) {
        Some(_) => Err("a name that looks like a key would be taken for one".to_owned()),
        None => Ok(alias),
    }
}

/// Reads a level of trust.
pub(crate) fn parse_level(text: &str) -> Result<Level, String> {
    Level::from_name(text).ok_or_else(|| "one of full, prompt, unknown, revoked".to_owned())
}

/// Reads a variable that is a switch: any value but the empty one turns it on.
pub(crate) fn parse_presence(value: &str) -> Result<bool, Infallible> {
    Ok(!value.is_empty())
}

/// Replaces `~/` at the front of a path by the user's home directory.
pub(crate) fn expand_tilde(path: PathBuf) -> Result<PathBuf, String> {
    expand_tilde_with(&path, env::user_home().as_deref())
}

/// Replaces `~/` at the front of a text by the user's home directory.
pub(crate) fn expand_tilde_in_text(text: String) -> Result<String, String> {
    if !text.starts_with("~/") {
        return Ok(text);
    }
    let path = expand_tilde(PathBuf::from(text))?;
    Ok(path.to_string_lossy().into_owned())
}

fn expand_tilde_with(path: &Path, user_home: Option<&Path>) -> Result<PathBuf, String> {
    let bytes = path.as_os_str().as_bytes();
    let rest = match bytes {
        b"~" => OsStr::new(""),
        [b'~', b'/', rest @ ..] => OsStr::from_bytes(rest),
        [b'~', ..] if bytes.contains(&b'/') => {
            return Err(
                "only `~/` is understood, not `~name/`; write the path out, or `./~…` for a file of that name".to_owned(),
            );
        }
        _ => return Ok(path.to_owned()),
    };
    let missing = || "`~` cannot be expanded: HOME is not set".to_owned();
    let user_home = user_home.ok_or_else(missing)?;
    Ok(if rest.is_empty() {
        user_home.to_owned()
    } else {
        // With a second slash the path would be absolute.
        user_home.join(OsStr::from_bytes(without_slashes(rest.as_bytes())))
    })
}

fn without_slashes(rest: &[u8]) -> &[u8] {
    let slashes = rest.iter().take_while(|b| **b == b'/').count();
    rest.get(slashes..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_unit_with_i_counts_by_1024() {
        assert_eq!(parse_size("4GiB"), Ok(4 << 30));
        assert_eq!(parse_size("700M"), Ok(700_000_000));
        assert_eq!(parse_size("1.5kib"), Ok(1536));
        assert_eq!(parse_size("5000000"), Ok(5_000_000));
    }

    #[test]
    fn size_without_number_or_unit_is_refused() {
        for text in ["x", "-1G", "3 parsecs"] {
            let error = parse_size(text).unwrap_err();
            assert_eq!(error, "a size such as 4GiB, 700MB or 5000000", "{text}");
        }
    }

    #[test]
    fn leading_tilde_becomes_the_users_directory() {
        let home = Some(Path::new("/home/u"));
        let of = |text: &str, home| expand_tilde_with(Path::new(text), home);
        assert_eq!(of("~/a/b", home), Ok("/home/u/a/b".into()));
        assert_eq!(of("~", home), Ok("/home/u".into()));
        assert_eq!(of("~//etc", home), Ok("/home/u/etc".into()));
        for plain in ["a", "./~/a", "a/~/b", "~file", "/x"] {
            assert_eq!(of(plain, home), Ok(plain.into()));
        }
        let error = of("~other/a", home).unwrap_err();
        assert!(error.starts_with("only `~/` is understood"), "{error}");
        let error = of("~/a", None).unwrap_err();
        assert_eq!(error, "`~` cannot be expanded: HOME is not set");
    }
}
