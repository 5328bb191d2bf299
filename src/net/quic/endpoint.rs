//! Sockets and the settings of the transport.

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
use crate::trust::KeyPair;

/// Asked of the system for each socket; it may give less.
const SOCKET_BUFFER_BYTES: usize = 8 << 20;
/// A connection that nothing comes over for this long is gone. With a word every second, ten of
/// them and their repetitions have to be lost for that.
const IDLE: Duration = Duration::from_secs(10);
/// A client says after so long a silence that it is still there, and the server that it heard it.
/// [`crate::net::server::connection_limit`] tells by that who is not.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// What may be on its way before the first acknowledgement; LANs take it.
const INITIAL_WINDOW_BYTES: u64 = 256 << 10;
/// What a client lets a server send ahead: of one answer, and in all.
const ANSWER_WINDOW_BYTES: u32 = 6 << 20;
const ANSWERS_WINDOW_BYTES: u32 = 16 << 20;
/// The same of requests.
const REQUEST_WINDOW_BYTES: u32 = 256 << 10;
const REQUESTS_WINDOW_BYTES: u32 = 1 << 20;
/// Requests of one connection at once.
const STREAMS: u32 = 64;
/// Where the search for the largest datagram ends. One more than half of what is searched (1200 to
/// 1452 bytes), so that the first probe is the largest, which Ethernet takes: one probe a connection
/// instead of four. Where it gets lost, 1325 bytes are tried, and no more.
const DATAGRAM_STEP_BYTES: u16 = 127;
/// Bytes that a server has on their way to all peers together.
const SENDING_BYTES: u64 = 64 << 20;

/// The bytes that a server has on their way to one of so many peers.
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

/// The settings of the side that asks.
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

/// The settings of the side that answers.
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

/// An endpoint that asks, and answers where `server` says how. Has to be made inside a runtime.
///
/// # Errors
/// [`Error::Bind`] when the address cannot be had.
pub(crate) fn endpoint(
    at: SocketAddr,
    server: Option<quinn::ServerConfig>,
) -> Result<Endpoint, Error> {
    let fail = |source| Error::Bind {
        address: at.to_string(),
        source,
    };
    let socket = socket(at).map_err(fail)?;
    let config = crypto::endpoint_config().map_err(Error::transport)?;
    Endpoint::new(config, server, socket, Arc::new(quinn::TokioRuntime)).map_err(fail)
}

/// An endpoint that only asks, over IPv6 and IPv4 where the machine has both.
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

/// How a node of this key answers.
pub(crate) fn server_config(key: &KeyPair) -> Result<quinn::ServerConfig, Error> {
    let mut config = crypto::server_config(key.signing_key(), &[ALPN]).map_err(Error::transport)?;
    config.transport_config(Arc::new(server_transport()));
    Ok(config)
}

fn socket(at: SocketAddr) -> std::io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    if at.is_ipv6() {
        // A server has a socket of its own for IPv4; who only asks has one for both.
        socket.set_only_v6(at.port() != 0)?;
    }
    // Less is slower, not wrong.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER_BYTES);
    socket.bind(&at.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
