//! Endpoints: sockets and transport settings.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::Endpoint;
use quinn::MtuDiscoveryConfig;
use quinn::TransportConfig;
use quinn::VarInt;
use quinn::congestion::CubicConfig;
use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;

use crate::net::crypto;
use crate::protocol::ALPN;
use crate::registry::Error;
use crate::registry::NodeError;
use crate::trust::KeyPair;

/// Requested buffer size of each socket; the system may give less.
const SOCKET_BUFFER_BYTES: usize = 8 << 20;
/// Time without packets after which a connection is closed. With one keep-alive a second, ten in a row
/// and their repetitions have to be lost.
const IDLE: Duration = Duration::from_secs(10);
/// Interval of a client's keep-alives, which the server acknowledges.
/// [`crate::net::server::connection_limit`] uses it to find dead connections.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// Bytes in flight before the first acknowledgement; LANs take it.
const INITIAL_WINDOW_BYTES: u64 = 256 << 10;
/// Receive window of a client: for one response, and in all.
const ANSWER_WINDOW_BYTES: u32 = 6 << 20;
const ANSWERS_WINDOW_BYTES: u32 = 16 << 20;
/// Receive window of a server for requests.
const REQUEST_WINDOW_BYTES: u32 = 256 << 10;
const REQUESTS_WINDOW_BYTES: u32 = 1 << 20;
/// Concurrent requests of one connection.
const STREAMS: u32 = 64;
/// Step at which the search for the largest datagram ends. It is one more than half of the range (1200
/// to 1452 bytes), so that the first probe is the largest, which Ethernet takes: one probe a connection
/// instead of four. If it is lost, the search tries 1325 bytes and stops.
const DATAGRAM_STEP_BYTES: u16 = 127;
/// Bytes that a server has in flight to all peers together.
const SENDING_BYTES: u64 = 64 << 20;

/// Returns the bytes that a server may have in flight to one of this number of peers.
pub(crate) fn send_window(connections: usize) -> u64 {
    let share = SENDING_BYTES / (connections.max(1) as u64);
    share.clamp(256 << 10, 8 << 20)
}

fn common() -> TransportConfig {
    let mut cubic = CubicConfig::default();
    cubic.initial_window(INITIAL_WINDOW_BYTES);
    let mut transport = TransportConfig::default();
    transport
        .congestion_controller_factory(Arc::new(cubic))
        .max_idle_timeout(IDLE.try_into().ok())
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None);
    transport
}

/// Returns the transport settings of the client.
pub(crate) fn client_transport() -> TransportConfig {
    let mut transport = common();
    transport
        // Requests are short: finding the largest datagram would cost more than it saves.
        .mtu_discovery_config(None)
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(ANSWER_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(ANSWERS_WINDOW_BYTES))
        .keep_alive_interval(Some(KEEP_ALIVE));
    transport
}

/// Returns the transport settings of the server.
pub(crate) fn server_transport() -> TransportConfig {
    let mut search = MtuDiscoveryConfig::default();
    search.minimum_change(DATAGRAM_STEP_BYTES);
    let mut transport = common();
    transport
        .mtu_discovery_config(Some(search))
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .stream_receive_window(VarInt::from_u32(REQUEST_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(REQUESTS_WINDOW_BYTES))
        .send_window(send_window(1));
    transport
}

/// Makes an endpoint, which also serves if `server` is given. Call it inside a runtime.
///
/// # Errors
/// [`NodeError::Bind`] when the address is not available.
pub(crate) fn endpoint(
    at: SocketAddr,
    server: Option<quinn::ServerConfig>,
) -> Result<Endpoint, Error> {
    let fail = |source| {
        Error::Node(NodeError::Bind {
            address: at.to_string(),
            source,
        })
    };
    let socket = socket(at).map_err(fail)?;
    let config = crypto::endpoint_config().map_err(Error::transport)?;
    Endpoint::new(config, server, socket, Arc::new(quinn::TokioRuntime)).map_err(fail)
}

/// Makes a client endpoint, over IPv6 and IPv4 where the machine has both.
pub(crate) fn asking_endpoint(key: &KeyPair) -> Result<Endpoint, Error> {
    let any = |ip: IpAddr| SocketAddr::new(ip, 0);
    let dual = endpoint(any(Ipv6Addr::UNSPECIFIED.into()), None);
    let mut endpoint = match dual {
        Ok(endpoint) => endpoint,
        Err(_) => endpoint(any(Ipv4Addr::UNSPECIFIED.into()), None)?,
    };
    let mut config = crypto::client_config(key.signing_key(), &[ALPN]).map_err(Error::transport)?;
    config.transport_config(Arc::new(client_transport()));
    endpoint.set_default_client_config(config);
    Ok(endpoint)
}

/// Returns the server configuration of a node with this key.
pub(crate) fn server_config(key: &KeyPair) -> Result<quinn::ServerConfig, Error> {
    let mut config = crypto::server_config(key.signing_key(), &[ALPN]).map_err(Error::transport)?;
    config.transport_config(Arc::new(server_transport()));
    Ok(config)
}

fn socket(at: SocketAddr) -> std::io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    if at.is_ipv6() {
        // A server has a separate socket for IPv4; a client has one for both.
        socket.set_only_v6(at.port() != 0)?;
    }
    // Less is slower, not wrong.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER_BYTES);
    socket.bind(&at.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
