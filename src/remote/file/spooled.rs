//! A file whose server knows no ranges: it is read from the front, once, into a file without a name.

use std::fs;
use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::error_kind::ErrorKind;
use crate::locks::lock;
use crate::remote::client::Body;
use crate::remote::client::BodyError;
use crate::remote::client::Client;
use crate::remote::error::RemoteError;
use crate::remote::limits::SPOOLED_BYTES_MAX;

/// Bytes of a piece.
const PIECE_BYTES: usize = 256 << 10;
/// Time after which a waiting reader looks whether the program is asked to stop.
const LOOK: Duration = Duration::from_millis(100);

/// A file that arrives from the front.
pub(super) struct SpooledFile {
    client: Arc<Client>,
    shown: String,
    file: File,
    state: Mutex<State>,
    changed: Condvar,
    pub(super) is_closed: AtomicBool,
}

#[derive(Default)]
struct State {
    arrived: u64,
    ended: Option<Result<(), RemoteError>>,
}

impl SpooledFile {
    /// Starts to read a body. It needs a directory for its file.
    ///
    /// # Errors
    /// [`RemoteError::Local`] when the file cannot be made.
    pub(super) fn start(
        client: &Arc<Client>,
        (shown, directory): (&str, &Path),
        body: Body,
        size: Option<u64>,
    ) -> Result<Arc<Self>, RemoteError> {
        let spooled = Arc::new(Self {
            client: Arc::clone(client),
            shown: shown.to_owned(),
            file: nameless(directory).map_err(|e| local("make a temporary file", &e))?,
            state: Mutex::default(),
            changed: Condvar::new(),
            is_closed: AtomicBool::new(false),
        });
        let own = Arc::clone(&spooled);
        let copy = move || {
            let ended = own.copy(body, size);
            lock(&own.state).ended = Some(ended);
            own.changed.notify_all();
        };
        let spawned = std::thread::Builder::new()
            .name("remote".to_owned())
            .spawn(copy);
        spawned.map_err(|e| local("start a thread", &e))?;
        Ok(spooled)
    }

    /// Waits for the end, and returns the length.
    ///
    /// # Errors
    /// That of the reading.
    pub(super) fn whole_length(&self) -> Result<u64, RemoteError> {
        self.wait(u64::MAX)
    }

    /// Reads some bytes at an offset, once they are here.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize, RemoteError> {
        let arrived = self.wait(offset.saturating_add(1))?;
        let left = usize::try_from(arrived.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        let read = self.file.read_at(buffer, offset);
        read.map_err(|e| local("read a temporary file", &e))
    }

    /// Waits until so many bytes are here, or all. Returns how many there are.
    fn wait(&self, bytes: u64) -> Result<u64, RemoteError> {
        let mut state = lock(&self.state);
        loop {
            if state.arrived >= bytes {
                return Ok(state.arrived);
            }
            match &state.ended {
                Some(Ok(())) => return Ok(state.arrived),
                Some(Err(error)) => return Err(error.clone()),
                None => {}
            }
            if (self.client.settings.is_stopped)() {
                return Err(RemoteError::Interrupted);
            }
            let waited = self.changed.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn copy(&self, mut body: Body, size: Option<u64>) -> Result<(), RemoteError> {
        let mut piece = vec![0; PIECE_BYTES];
        let mut at = 0;
        loop {
            if self.is_closed.load(Ordering::Relaxed) {
                return Err(RemoteError::Interrupted);
            }
            let n = body.read(&mut piece).map_err(BodyError::into_error)?;
            if n == 0 {
                break;
            }
            let bytes = piece.get(..n).unwrap_or_default();
            let written = self.file.write_all_at(bytes, at);
            written.map_err(|e| local("write a temporary file", &e))?;
            at += n as u64;
            if at > SPOOLED_BYTES_MAX {
                let limit =
                    format!("more than {SPOOLED_BYTES_MAX} bytes from a server without ranges");
                let url = self.shown.clone();
                return Err(RemoteError::Limit { url, limit });
            }
            lock(&self.state).arrived = at;
            self.changed.notify_all();
        }
        match size {
            Some(size) if size != at => {
                let why = format!("{at} bytes where {size} were due");
                Err(RemoteError::answer(&self.shown, why))
            }
            _ => Ok(()),
        }
    }
}

/// Makes a file that is gone when it is closed.
fn nameless(directory: &Path) -> io::Result<File> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let mut noise = [0; 8];
    getrandom::fill(&mut noise).map_err(io::Error::other)?;
    let path = directory.join(format!("{}.spool", crate::ident::to_hex(&noise)));
    let mut options = File::options();
    let file = options
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

fn local(task: &'static str, error: &io::Error) -> RemoteError {
    RemoteError::Local {
        task,
        reason: error.to_string(),
        kind: ErrorKind::of_io(error),
    }
}
