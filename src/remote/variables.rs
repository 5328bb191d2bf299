//! Settings of the services behind URLs, by the variables and files that their own clients read. The caller looks the
//! variables up.

use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::file_io::read_own_text;
use crate::remote::HubSettings;
use crate::remote::S3Keys;
use crate::remote::S3Settings;
use crate::remote::Secret;
use crate::remote::s3::profile::AwsProfile;
use crate::remote::s3::profile::PROFILE_FILE_BYTES_MAX;
use crate::remote::s3::profile::ProfileFile;

/// The variables of the environment that a program was started with.
pub struct Variables<'a> {
    /// Returns a variable that is set and not empty.
    pub text: &'a dyn Fn(&str) -> Option<String>,
    /// The home directory of the person.
    pub user_home: Option<PathBuf>,
}

/// The variable with the seconds without a byte after which a request fails.
pub const STALL_TIMEOUT: &str = "ALIMENTAR_REMOTE_TIMEOUT";
/// Bytes of a file with a token.
const TOKEN_BYTES_MAX: usize = 4096;

impl Variables<'_> {
    /// Returns the settings of the hub.
    pub fn hub(&self) -> HubSettings {
        let mut hub = HubSettings::default();
        if let Some(endpoint) = (self.text)("HF_ENDPOINT") {
            hub.endpoint = endpoint.trim_end_matches('/').to_owned();
        }
        let token = (self.text)("HF_TOKEN").or_else(|| self.token_of_file());
        let token = token.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        hub.token = token.map(Secret::new);
        hub
    }

    /// The token in the file of `HF_TOKEN_PATH`, or where the hub's own client keeps it.
    fn token_of_file(&self) -> Option<String> {
        if self.is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
            return None;
        }
        let named = (self.text)("HF_TOKEN_PATH").map(PathBuf::from);
        let own = || {
            let home = (self.text)("HF_HOME").map(PathBuf::from);
            let home = home.or_else(|| Some(self.user_home.clone()?.join(".cache/huggingface")));
            home.map(|home| home.join("token"))
        };
        let path = named.or_else(own)?;
        read_own_text(&path, TOKEN_BYTES_MAX).ok()
    }

    /// Returns keys, region and server of S3. Variables come before files.
    pub fn s3(&self) -> S3Settings {
        let pair = (
            (self.text)("AWS_ACCESS_KEY_ID"),
            (self.text)("AWS_SECRET_ACCESS_KEY"),
        );
        let keys = match pair {
            (Some(id), Some(secret)) => Some(S3Keys {
                id,
                secret: Secret::new(secret),
                session_token: (self.text)("AWS_SESSION_TOKEN").map(Secret::new),
            }),
            _ => None,
        };
        let region = (self.text)("AWS_REGION").or_else(|| (self.text)("AWS_DEFAULT_REGION"));
        let endpoint =
            (self.text)("AWS_ENDPOINT_URL_S3").or_else(|| (self.text)("AWS_ENDPOINT_URL"));
        let mut settings = S3Settings {
            keys,
            region,
            endpoint,
            fault: None,
        };
        self.add_profile(&mut settings);
        settings
    }

    /// Completes the settings from the files of profiles.
    fn add_profile(&self, settings: &mut S3Settings) {
        let named = (self.text)("AWS_PROFILE");
        let name = named.as_deref().unwrap_or("default");
        let files = [
            (
                "AWS_SHARED_CREDENTIALS_FILE",
                "credentials",
                ProfileFile::Credentials,
            ),
            ("AWS_CONFIG_FILE", "config", ProfileFile::Config),
        ];
        let mut is_found = false;
        let mut indirect = None;
        for (variable, file, kind) in files {
            let profile = match self.profile_in(variable, file, (kind, name)) {
                Ok(Some(profile)) => profile,
                Ok(None) => continue,
                Err(fault) => {
                    // Settings that nobody named must not bar a bucket that everybody may read.
                    let is_named = named.is_some() || (self.text)(variable).is_some();
                    settings.fault = Some(fault).filter(|_| is_named);
                    return;
                }
            };
            is_found = true;
            settings.keys = settings.keys.take().or_else(|| profile.keys());
            settings.region = settings.region.take().or(profile.region);
            let is_ignored = self.is_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
            let endpoint = profile.endpoint.filter(|_| !is_ignored);
            settings.endpoint = settings.endpoint.take().or(endpoint);
            indirect = indirect.or(profile.indirect);
        }
        if named.is_none() || settings.keys.is_some() {
            return;
        }
        settings.fault = match (is_found, indirect) {
            (false, _) => Some(format!(
                "is `{name}`, and no file has a profile of that name"
            )),
            (true, Some(by)) => Some(format!(
                "is `{name}`, whose keys come by `{by}`, which is not done here: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )),
            (true, None) => None,
        };
    }

    /// The profile in a file: the one that a variable names, or that in `~/.aws`. `None` where there is no
    /// such file, or it has no such profile.
    fn profile_in(
        &self,
        variable: &str,
        file: &str,
        (kind, name): (ProfileFile, &str),
    ) -> Result<Option<AwsProfile>, String> {
        let of_home = |below: &str| self.user_home.clone().map(|home| home.join(below));
        let named = (self.text)(variable).map(|text| match text.strip_prefix("~/") {
            Some(below) => of_home(below).unwrap_or_else(|| PathBuf::from(&text)),
            None => PathBuf::from(text),
        });
        let Some(path) = named.or_else(|| of_home(&format!(".aws/{file}"))) else {
            return Ok(None);
        };
        match read_own_text(&path, PROFILE_FILE_BYTES_MAX) {
            Ok(text) => Ok(AwsProfile::read(&Zeroizing::new(text), kind, name)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("cannot be read from `{}`: {error}", path.display())),
        }
    }

    /// Returns the time without a byte after which a request fails; `None` where the variable is not set.
    ///
    /// # Errors
    /// The value, if it is no number of seconds from 0.1 to 3600.
    pub fn stall_timeout(&self) -> Result<Option<Duration>, String> {
        let Some(text) = (self.text)(STALL_TIMEOUT) else {
            return Ok(None);
        };
        let seconds = text.parse::<f64>().ok();
        match seconds.filter(|s| (0.1..=3600.0).contains(s)) {
            Some(seconds) => Ok(Some(Duration::from_secs_f64(seconds))),
            None => Err(text),
        }
    }

    /// Returns true if a variable is set to something else than no.
    fn is_on(&self, variable: &str) -> bool {
        (self.text)(variable).is_some_and(|text| is_yes(&text))
    }
}

/// Returns true for a value of a variable that is something else than `0`, `n`, `no`, `f`, `false`, `off`.
pub fn is_yes(value: &str) -> bool {
    let off = ["0", "n", "no", "f", "false", "off"];
    !off.contains(&value.to_lowercase().as_str())
}
