//! The document of a page of a listing.

use std::sync::Arc;

use crate::doors::s3::buckets::time_text;
use crate::doors::s3::list::question::Form;
use crate::doors::s3::list::question::Question;
use crate::doors::s3::list::token;
use crate::doors::s3::list::walk::Page;
use crate::doors::s3::place::BUCKET;
use crate::doors::s3::xml::Xml;
use crate::doors::shown::ShownDataset;
use crate::ident::ContentId;
use crate::remote::percent_encoded;

/// An object of a page.
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) size_bytes: u64,
    pub(super) etag: ContentId,
    pub(super) dataset: Arc<ShownDataset>,
}

/// Writes the document of a page. All objects stand before the directories.
pub(super) fn document(question: &Question, page: &Page, objects: &[Listed]) -> Xml {
    let coded = |text: &str| match question.is_encoded {
        true => percent_encoded(text, true),
        false => text.to_owned(),
    };
    let mut xml = Xml::document("ListBucketResult");
    xml.text("Name", BUCKET);
    xml.text("Prefix", &coded(&question.prefix));
    match question.form {
        Form::V1 => {
            xml.text(
                "Marker",
                &coded(question.start.as_deref().unwrap_or_default()),
            );
            // Without a delimiter, the last key is the next marker.
            if let Some(last) = page
                .next
                .as_ref()
                .filter(|_| !question.delimiter.is_empty())
            {
                xml.text("NextMarker", &coded(last));
            }
        }
        Form::V2 => {
            if let Some(start) = &question.start {
                xml.text("StartAfter", &coded(start));
            }
            if let Some(given) = &question.token {
                xml.text("ContinuationToken", given);
            }
            if let Some(last) = &page.next {
                xml.text("NextContinuationToken", &token::encode(last));
            }
            let count = objects.len() + page.directories.len();
            xml.text("KeyCount", &count.to_string());
        }
    }
    xml.text("MaxKeys", &question.max_entries.to_string());
    if !question.delimiter.is_empty() {
        xml.text("Delimiter", &coded(&question.delimiter));
    }
    if question.is_encoded {
        xml.text("EncodingType", "url");
    }
    let is_truncated = if page.next.is_some() { "true" } else { "false" };
    xml.text("IsTruncated", is_truncated);
    for object in objects {
        xml.begin("Contents");
        xml.text("Key", &coded(&object.key));
        xml.text("LastModified", &time_text(object.dataset.created_at));
        xml.text("ETag", &format!("\"{}\"", object.etag.to_hex()));
        xml.text("Size", &object.size_bytes.to_string());
        if question.has_owner {
            let key = object.dataset.publisher_key.map(|key| key.to_hex());
            xml.begin("Owner");
            xml.text("ID", key.as_deref().unwrap_or(&object.dataset.publisher));
            xml.text("DisplayName", &object.dataset.publisher);
            xml.end();
        }
        xml.text("StorageClass", "STANDARD");
        xml.end();
    }
    for directory in &page.directories {
        xml.begin("CommonPrefixes");
        xml.text("Prefix", &coded(directory));
        xml.end();
    }
    xml
}
