//! Profiles of AWS: parts of the files `credentials` and `config` that its own clients read. Pure.

use crate::remote::settings::S3Keys;
use crate::remote::settings::Secret;

/// Bytes of such a file.
pub const PROFILE_FILE_BYTES_MAX: usize = 1 << 20;
/// Bytes of a value.
const VALUE_BYTES_MAX: usize = 8192;
/// Settings by which keys come from a program, a person or another account.
const INDIRECT: [&str; 7] = [
    "credential_process",
    "credential_source",
    "role_arn",
    "source_profile",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
];

/// A file with profiles, which decides how sections are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileFile {
    /// `credentials`: sections have the name of their profile.
    Credentials,
    /// `config`: `[profile NAME]`, or `[default]`.
    Config,
}

/// The settings of a profile that reading objects needs.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AwsProfile {
    /// Identifier of the key.
    pub key_id: Option<String>,
    /// The secret key.
    pub secret: Option<Secret>,
    /// Token of a session.
    pub session_token: Option<Secret>,
    /// Region of the buckets.
    pub region: Option<String>,
    /// URL of the server: that for S3, or else that for everything.
    pub endpoint: Option<String>,
    /// The setting by which the keys come from elsewhere.
    pub indirect: Option<&'static str>,
}

impl AwsProfile {
    /// Reads the profile of this name; `None` if the file has none. Lines that are no setting are passed
    /// over, and so are values with control characters or of more than 8,192 bytes.
    pub fn read(text: &str, file: ProfileFile, name: &str) -> Option<Self> {
        let mut found: Option<Self> = None;
        let (mut services, mut own_endpoint) = (None, None);
        each_setting(text, &mut |section, setting| {
            if !is_section_of(section, file, name) {
                return;
            }
            let profile = found.get_or_insert_default();
            let Some(Setting {
                key,
                value,
                parent: None,
            }) = setting
            else {
                return;
            };
            match key.to_ascii_lowercase().as_str() {
                "aws_access_key_id" => profile.key_id = Some(value.to_owned()),
                "aws_secret_access_key" => profile.secret = Some(Secret::new(value)),
                "aws_session_token" => profile.session_token = Some(Secret::new(value)),
                "region" => profile.region = Some(value.to_owned()),
                "endpoint_url" => own_endpoint = Some(value.to_owned()),
                "services" => services = Some(value.to_owned()),
                other => {
                    let named = INDIRECT.iter().find(|name| **name == other);
                    profile.indirect = named.copied().or(profile.indirect);
                }
            }
        });
        let mut profile = found?;
        let of_s3 = services.and_then(|services| endpoint_of_services(text, &services));
        profile.endpoint = of_s3.or(own_endpoint);
        Some(profile)
    }

    /// Returns the keys, if the profile has both halves.
    pub fn keys(&self) -> Option<S3Keys> {
        Some(S3Keys {
            id: self.key_id.clone()?,
            secret: self.secret.clone()?,
            session_token: self.session_token.clone(),
        })
    }
}

/// Returns the URL for S3 in the section `[services NAME]`.
fn endpoint_of_services(text: &str, name: &str) -> Option<String> {
    let mut found = None;
    each_setting(text, &mut |section, setting| {
        let is_it = section.split_once(char::is_whitespace);
        let is_it = is_it.is_some_and(|(word, rest)| word == "services" && rest.trim() == name);
        if let Some(setting) = setting
            && is_it
            && setting.parent.is_some_and(|p| p.eq_ignore_ascii_case("s3"))
            && setting.key.eq_ignore_ascii_case("endpoint_url")
        {
            found = Some(setting.value.to_owned());
        }
    });
    found
}

fn is_section_of(section: &str, file: ProfileFile, name: &str) -> bool {
    let named = match section.split_once(char::is_whitespace) {
        Some(("profile", rest)) => Some(unquoted(rest.trim())),
        _ => None,
    };
    match file {
        ProfileFile::Credentials => section == name,
        ProfileFile::Config => named == Some(name) || (section == name && name == "default"),
    }
}

fn unquoted(text: &str) -> &str {
    let inside = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

/// A line `KEY = VALUE`. An indented one belongs to the setting without a value above it.
struct Setting<'a> {
    key: &'a str,
    value: &'a str,
    parent: Option<&'a str>,
}

/// Passes every section to `each`, and every setting with its section.
fn each_setting<'a>(text: &'a str, each: &mut dyn FnMut(&'a str, Option<Setting<'a>>)) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut section, mut parent) = (None, None);
    for line in text.lines() {
        let is_indented = line.starts_with([' ', '\t']);
        let line = without_comment(line.trim());
        if line.is_empty() {
            continue;
        }
        if let Some(inside) = line.strip_prefix('[').filter(|_| !is_indented) {
            section = inside.strip_suffix(']').map(str::trim);
            parent = None;
            if let Some(section) = section {
                each(section, None);
            }
            continue;
        }
        let (Some(section), Some((key, value))) = (section, line.split_once('=')) else {
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        if !is_indented {
            parent = value.is_empty().then_some(key);
        }
        let is_usable = !value.is_empty()
            && value.len() <= VALUE_BYTES_MAX
            && !value.chars().any(char::is_control);
        if is_usable {
            let parent = parent.filter(|_| is_indented);
            // An indented line below a setting with a value goes on with that value.
            if parent.is_some() || !is_indented {
                each(section, Some(Setting { key, value, parent }));
            }
        }
    }
}

/// Returns a line without a comment: `#` or `;` at its front, or behind white space.
fn without_comment(line: &str) -> &str {
    if line.starts_with(['#', ';']) {
        return "";
    }
    let marks = line.match_indices(['#', ';']).map(|(at, _)| at);
    let mut comments = marks.filter(|at| {
        let before = line.get(..*at).unwrap_or_default();
        before.ends_with(char::is_whitespace)
    });
    let end = comments.next().unwrap_or(line.len());
    line.get(..end).unwrap_or(line).trim_end()
}

#[cfg(test)]
mod tests {
    use super::AwsProfile;
    use super::ProfileFile;

    const CONFIG: &str = "\u{feff}# made by hand\n[default]\nregion = eu-west-1 ; near\n\
        [profile lab]\r\nREGION=eu-central-1\nendpoint_url = https://all.example\nservices = here\n\
        s3 =\n  max_concurrent_requests = 5\n  region = nowhere\n\
        [profile \"two words\"]\nregion = us-west-2\nsso_session = corp\n\
        [services here]\ndynamodb =\n  endpoint_url = https://db.example\ns3 =\n  endpoint_url = https://s3.example\n";

    fn config(name: &str) -> Option<AwsProfile> {
        AwsProfile::read(CONFIG, ProfileFile::Config, name)
    }

    #[test]
    fn profile_of_config_has_its_region_and_the_url_for_s3() {
        let lab = config("lab").unwrap();
        assert_eq!(lab.region.as_deref(), Some("eu-central-1"));
        assert_eq!(lab.endpoint.as_deref(), Some("https://s3.example"));
        assert!(lab.keys().is_none() && lab.indirect.is_none());
        let default = config("default").unwrap();
        assert_eq!(default.region.as_deref(), Some("eu-west-1"));
        assert_eq!(default.endpoint, None);
        assert_eq!(config("two words").unwrap().indirect, Some("sso_session"));
        assert!(config("other").is_none() && config("here").is_none());
    }

    #[test]
    fn profile_of_credentials_has_keys_that_are_not_shown() {
        let text = "[lab]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = a/b+c#d=\n\
            aws_session_token=token\n[profile other]\naws_access_key_id = X\n";
        let lab = AwsProfile::read(text, ProfileFile::Credentials, "lab").unwrap();
        let keys = lab.keys().unwrap();
        assert_eq!(keys.id, "AKIDEXAMPLE");
        assert_eq!(keys.secret.reveal(), "a/b+c#d=");
        assert_eq!(keys.session_token.as_ref().unwrap().reveal(), "token");
        assert!(!format!("{lab:?}").contains("a/b"));
        assert!(AwsProfile::read(text, ProfileFile::Credentials, "other").is_none());
    }

    #[test]
    fn hostile_profile_gives_no_value_that_could_be_a_header_of_its_own() {
        let long = "x".repeat(9_000);
        for text in [
            "",
            "[",
            "[lab",
            "]",
            "= =\n[=]\n=x",
            "[lab]\naws_access_key_id",
            "[lab]\naws_access_key_id = a\u{1}b\naws_secret_access_key = x\u{0}y",
            &format!("[lab]\naws_access_key_id = {long}\naws_secret_access_key = {long}"),
            &"[lab]\n".repeat(10_000),
        ] {
            for file in [ProfileFile::Credentials, ProfileFile::Config] {
                let read = AwsProfile::read(text, file, "lab");
                assert!(
                    read.is_none_or(|profile| profile.keys().is_none()),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn setting_in_front_of_any_section_and_a_repeated_one_follow_the_rules() {
        let text = "region = none\n[lab]\nregion = a\n[other]\n[lab]\nregion = b\n";
        let lab = AwsProfile::read(text, ProfileFile::Credentials, "lab").unwrap();
        assert_eq!(lab.region.as_deref(), Some("b"));
    }
}
