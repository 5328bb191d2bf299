//! Forged services of multicast DNS by hand, from `spec/discovery.md` and RFC 6762.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;

const SERVICE: &str = "_alimentar._udp.local.";

fn domain(name: &str) -> Vec<u8> {
    let labels = name.trim_end_matches('.').split('.');
    let bytes = labels.flat_map(|l| [&[l.len() as u8], l.as_bytes()].concat());
    bytes.chain([0]).collect()
}

fn record(name: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = domain(name);
    bytes.extend(kind.to_be_bytes());
    bytes.extend(1_u16.to_be_bytes());
    bytes.extend(120_u32.to_be_bytes());
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
    bytes
}

/// The parts of a service record that a liar chooses.
pub struct Service {
    /// 64 hexadecimal digits.
    pub id: String,
    pub port: u16,
    /// Further texts beside version and id.
    pub texts: Vec<Vec<u8>>,
}

impl Service {
    /// A response that announces it at loopback.
    pub fn packet(&self) -> Vec<u8> {
        let full = format!("{}.{SERVICE}", &self.id[..32]);
        let host = format!("{}.local.", &self.id[..16]);
        let mut txt = Vec::new();
        let known = [b"v=1".to_vec(), format!("id={}", self.id).into_bytes()];
        for text in known.iter().chain(&self.texts) {
            txt.push(text.len() as u8);
            txt.extend(text);
        }
        let srv = [&[0; 4][..], &self.port.to_be_bytes(), &domain(&host)].concat();
        let mut packet = vec![0, 0, 0x84, 0, 0, 0, 0, 4, 0, 0, 0, 0];
        packet.extend(record(SERVICE, 12, &domain(&full)));
        packet.extend(record(&full, 33, &srv));
        packet.extend(record(&full, 16, &txt));
        packet.extend(record(&host, 1, &Ipv4Addr::LOCALHOST.octets()));
        packet
    }
}

/// Sends packets to everybody on this machine.
pub fn shout(packets: &[Vec<u8>]) -> std::io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5353)).into())?;
    socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST)?;
    let everybody = SocketAddr::from(([224, 0, 0, 251], 5353)).into();
    for (n, packet) in packets.iter().enumerate() {
        socket.send_to(packet, &everybody)?;
        if n % 8 == 7 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    Ok(())
}
