//! The first URL of a request, and the credentials that belong to it.

use url::Url;

use crate::remote::error::RemoteError;
use crate::remote::s3::sign::signed_headers;
use crate::remote::settings::RemoteSettings;
use crate::remote::settings::Secret;
use crate::remote::transport::Method;
use crate::remote::url::HubUrl;
use crate::remote::url::RemoteUrl;
use crate::remote::url::S3Url;
use crate::remote::url::percent_encoded;

/// Region where none is named.
const DEFAULT_REGION: &str = "us-east-1";

/// The first URL of requests for one thing.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The URL, without credentials.
    pub(crate) url: Url,
    /// The URL as it is shown: the one that the user named.
    pub(crate) shown: String,
    credentials: Credentials,
}

/// Credentials of one origin.
#[derive(Clone, Debug)]
enum Credentials {
    None,
    /// A value of `Authorization`.
    Header(Secret),
    /// Each request is signed for S3.
    S3,
}

impl Origin {
    /// Returns the origin of the bytes of a file.
    ///
    /// # Errors
    /// [`RemoteError::Url`] when the endpoint of the settings is no URL.
    pub(crate) fn of_file(url: &RemoteUrl, settings: &RemoteSettings) -> Result<Self, RemoteError> {
        let shown = url.to_string();
        match url {
            RemoteUrl::Http(http) => Ok(Self {
                url: http.url().clone(),
                shown,
                credentials: http.authorization().map_or(Credentials::None, |value| {
                    Credentials::Header(Secret::new(value))
                }),
            }),
            RemoteUrl::Hub(hub) => {
                Self::of_hub(&hub.file_url(&settings.hub.endpoint), settings, shown)
            }
            RemoteUrl::S3(s3) => Self::of_object(s3, settings),
        }
    }

    /// Returns the origin of the description of a revision.
    pub(crate) fn of_revision(
        hub: &HubUrl,
        settings: &RemoteSettings,
    ) -> Result<Self, RemoteError> {
        Self::of_hub(
            &hub.revision_url(&settings.hub.endpoint),
            settings,
            hub.to_string(),
        )
    }

    /// Returns the origin of the first page of a list of files.
    pub(crate) fn of_tree(hub: &HubUrl, settings: &RemoteSettings) -> Result<Self, RemoteError> {
        Self::of_hub(
            &hub.tree_url(&settings.hub.endpoint),
            settings,
            hub.to_string(),
        )
    }

    /// Returns another URL of the same server, with the same credentials.
    pub(crate) fn at(&self, url: Url) -> Self {
        Self {
            url,
            ..self.clone()
        }
    }

    fn of_hub(url: &str, settings: &RemoteSettings, shown: String) -> Result<Self, RemoteError> {
        let token = settings.hub.token.as_ref();
        Ok(Self {
            url: endpoint_url(url, "HF_ENDPOINT")?,
            shown,
            credentials: token.map_or(Credentials::None, |token| {
                Credentials::Header(Secret::new(format!("Bearer {}", token.reveal())))
            }),
        })
    }

    fn of_object(s3: &S3Url, settings: &RemoteSettings) -> Result<Self, RemoteError> {
        check_profile(settings)?;
        let key = percent_encoded(s3.key(), true);
        Ok(Self {
            url: endpoint_url(
                &format!("{}/{key}", bucket_url(s3, settings)),
                "AWS_ENDPOINT_URL",
            )?,
            shown: s3.to_string(),
            credentials: s3_credentials(settings),
        })
    }

    /// Returns the origin of a page of a list of objects.
    pub(crate) fn of_objects(
        s3: &S3Url,
        settings: &RemoteSettings,
        continuation: Option<&str>,
    ) -> Result<Self, RemoteError> {
        check_profile(settings)?;
        let mut query = String::new();
        if let Some(token) = continuation {
            query.push_str(&format!(
                "continuation-token={}&",
                percent_encoded(token, false)
            ));
        }
        query.push_str("encoding-type=url&list-type=2&prefix=");
        query.push_str(&percent_encoded(s3.key(), false));
        let url = format!("{}/?{query}", bucket_url(s3, settings));
        Ok(Self {
            url: endpoint_url(&url, "AWS_ENDPOINT_URL")?,
            shown: s3.to_string(),
            credentials: s3_credentials(settings),
        })
    }

    /// Returns the headers that authorise a request for the first URL.
    pub(crate) fn headers(
        &self,
        method: Method,
        signed: &[(&'static str, String)],
        settings: &RemoteSettings,
    ) -> Vec<(&'static str, String)> {
        match (&self.credentials, &settings.s3.keys) {
            (Credentials::Header(value), _) => vec![("authorization", value.reveal().to_owned())],
            (Credentials::S3, Some(keys)) => {
                let method = match method {
                    Method::Get => "GET",
                    Method::Head => "HEAD",
                };
                let region = settings.s3.region.as_deref().unwrap_or(DEFAULT_REGION);
                let now = (settings.now)();
                signed_headers((method, &self.url), signed, (keys, region), now)
            }
            (Credentials::S3 | Credentials::None, _) => Vec::new(),
        }
    }
}

/// Ends what needs a profile that cannot be used.
fn check_profile(settings: &RemoteSettings) -> Result<(), RemoteError> {
    match &settings.s3.fault {
        Some(fault) => Err(RemoteError::url("AWS_PROFILE", fault)),
        None => Ok(()),
    }
}

fn s3_credentials(settings: &RemoteSettings) -> Credentials {
    match settings.s3.keys {
        Some(_) => Credentials::S3,
        None => Credentials::None,
    }
}

/// Returns the URL of a bucket without a slash at its end. Buckets of other servers, and those with
/// dots, which no certificate covers, are parts of the path.
fn bucket_url(s3: &S3Url, settings: &RemoteSettings) -> String {
    let region = settings.s3.region.as_deref().unwrap_or(DEFAULT_REGION);
    let bucket = s3.bucket();
    match &settings.s3.endpoint {
        Some(endpoint) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
        None if bucket.contains(['.', '_']) => {
            format!("https://s3.{region}.amazonaws.com/{bucket}")
        }
        None => format!("https://{bucket}.s3.{region}.amazonaws.com"),
    }
}

fn endpoint_url(text: &str, variable: &str) -> Result<Url, RemoteError> {
    let fail = |why: String| RemoteError::url(variable, why);
    let url = Url::parse(text).map_err(|e| fail(format!("is no URL: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(fail("is no URL of a web server".to_owned()));
    }
    Ok(url)
}
