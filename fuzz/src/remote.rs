//! Input from remote servers: URLs, ranges, lists of a hub and of S3; and files of profiles.

use alimentar::remote::RemoteUrl;
use alimentar::remote::answer::ContentRange;
use alimentar::remote::hub::decode_revision;
use alimentar::remote::hub::decode_tree;
use alimentar::remote::s3::profile::AwsProfile;
use alimentar::remote::s3::profile::ProfileFile;
use alimentar::remote::s3::xml::decode_objects;

/// The first byte chooses the decoder.
pub fn remote(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(bytes);
    match choice % 6 {
        0 => url(&text),
        1 => {
            if let Some(ContentRange::Part { first, last, whole }) = ContentRange::parse(&text) {
                assert!(first <= last && whole.is_none_or(|whole| last < whole));
            }
        }
        2 => {
            if let Ok(revision) = decode_revision(bytes) {
                assert_eq!(revision.sha.len(), 40);
            }
        }
        3 => {
            for file in decode_tree(bytes).unwrap_or_default() {
                let mut parts = file.path.split('/');
                assert!(!parts.any(|part| matches!(part, "" | "." | "..")));
            }
        }
        4 => {
            for file in [ProfileFile::Credentials, ProfileFile::Config] {
                let profile = AwsProfile::read(&text, file, "default");
                let keys = profile.as_ref().and_then(AwsProfile::keys);
                assert!(keys.is_none_or(|keys| !keys.id.chars().any(char::is_control)));
            }
        }
        _ => drop(decode_objects(&text)),
    }
}

/// A URL that is shown is the same again, unless a query is left out of it.
fn url(text: &str) {
    let Ok(url) = RemoteUrl::parse(text) else {
        return;
    };
    let shown = url.to_string();
    if shown.ends_with("?…") {
        return;
    }
    let again = RemoteUrl::parse(&shown).unwrap();
    assert_eq!(again.to_string(), shown);
    if let (RemoteUrl::Hub(a), RemoteUrl::Hub(b)) = (&url, &again) {
        assert_eq!(a, b);
    }
}
