//! Paths that begin with `~/`, which a shell leaves as they are in quotes and behind `--option=`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;

use clap::Command;
use clap::builder::PathBufValueParser;
use clap::builder::StringValueParser;
use clap::builder::TypedValueParser;
use clap::builder::ValueParser;

/// Arguments that are a path or a reference.
const TARGETS: [&str; 2] = ["target", "targets"];

/// The command with arguments that replace `~/` at the front of a path by the user's directory.
pub(super) fn expanding(command: Command) -> Command {
    command.mut_args(|arg| {
        let parser = arg.get_value_parser().type_id();
        if parser == ValueParser::path_buf().type_id() {
            return arg.value_parser(PathBufValueParser::new().try_map(expanded));
        }
        let is_target = TARGETS.contains(&arg.get_id().as_str());
        if is_target && parser == ValueParser::string().type_id() {
            return arg.value_parser(StringValueParser::new().try_map(expanded_text));
        }
        arg
    })
}

/// The user's directory.
#[allow(
    clippy::disallowed_methods,
    reason = "`~` means the directory that the environment names"
)]
fn user() -> Option<PathBuf> {
    std::env::var_os("HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from)
}

/// A path with its `~/` replaced.
pub(crate) fn expanded(path: PathBuf) -> Result<PathBuf, String> {
    expanded_in(&path, user().as_deref())
}

fn expanded_in(path: &Path, user: Option<&Path>) -> Result<PathBuf, String> {
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
    let user = user.ok_or_else(missing)?;
    Ok(match rest.is_empty() {
        true => user.to_owned(),
        // A second slash would make it absolute.
        false => user.join(OsStr::from_bytes(trimmed(rest.as_bytes()))),
    })
}

fn trimmed(rest: &[u8]) -> &[u8] {
    let slashes = rest.iter().take_while(|b| **b == b'/').count();
    rest.get(slashes..).unwrap_or_default()
}

fn expanded_text(text: String) -> Result<String, String> {
    match text.starts_with("~/") {
        false => Ok(text),
        true => Ok(expanded(PathBuf::from(text))?
            .to_string_lossy()
            .into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_tilde_becomes_the_users_directory() {
        let home = Some(Path::new("/home/u"));
        let of = |text: &str, home| expanded_in(Path::new(text), home);
        assert_eq!(of("~/a/b", home), Ok("/home/u/a/b".into()));
        assert_eq!(of("~", home), Ok("/home/u".into()));
        assert_eq!(of("~//etc", home), Ok("/home/u/etc".into()));
        for plain in ["a", "./~/a", "a/~/b", "~file", "/x"] {
            assert_eq!(of(plain, home), Ok(plain.into()));
        }
        assert!(of("~other/a", home).is_err());
        assert!(of("~/a", None).is_err());
    }
}
