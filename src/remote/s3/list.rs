//! Lists of objects.

use std::sync::Arc;

use crate::remote::client::Asked;
use crate::remote::client::BodyError;
use crate::remote::client::Call;
use crate::remote::client::Client;
use crate::remote::client::Origin;
use crate::remote::error::RemoteError;
use crate::remote::limits::LISTING_FILES_MAX;
use crate::remote::limits::LISTING_PAGE_BYTES_MAX;
use crate::remote::limits::LISTING_PAGES_MAX;
use crate::remote::listing::ListedFile;
use crate::remote::listing::Listing;
use crate::remote::listing::Promise;
use crate::remote::s3::xml::Object;
use crate::remote::s3::xml::decode_objects;
use crate::remote::url::RemoteUrl;
use crate::remote::url::S3Url;
use crate::remote::url::check_path;
use crate::remote::url::percent_decoded;

/// Returns all objects whose keys begin with the prefix. Keys that end with a slash stand for
/// directories, and are left out.
pub(crate) fn list(client: &Arc<Client>, prefix: &S3Url) -> Result<Listing, RemoteError> {
    let (mut files, mut token) = (Vec::new(), None);
    for _ in 0..LISTING_PAGES_MAX {
        let origin = Origin::of_objects(prefix, &client.settings, token.as_deref())?;
        let wrong = |why: &str| RemoteError::answer(&origin.shown, why);
        let mut answer = client.send(&Call {
            origin: &origin,
            asked: Asked::Whole,
            if_match: None,
            redirected: None,
        })?;
        answer.check_coding()?;
        let bytes = answer.body.read_all(LISTING_PAGE_BYTES_MAX);
        let text = String::from_utf8(bytes.map_err(BodyError::into_error)?);
        let text = text.map_err(|_| wrong("a list that is not UTF-8"))?;
        let page = decode_objects(&text).map_err(wrong)?;
        for object in page.objects {
            files.extend(listed(prefix, object, page.is_coded)?);
        }
        if files.len() > LISTING_FILES_MAX {
            break;
        }
        match page.next {
            Some(next) if token.as_ref() == Some(&next) => {
                return Err(wrong("a next page that is the same again"));
            }
            Some(next) => token = Some(next),
            None => {
                files.sort_by(|a, b| a.path.cmp(&b.path));
                return Ok(Listing {
                    url: RemoteUrl::S3(prefix.clone()),
                    commit: None,
                    files,
                });
            }
        }
    }
    Err(RemoteError::Limit {
        url: prefix.to_string(),
        limit: format!("more than {LISTING_FILES_MAX} objects or {LISTING_PAGES_MAX} pages"),
    })
}

fn listed(
    prefix: &S3Url,
    object: Object,
    is_coded: bool,
) -> Result<Option<ListedFile>, RemoteError> {
    let wrong = |why: String| RemoteError::answer(&prefix.to_string(), why);
    let key = if is_coded {
        // A plus stands for a space in this coding.
        let spaced = object.key.replace('+', " ");
        String::from_utf8(percent_decoded(&spaced)).map_err(|e| wrong(e.to_string()))?
    } else {
        object.key
    };
    let path = key.strip_prefix(prefix.key());
    let path = path.ok_or_else(|| wrong(format!("a key outside of the prefix: {key:?}")))?;
    if path.is_empty() || path.ends_with('/') {
        return Ok(None);
    }
    check_path(path).map_err(|why| wrong(format!("a key that {why}: {key:?}")))?;
    let etag = object.etag.map(|etag| etag.trim_matches('"').to_owned());
    Ok(Some(ListedFile {
        path: path.to_owned(),
        url: RemoteUrl::S3(prefix.at_key(&key)),
        size_bytes: object.size_bytes,
        promise: Promise {
            etag,
            ..Promise::default()
        },
        modified: object.modified,
    }))
}
