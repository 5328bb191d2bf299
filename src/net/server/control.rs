//! Control socket: lets other processes on this machine query a serving node. They do everything else
//! themselves, because several processes may use a registry at once.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixListener;

use crate::ident::NodeId;
use crate::net::gossip::NodeView;
use crate::net::gossip::Snapshot;
use crate::net::server::shared::Server;
use crate::registry::Error;

const FILE: &str = "node.sock";

/// Maximum path length: a longer one does not fit a socket's name everywhere.
const PATH_BYTES_MAX: usize = 100;

/// Maximum wait of either side for the other.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Maximum bytes of a question or an answer.
const MESSAGE_BYTES_MAX: u64 = 64 << 20;

/// The state of a serving node, as JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeState(pub Value);

/// Returns the path of a home's control socket: in the home or, where that path is too long, in the
/// user's runtime directory under a name derived from the home's.
pub fn socket_path(home: &Path) -> PathBuf {
    let home = std::path::absolute(home).unwrap_or_else(|_| home.to_owned());
    let inside = home.join(FILE);
    if inside.as_os_str().len() <= PATH_BYTES_MAX {
        return inside;
    }
    let name = blake3::hash(home.as_os_str().as_encoded_bytes()).to_hex();
    let name = name.get(..32).unwrap_or_default();
    runtime_dir().join(format!("{name}.sock"))
}

#[allow(
    clippy::disallowed_methods,
    reason = "where sockets of this user belong is told by the environment"
)]
fn runtime_dir() -> PathBuf {
    let given = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let given =
        given.filter(|dir| dir.is_absolute() && dir.is_dir() && dir.as_os_str().len() <= 48);
    match given {
        Some(dir) => dir.join("alimentar"),
        None => {
            let user = rustix::process::getuid().as_raw();
            PathBuf::from(format!("/tmp/alimentar-{user}"))
        }
    }
}

/// A socket file that is removed when it is dropped.
pub(crate) struct ControlSocket {
    path: PathBuf,
}

impl ControlSocket {
    pub(crate) fn remove(&self) {
        // A process that finds a leftover gets no answer.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The node that the socket describes.
pub(crate) struct Serving {
    pub(crate) node: NodeId,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) server: Arc<Server>,
    pub(crate) view: Snapshot,
}

/// Listens. Only the caller serves this home, so an existing socket is a leftover.
pub(crate) fn listen(home: &Path, serving: Serving) -> Result<ControlSocket, Error> {
    let path = socket_path(home);
    let fail = |e| Error::file("listen on", &path, e);
    if let Some(dir) = path.parent().filter(|dir| *dir != home) {
        private_dir(dir).map_err(fail)?;
    }
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(fail(e)),
        _ => {}
    }
    // No other user can connect between the bind and the change of mode. Until then the umask decides
    // the mode, so the directory must be the user's own, as homes are.
    let listener = UnixListener::bind(&path).map_err(fail)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(fail)?;
    let serving = Arc::new(serving);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serving = serving.clone();
            tokio::spawn(async move {
                // A client may leave without reading its answer.
                let _ = tokio::time::timeout(PATIENCE, respond(stream, &serving)).await;
            });
        }
    });
    Ok(ControlSocket { path })
}

fn private_dir(dir: &Path) -> io::Result<()> {
    if !dir.is_dir() {
        std::fs::DirBuilder::new().mode(0o700).create(dir)?;
    }
    let metadata = std::fs::symlink_metadata(dir)?;
    let is_own =
        std::os::unix::fs::MetadataExt::uid(&metadata) == rustix::process::getuid().as_raw();
    if metadata.is_dir() && is_own && metadata.permissions().mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(io::Error::other("the directory is not this user's alone"))
    }
}

async fn respond(mut stream: tokio::net::UnixStream, serving: &Serving) -> io::Result<()> {
    let mut question = Vec::new();
    let mut query = (&mut stream).take(MESSAGE_BYTES_MAX);
    query.read_to_end(&mut question).await?;
    let question: Value = serde_json::from_slice(&question).unwrap_or(Value::Null);
    let reply = match question.get("ask").and_then(Value::as_str) {
        Some("node") => state(serving),
        Some("peers") => {
            let all = serving.view.all();
            json!({"peers": all.iter().map(NodeView::to_json).collect::<Vec<_>>()})
        }
        _ => json!({"error": "not understood"}),
    };
    stream.write_all(reply.to_string().as_bytes()).await
}

fn state(serving: &Serving) -> Value {
    let (addresses, server) = (&serving.addresses, &serving.server);
    let figure = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
    let counters = &server.counters;
    json!({
        "node_id": serving.node.to_hex(),
        "addr": addresses.first().map(ToString::to_string),
        "addrs": addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "uptime": server.started.elapsed().as_secs_f64(),
        "access": match server.access {
            crate::protocol::Access::Open => "open",
            crate::protocol::Access::Listed => "listed",
        },
        "peers": server.connection_limiter.peers().iter().map(NodeId::to_hex).collect::<Vec<_>>(),
        "sessions": server.connection_limiter.len(),
        "requests": figure(&counters.requests),
        "requests_under_way": figure(&counters.under_way),
        "requests_failed": figure(&counters.failed),
        "connections": figure(&counters.connections),
        "connections_refused": figure(&counters.refused),
        "sent_bytes": figure(&counters.sent_bytes),
    })
}

/// Returns the state of the node that serves a home; `None` where none does.
///
/// # Errors
/// [`Error::File`] when a node is present and does not answer.
pub fn running_node(home: &Path) -> Result<Option<NodeState>, Error> {
    Ok(query(home, "node")?.map(NodeState))
}

/// Returns the nodes known to the node that serves a home; `None` where none does.
///
/// # Errors
/// As [`running_node`].
pub fn known_nodes(home: &Path) -> Result<Option<Vec<NodeView>>, Error> {
    let reply = query(home, "peers")?;
    let peers = |reply: Value| {
        let peers = reply.get("peers")?.as_array()?.iter();
        Some(peers.filter_map(NodeView::from_json).collect())
    };
    Ok(reply.map(|reply| peers(reply).unwrap_or_default()))
}

fn query(home: &Path, what: &str) -> Result<Option<Value>, Error> {
    let path = socket_path(home);
    let fail = |e| Error::file("ask", &path, e);
    let mut stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(e) => return Err(fail(e)),
    };
    stream.set_read_timeout(Some(PATIENCE)).map_err(fail)?;
    let question = json!({"ask": what}).to_string();
    stream.write_all(question.as_bytes()).map_err(fail)?;
    stream.shutdown(std::net::Shutdown::Write).map_err(fail)?;
    let mut reply = Vec::new();
    let mut reply_stream = stream.take(MESSAGE_BYTES_MAX);
    reply_stream.read_to_end(&mut reply).map_err(fail)?;
    let reply = serde_json::from_slice(&reply).map_err(|e| fail(e.into()))?;
    Ok(Some(reply))
}
