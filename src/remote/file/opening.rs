//! Opening a file: the first request brings its length, its validator, and bytes that are needed
//! anyway.

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;

use crate::remote::answer::Validator;
use crate::remote::cache::BlockFile;
use crate::remote::cache::Head;
use crate::remote::cache::KeptBlocks;
use crate::remote::cache::keep_within;
use crate::remote::client::Answer;
use crate::remote::client::Asked;
use crate::remote::client::BodyError;
use crate::remote::client::Call;
use crate::remote::client::Client;
use crate::remote::client::Origin;
use crate::remote::client::Redirected;
use crate::remote::error::RemoteError;
use crate::remote::file::Handle;
use crate::remote::file::RemoteFile;
use crate::remote::file::Source;
use crate::remote::file::ranged::RangedFile;
use crate::remote::file::ranged::State;
use crate::remote::file::ranged::fill;
use crate::remote::file::spooled::SpooledFile;
use crate::remote::limits::FOOTER_BYTES;
use crate::remote::limits::OPENING_BYTES;
use crate::remote::limits::SMALL_BYTES_MAX;
use crate::remote::limits::TRIES_MAX;
use crate::remote::url::RemoteUrl;

/// Opens a file. One request suffices, unless the server knows no ranges from the end.
///
/// # Errors
/// [`RemoteError`] when there is no such file, or no connection.
pub(crate) fn open(client: &Arc<Client>, url: &RemoteUrl) -> Result<RemoteFile, RemoteError> {
    let opening = Opening {
        client,
        origin: Origin::of_file(url, &client.settings)?,
        url,
        redirected: Redirected::default(),
    };
    if client.settings.is_offline {
        return opening.open_kept();
    }
    let file = opening.open()?;
    client.counters.opened(file.validator().size_bytes);
    Ok(file)
}

struct Opening<'a> {
    client: &'a Arc<Client>,
    origin: Origin,
    url: &'a RemoteUrl,
    redirected: Redirected,
}

impl Opening<'_> {
    fn open(self) -> Result<RemoteFile, RemoteError> {
        let first = Asked::Part(0, OPENING_BYTES);
        let ends = self
            .url
            .file_name()
            .to_ascii_lowercase()
            .ends_with(".parquet");
        let mut asked = if ends {
            Asked::Suffix(FOOTER_BYTES)
        } else {
            first
        };
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = self.client.send(&Call {
                origin: &self.origin,
                asked,
                if_match: None,
                redirected: Some(&self.redirected),
            })?;
            let is_suffix = asked != first;
            match answer.status {
                206 => match self.part(answer, asked) {
                    Ok((validator, commit, at, bytes)) => {
                        return Ok(self.ranged(validator, commit, Some((at, &bytes))));
                    }
                    Err(BodyError::Broken(_)) if tries < TRIES_MAX => {
                        self.client.counters.repeated();
                    }
                    Err(error) => return Err(error.into_error()),
                },
                // There are servers that know ranges, and none from the end.
                416 | 200 if is_suffix && !is_short(&answer) => asked = first,
                416 if answer.whole_length() == Some(0) => {
                    let validator = answer.validator(0);
                    let commit = answer.commit.clone();
                    return Ok(self.handle(validator, commit, Source::Whole(Vec::new())));
                }
                416 => {
                    let why = "that the first bytes are not there";
                    return Err(RemoteError::answer(&self.origin.shown, why));
                }
                _ => return self.whole(answer),
            }
        }
    }

    /// Reads the body of a part.
    fn part(
        &self,
        mut answer: Answer,
        asked: Asked,
    ) -> Result<(Validator, Option<String>, u64, Vec<u8>), BodyError> {
        let (first, length, validator) = answer.part(asked).map_err(BodyError::Final)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length.min(1 << 20)];
        fill(&mut answer.body, &mut bytes, &self.origin.shown)?;
        Ok((validator, answer.commit, first, bytes))
    }

    /// Reads a body that is the whole file, because the server knows no ranges.
    fn whole(self, mut answer: Answer) -> Result<RemoteFile, RemoteError> {
        answer.check_coding()?;
        let (length, commit) = (answer.content_length(), answer.commit.clone());
        let shown = self.origin.shown.clone();
        if let Some(size) = length.filter(|n| *n <= SMALL_BYTES_MAX) {
            let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
            let filled = fill(&mut answer.body, &mut bytes, &shown);
            filled.map_err(BodyError::into_error)?;
            let validator = answer.validator(size);
            return Ok(self.handle(validator, commit, Source::Whole(bytes)));
        }
        (self.client.notices)(&format!(
            "`{shown}`: its server knows no ranges, so it is read from the front"
        ));
        let unnamed = answer.validator(0);
        let directory = self.client.settings.cache_directory.clone();
        let directory = directory.unwrap_or_else(std::env::temp_dir);
        let place = (shown.as_str(), directory.as_path());
        let spooled = SpooledFile::start(self.client, place, answer.body, length)?;
        let size_bytes = match length {
            Some(length) => length,
            None => spooled.whole_length()?,
        };
        let validator = Validator {
            size_bytes,
            ..unnamed
        };
        Ok(self.handle(validator, commit, Source::Spooled(spooled)))
    }

    /// Opens the state that the cache has last.
    fn open_kept(self) -> Result<RemoteFile, RemoteError> {
        let directory = self.client.settings.cache_directory.as_deref();
        let head = directory.and_then(|d| Head::read(d, self.origin.url.as_str()));
        let head = head.ok_or_else(|| RemoteError::Offline(self.origin.shown.clone()))?;
        Ok(self.ranged(head.validator, head.commit, None))
    }

    fn ranged(
        self,
        validator: Validator,
        commit: Option<String>,
        taken: Option<(u64, &[u8])>,
    ) -> RemoteFile {
        let directory = self.client.settings.cache_directory.as_deref();
        let cache = directory.and_then(|directory| self.cache(directory, &validator, &commit));
        let file = Arc::new(RangedFile {
            client: Arc::clone(self.client),
            origin: self.origin.clone(),
            redirected: self.redirected,
            validator: validator.clone(),
            cache,
            number: self.client.file_number(),
            state: Mutex::<State>::default(),
            is_closed: AtomicBool::new(false),
            stalls: AtomicU32::new(0),
        });
        if let Some((first, bytes)) = taken {
            file.take(first, bytes);
        }
        RemoteFile(Arc::new(Handle {
            client: Arc::clone(self.client),
            url: self.url.clone(),
            origin: self.origin.url.to_string(),
            validator,
            commit,
            source: Source::Ranged(file),
            failure: Mutex::default(),
        }))
    }

    fn cache(
        &self,
        directory: &Path,
        validator: &Validator,
        commit: &Option<String>,
    ) -> Option<Arc<KeptBlocks>> {
        let settings = &self.client.settings;
        let url = self.origin.url.as_str();
        // One file never takes all of the budget.
        let room = settings.cache_bytes_max / 2;
        let now = (settings.now)();
        let blocks = BlockFile::open(directory, (url, validator), room, now)?;
        if !settings.is_offline {
            // Looking at all files of the cache at each opening would take longer than reading.
            if self.client.file_number().is_multiple_of(64) {
                keep_within(directory, settings.cache_bytes_max);
            }
            let head = Head {
                validator: validator.clone(),
                commit: commit.clone(),
            };
            head.write(directory, url);
        }
        Some(self.client.keeping(blocks))
    }

    fn handle(&self, validator: Validator, commit: Option<String>, source: Source) -> RemoteFile {
        RemoteFile(Arc::new(Handle {
            client: Arc::clone(self.client),
            url: self.url.clone(),
            origin: self.origin.url.to_string(),
            validator,
            commit,
            source,
            failure: Mutex::default(),
        }))
    }
}

/// Returns true if the answer is a whole file that is short.
fn is_short(answer: &Answer) -> bool {
    let length = answer.content_length();
    answer.status == 200 && length.is_some_and(|n| n <= SMALL_BYTES_MAX)
}
