//! RequestContext a host whether anything listens at a UDP port. QUIC itself does not hear of ICMP, so a
//! peer whose program has ended looks to it like one that is slow.

use std::io::ErrorKind;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;

/// A datagram that no QUIC endpoint takes for a packet: its fixed bit is not set (RFC 9000, 17).
const DATAGRAM: [u8; 1] = [0];

/// Whether the host says within `patience` that nobody listens there. No answer is no such word.
pub(crate) async fn is_refused(at: SocketAddr, patience: Duration) -> bool {
    tokio::time::timeout(patience, refusal(at))
        .await
        .unwrap_or(false)
}

async fn refusal(at: SocketAddr) -> bool {
    let any: IpAddr = match at {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let Ok(socket) = UdpSocket::bind((any, 0)).await else {
        return false;
    };
    // Only a connected socket is told of ICMP, and only of what answers its own packets.
    let asked = async {
        socket.connect(at).await?;
        socket.send(&DATAGRAM).await?;
        socket.recv(&mut [0; 1]).await
    };
    asked
        .await
        .is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused)
}
