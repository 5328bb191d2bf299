//! Promises: hashes and tags of a file that its source gives before the bytes. They decide which files
//! are fetched again, and the bytes are checked against them.

use md5::Md5;
use sha1::Sha1;
use sha2::Digest;
use sha2::Sha256;

use crate::ident::to_hex;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::SOURCE_TEXT_BYTES_MAX;

/// Claims of a source about the bytes of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promise {
    /// SHA-256 of the bytes.
    pub sha256: Option<[u8; 32]>,
    /// SHA-1 of the bytes as a Git blob.
    pub git_sha1: Option<[u8; 20]>,
    /// MD5 of the bytes.
    pub md5: Option<[u8; 16]>,
    /// Strong entity tag, without its quotes. Equal ones mean equal bytes of one URL.
    pub etag: Option<String>,
}

/// Bits of an encoded promise.
const SHA256: u8 = 1;
const GIT_SHA1: u8 = 2;
const MD5: u8 = 4;
const ETAG: u8 = 8;

impl Promise {
    /// Returns true if nothing is promised.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns true if both promise the same bytes. Two files without a promise are not known to.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> Option<bool> {
            Some(a? == b?)
        }
        // The strongest one that both have decides.
        let by_hash = agree(self.sha256.as_ref(), other.sha256.as_ref())
            .or_else(|| agree(self.git_sha1.as_ref(), other.git_sha1.as_ref()));
        by_hash
            .or_else(|| agree(self.etag.as_ref(), other.etag.as_ref()))
            .or_else(|| agree(self.md5.as_ref(), other.md5.as_ref()))
            .unwrap_or(false)
    }

    /// Returns the promise as the text of a validator.
    pub(crate) fn text(&self) -> Option<String> {
        if let Some(hash) = &self.sha256 {
            return Some(format!("sha256:{}", to_hex(hash)));
        }
        if let Some(hash) = &self.git_sha1 {
            return Some(format!("git-sha1:{}", to_hex(hash)));
        }
        let tag = self.etag.clone();
        let tag = tag.or_else(|| {
            self.md5
                .as_ref()
                .map(|hash| format!("md5:{}", to_hex(hash)))
        });
        let is_text = |t: &String| {
            let is_short = t.len() <= SOURCE_TEXT_BYTES_MAX;
            is_short && !t.is_empty() && !t.chars().any(char::is_control)
        };
        tag.filter(is_text)
    }

    pub(super) fn encode(&self, w: &mut Writer) {
        let bit = |is_set, bit| if is_set { bit } else { 0 };
        w.u8(bit(self.sha256.is_some(), SHA256)
            | bit(self.git_sha1.is_some(), GIT_SHA1)
            | bit(self.md5.is_some(), MD5)
            | bit(self.etag.is_some(), ETAG));
        self.sha256.iter().for_each(|hash| {
            w.bytes(hash);
        });
        self.git_sha1.iter().for_each(|hash| {
            w.bytes(hash);
        });
        self.md5.iter().for_each(|hash| {
            w.bytes(hash);
        });
        self.etag.iter().for_each(|tag| {
            w.counted(tag.as_bytes());
        });
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bits = r.u8()?;
        if bits & !(SHA256 | GIT_SHA1 | MD5 | ETAG) != 0 {
            return Err(DecodeError::Invalid("promise"));
        }
        let has = |bit| bits & bit != 0;
        let sha256 = has(SHA256).then(|| r.array()).transpose()?;
        let git_sha1 = has(GIT_SHA1).then(|| r.array()).transpose()?;
        let md5 = has(MD5).then(|| r.array()).transpose()?;
        let etag = if has(ETAG) {
            let bytes = r.counted("etag", ETAG_BYTES_MAX)?.to_vec();
            let text = String::from_utf8(bytes);
            Some(text.map_err(|_| DecodeError::Invalid("etag"))?)
        } else {
            None
        };
        Ok(Self {
            sha256,
            git_sha1,
            md5,
            etag,
        })
    }
}

/// Bytes of an entity tag that is kept. Longer ones are not compared.
pub(super) const ETAG_BYTES_MAX: usize = 1024;

/// A check of bytes, which arrive in order, against a promise.
pub(super) struct PromiseCheck {
    wanted: Promise,
    sha256: Option<Sha256>,
    git_sha1: Option<Sha1>,
    md5: Option<Md5>,
}

impl PromiseCheck {
    /// Begins the check of a file. Without its size, a Git hash cannot be computed.
    pub(super) fn new(promise: &Promise, size_bytes: Option<u64>) -> Self {
        let as_blob = |size: u64| Sha1::new_with_prefix(format!("blob {size}\0"));
        let git_sha1 = promise.git_sha1.and(size_bytes).map(as_blob);
        Self {
            sha256: promise.sha256.map(|_| Sha256::new()),
            // One strong hash is enough.
            git_sha1: git_sha1.filter(|_| promise.sha256.is_none()),
            md5: promise.md5.map(|_| Md5::new()),
            wanted: promise.clone(),
        }
    }

    /// Feeds the next bytes.
    pub(super) fn push(&mut self, piece: &[u8]) {
        if let Some(hash) = &mut self.sha256 {
            hash.update(piece);
        }
        if let Some(hash) = &mut self.git_sha1 {
            hash.update(piece);
        }
        if let Some(hash) = &mut self.md5 {
            hash.update(piece);
        }
    }

    /// Ends the check. Without `has_md5`, the MD5 does not count.
    ///
    /// # Errors
    /// The promised and the found hash, as texts, where they differ.
    pub(super) fn finish(self, has_md5: bool) -> Result<(), (String, String)> {
        fn compare(
            name: &str,
            wanted: Option<&[u8]>,
            found: Option<&[u8]>,
        ) -> Result<(), (String, String)> {
            match (wanted, found) {
                (Some(wanted), Some(found)) if wanted != found => {
                    let text = |hash| format!("{name}:{}", to_hex(hash));
                    Err((text(wanted), text(found)))
                }
                _ => Ok(()),
            }
        }
        let Self {
            wanted,
            sha256,
            git_sha1,
            md5,
        } = self;
        let found = sha256.map(Digest::finalize);
        compare(
            "sha256",
            wanted.sha256.as_ref().map(|h| &h[..]),
            found.as_ref().map(|h| &h[..]),
        )?;
        let found = git_sha1.map(Digest::finalize);
        compare(
            "git-sha1",
            wanted.git_sha1.as_ref().map(|h| &h[..]),
            found.as_ref().map(|h| &h[..]),
        )?;
        let found = md5.filter(|_| has_md5).map(Digest::finalize);
        compare(
            "md5",
            wanted.md5.as_ref().map(|h| &h[..]),
            found.as_ref().map(|h| &h[..]),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::from_hex;

    fn tagged(tag: &str) -> Promise {
        Promise {
            etag: Some(tag.to_owned()),
            ..Promise::default()
        }
    }

    fn hashed(byte: u8, tag: &str) -> Promise {
        Promise {
            sha256: Some([byte; 32]),
            ..tagged(tag)
        }
    }

    #[test]
    fn promises_are_same_by_the_strongest_that_both_have() {
        assert!(hashed(1, "a").is_same(&hashed(1, "b")));
        assert!(!hashed(1, "a").is_same(&hashed(2, "a")));
        assert!(hashed(1, "a").is_same(&tagged("a")));
        assert!(!tagged("a").is_same(&tagged("b")));
        assert!(!Promise::default().is_same(&Promise::default()));
        let git = Promise {
            git_sha1: Some([1; 20]),
            ..Promise::default()
        };
        assert!(!git.is_same(&hashed(1, "a")));
    }

    #[test]
    fn encoded_promise_round_trips_and_unknown_bits_are_refused() {
        let all = Promise {
            sha256: Some([1; 32]),
            git_sha1: Some([2; 20]),
            md5: Some([3; 16]),
            etag: Some("t".to_owned()),
        };
        for promise in [all, Promise::default(), tagged("x")] {
            let mut w = Writer::new();
            promise.encode(&mut w);
            let bytes = w.into_bytes();
            let mut r = Reader::new(&bytes);
            assert_eq!(Promise::decode(&mut r), Ok(promise));
            assert_eq!(r.end(), Ok(()));
        }
        assert!(Promise::decode(&mut Reader::new(&[16])).is_err());
    }

    /// Hashes of `hello\n`, by sha256sum, `git hash-object` and md5sum.
    fn of_hello() -> Promise {
        Promise {
            sha256: from_hex("5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"),
            git_sha1: from_hex("ce013625030ba8dba906f756967f9e9ca394464a"),
            md5: from_hex("b1946ac92492d2347c6235b4d2611184"),
            etag: None,
        }
    }

    fn checked(promise: &Promise, bytes: &[u8]) -> Result<(), (String, String)> {
        let mut check = PromiseCheck::new(promise, Some(bytes.len() as u64));
        bytes.chunks(2).for_each(|piece| check.push(piece));
        check.finish(true)
    }

    #[test]
    fn check_finds_bytes_that_are_not_the_promised_ones() {
        let all = of_hello();
        let only = [
            Promise {
                git_sha1: None,
                md5: None,
                ..all.clone()
            },
            Promise {
                sha256: None,
                md5: None,
                ..all.clone()
            },
            Promise {
                sha256: None,
                git_sha1: None,
                ..all.clone()
            },
        ];
        let mut check = PromiseCheck::new(&only[2], Some(1));
        check.push(b"x");
        assert_eq!(check.finish(false), Ok(()));
        for promise in only.iter().chain([&all]) {
            assert_eq!(checked(promise, b"hello\n"), Ok(()));
            let (wanted, found) = checked(promise, b"hellO\n").unwrap_err();
            assert_ne!(wanted, found);
        }
        assert_eq!(checked(&Promise::default(), b"x"), Ok(()));
    }
}
