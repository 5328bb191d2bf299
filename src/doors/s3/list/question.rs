//! The parameters of a listing.

use crate::doors::s3::errors::S3Error;
use crate::doors::s3::limits::PAGE_ENTRIES_MAX;
use crate::doors::s3::list::token;
use crate::doors::s3::list::walk::Wanted;

/// The forms of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// ListObjects, with a marker.
    V1,
    /// ListObjectsV2, with a token.
    V2,
}

/// The question of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) form: Form,
    pub(super) prefix: String,
    /// The text that ends a directory; empty for none.
    pub(super) delimiter: String,
    /// The marker, or `start-after`, as given.
    pub(super) start: Option<String>,
    /// The token, as given.
    pub(super) token: Option<String>,
    pub(super) max_entries: usize,
    /// Keys are percent-encoded.
    pub(super) is_encoded: bool,
    pub(super) has_owner: bool,
    /// The entry after which the page begins.
    after: String,
}

impl Question {
    /// Reads the parameters of a query.
    ///
    /// # Errors
    /// [`S3Error`] of the code `InvalidArgument`.
    pub(super) fn read(query: &[(String, String)]) -> Result<Self, S3Error> {
        let param = |name: &str| {
            let mut found = query.iter().filter(|(key, _)| key == name);
            found.next().map(|(_, value)| value.as_str())
        };
        let owned = |name: &str| param(name).map(str::to_owned);
        let form = match param("list-type") {
            None => Form::V1,
            Some("2") => Form::V2,
            Some(other) => {
                return Err(S3Error::argument(
                    "list-type",
                    other,
                    "the only type of lists is 2",
                ));
            }
        };
        let is_encoded = match param("encoding-type") {
            None => false,
            Some("url") => true,
            Some(other) => {
                return Err(S3Error::argument(
                    "encoding-type",
                    other,
                    "the only encoding is `url`",
                ));
            }
        };
        let max_entries = match param("max-keys") {
            None | Some("") => PAGE_ENTRIES_MAX,
            Some(text) => {
                let wrong = || {
                    S3Error::argument(
                        "max-keys",
                        text,
                        "it is a whole number that is not negative",
                    )
                };
                // Beyond 31 bits, S3 refuses it too.
                let number: i32 = text.parse().map_err(|_| wrong())?;
                let number = usize::try_from(number).map_err(|_| wrong())?;
                number.min(PAGE_ENTRIES_MAX)
            }
        };
        let (start, token) = match form {
            Form::V1 => (owned("marker"), None),
            Form::V2 => (owned("start-after"), owned("continuation-token")),
        };
        let after = match &token {
            None => start.clone().unwrap_or_default(),
            Some(text) => {
                let wrong = || {
                    S3Error::argument("continuation-token", text, "it is no token of this server")
                };
                token::decode(text).ok_or_else(wrong)?
            }
        };
        Ok(Self {
            form,
            prefix: owned("prefix").unwrap_or_default(),
            delimiter: owned("delimiter").unwrap_or_default(),
            start,
            token,
            max_entries,
            is_encoded,
            has_owner: form == Form::V1 || param("fetch-owner") == Some("true"),
            after,
        })
    }

    /// Returns the entries that are wanted.
    pub(super) fn wanted(&self) -> Wanted<'_> {
        Wanted {
            prefix: &self.prefix,
            delimiter: &self.delimiter,
            after: &self.after,
            max_entries: self.max_entries,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Question, S3Error> {
        let owned = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
        let query: Vec<(String, String)> = pairs.iter().map(owned).collect();
        Question::read(&query)
    }

    #[test]
    fn parameters_are_read_for_both_forms() {
        let v2 = read(&[
            ("list-type", "2"),
            ("prefix", "a/"),
            ("start-after", "a/b"),
            ("max-keys", "5000"),
            ("encoding-type", "url"),
            ("x-id", "ListObjectsV2"),
        ]);
        let v2 = v2.unwrap();
        assert_eq!(
            (v2.form, v2.max_entries, v2.is_encoded, v2.has_owner),
            (Form::V2, 1000, true, false)
        );
        assert_eq!(v2.wanted().after, "a/b");
        let token = token::encode("a/c");
        let next = read(&[
            ("list-type", "2"),
            ("start-after", "a/b"),
            ("continuation-token", &token),
        ]);
        assert_eq!(next.unwrap().wanted().after, "a/c");
        let v1 = read(&[("marker", "m"), ("max-keys", "0"), ("delimiter", "/")]).unwrap();
        assert_eq!((v1.form, v1.max_entries, v1.has_owner), (Form::V1, 0, true));
        assert_eq!((v1.wanted().after, v1.wanted().delimiter), ("m", "/"));
    }

    #[test]
    fn parameters_that_make_no_sense_are_refused() {
        for pair in [
            ("list-type", "1"),
            ("encoding-type", "base64"),
            ("max-keys", "-1"),
            ("max-keys", "many"),
            ("max-keys", "2147483648"),
            ("continuation-token", "made-up"),
        ] {
            // The first of two parameters of a name counts.
            let error = read(&[pair, ("list-type", "2")]).unwrap_err();
            assert_eq!(error.details[0].1, pair.0, "{pair:?}");
        }
    }
}
