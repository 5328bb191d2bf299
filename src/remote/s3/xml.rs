//! The XML of S3: one page of a list of objects, and single elements. It is no parser of XML at large:
//! elements with attributes of no interest, texts with the five entities and numbers. Pure.

/// One page of a list of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectPage {
    /// The objects.
    pub objects: Vec<Object>,
    /// The token that asks for the next page.
    pub next: Option<String>,
    /// True if keys are percent-encoded.
    pub is_coded: bool,
}

/// An object of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// The key, as it stands in the list.
    pub key: String,
    /// The length in bytes.
    pub size_bytes: u64,
    /// The ETag with its quotes.
    pub etag: Option<String>,
    /// The time of the last change, as it stands in the list.
    pub modified: Option<String>,
}

/// Decodes one page of `ListObjectsV2`.
///
/// # Errors
/// The fault.
pub fn decode_objects(xml: &str) -> Result<ObjectPage, &'static str> {
    let whole = element(xml, "ListBucketResult").ok_or("no list of objects")?;
    let mut page = ObjectPage::default();
    let mut rest = whole;
    while let Some((inner, behind)) = next_element(rest, "Contents") {
        let key = text_of(inner, "Key").ok_or("an object without a key")?;
        let size = text_of(inner, "Size").ok_or("an object without a size")?;
        page.objects.push(Object {
            key,
            size_bytes: size
                .trim()
                .parse()
                .map_err(|_| "a size that is no number")?,
            etag: text_of(inner, "ETag"),
            modified: text_of(inner, "LastModified"),
        });
        rest = behind;
    }
    // Elements of the page stand beside those of objects, which have none of these names.
    if text_of(whole, "IsTruncated").is_some_and(|t| t.trim() == "true") {
        let next = text_of(whole, "NextContinuationToken");
        page.next = Some(next.ok_or("a page with more behind it, and without a token")?);
    }
    page.is_coded = text_of(whole, "EncodingType").is_some_and(|t| t.trim() == "url");
    Ok(page)
}

/// Returns the text of the first element of this name.
pub(crate) fn text_of(xml: &str, name: &str) -> Option<String> {
    let inner = element(xml, name)?;
    unescaped(inner)
}

fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    next_element(xml, name).map(|(inner, _)| inner)
}

/// Returns the content of the first element of this name, and what stands behind it. Elements of one
/// name are not nested.
fn next_element<'a>(xml: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let mut rest = xml;
    loop {
        let (_, behind) = rest.split_once('<')?;
        let (tag, content) = behind.split_once('>')?;
        rest = content;
        let is_closed = tag.ends_with('/');
        let own = tag.trim_end_matches('/').split_ascii_whitespace().next();
        if own != Some(name) {
            continue;
        }
        if is_closed {
            return Some(("", content));
        }
        let end = format!("</{name}>");
        let (inner, behind) = content.split_once(end.as_str())?;
        return Some((inner, behind));
    }
}

/// Returns the characters that a text means; `None` if it has elements or unknown entities.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    if text.contains('<') {
        return None;
    }
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let (entity, after) = behind.split_once(';')?;
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = entity.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                char::from_u32(code.ok()?)?
            }
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::decode_objects;
    use super::text_of;

    #[test]
    fn page_of_objects_has_keys_sizes_and_token() {
        let xml = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>a</Prefix>
<IsTruncated>true</IsTruncated><NextContinuationToken>x&amp;y=</NextContinuationToken><EncodingType>url</EncodingType>
<Contents><Key>a/b%20c</Key><ETag>&quot;9b2c&quot;</ETag><Size>12</Size></Contents>
<Contents><Key>a/&#x64;</Key><Size>0</Size></Contents></ListBucketResult>"#;
        let page = decode_objects(xml).unwrap();
        assert_eq!(page.next.as_deref(), Some("x&y="));
        assert!(page.is_coded);
        assert_eq!(page.objects.len(), 2);
        assert_eq!(page.objects[0].key, "a/b%20c");
        assert_eq!(page.objects[0].etag.as_deref(), Some("\"9b2c\""));
        assert_eq!(
            (page.objects[1].key.as_str(), page.objects[1].size_bytes),
            ("a/d", 0)
        );
    }

    #[test]
    fn empty_list_has_no_objects() {
        let page = decode_objects("<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>");
        assert_eq!(page.unwrap().objects, []);
        assert!(
            decode_objects("<ListBucketResult/>")
                .unwrap()
                .objects
                .is_empty()
        );
    }

    #[test]
    fn page_that_is_none_is_refused() {
        for wrong in [
            "",
            "<html></html>",
            "<ListBucketResult>",
            "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
            "<ListBucketResult><Contents><Key>a</Key><Size>x</Size></Contents></ListBucketResult>",
            "<ListBucketResult><Contents><Key>a&b</Key><Size>1</Size></Contents></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        ] {
            assert!(decode_objects(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn text_of_an_error_is_found() {
        let xml = "<Error><Code>AccessDenied</Code><Message>Not &lt;yours&gt;</Message></Error>";
        assert_eq!(text_of(xml, "Code").as_deref(), Some("AccessDenied"));
        assert_eq!(text_of(xml, "Message").as_deref(), Some("Not <yours>"));
        assert_eq!(text_of(xml, "Region"), None);
    }
}
