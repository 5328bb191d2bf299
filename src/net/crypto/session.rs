//! TLS sessions: one handshake over QUIC (RFC 9001 4), driven by quinn and performed by rustls.

use std::any::Any;

use quinn_proto::ConnectionId;
use quinn_proto::Side;
use quinn_proto::TransportError;
use quinn_proto::TransportErrorCode;
use quinn_proto::crypto;
use quinn_proto::crypto::ExportKeyingMaterialError;
use quinn_proto::crypto::HeaderKey;
use quinn_proto::crypto::KeyPair;
use quinn_proto::crypto::Keys;
use quinn_proto::crypto::PacketKey;
use quinn_proto::transport_parameters::TransportParameters;
use rustls::pki_types::CertificateDer;
use rustls::quic::Connection;
use rustls::quic::KeyChange;
use rustls::quic::Secrets;
use rustls::quic::Suite;
use rustls::quic::Version;

use super::keys;
use super::retry;

/// The result of the handshake, which `quinn::Connection::handshake_data` returns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandshakeData {
    /// The application protocol of both sides (RFC 7301).
    pub protocol: Option<Vec<u8>>,
}

/// A handshake and its secrets.
pub struct Session {
    /// The session of rustls, or its error. quinn wants a session in any case, and gets the error with
    /// the first bytes.
    tls: Result<Connection, rustls::Error>,
    side: Side,
    initial: Suite,
    /// Set once quinn has the handshake data.
    is_reported: bool,
    /// The secrets for the next key update.
    next: Option<Secrets>,
}

impl Session {
    /// Makes a session before its first bytes.
    pub fn new(tls: Result<Connection, rustls::Error>, side: Side, initial: Suite) -> Self {
        Self {
            tls,
            side,
            initial,
            is_reported: false,
            next: None,
        }
    }

    /// Returns true if the protocol is known: at the client once the server has chosen, at the server
    /// once it has read the client's offer.
    fn is_settled(&self) -> bool {
        self.tls
            .as_ref()
            .is_ok_and(|tls| tls.alpn_protocol().is_some() || !tls.is_handshaking())
    }
}

impl crypto::Session for Session {
    fn initial_keys(&self, dst_cid: &ConnectionId, side: Side) -> Keys {
        initial_keys(self.initial, dst_cid, side)
    }

    /// Returns [`HandshakeData`].
    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        let tls = self.tls.as_ref().ok().filter(|_| self.is_reported)?;
        Some(Box::new(HandshakeData {
            protocol: tls.alpn_protocol().map(<[u8]>::to_vec),
        }))
    }

    /// Returns `Vec<CertificateDer<'static>>`, as quinn's own session does. A raw public key is one
    /// element, its SubjectPublicKeyInfo.
    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        let shown = self.tls.as_ref().ok()?.peer_certificates()?;
        let owned: Vec<CertificateDer<'static>> =
            shown.iter().map(|one| one.clone().into_owned()).collect();
        Some(Box::new(owned))
    }

    fn early_crypto(&self) -> Option<(Box<dyn HeaderKey>, Box<dyn PacketKey>)> {
        // Early data can be replayed, and comes before either side is known.
        None
    }

    fn early_data_accepted(&self) -> Option<bool> {
        self.side.is_client().then_some(false)
    }

    fn is_handshaking(&self) -> bool {
        self.tls.as_ref().map_or(true, |tls| tls.is_handshaking())
    }

    fn read_handshake(&mut self, buf: &[u8]) -> Result<bool, TransportError> {
        match &mut self.tls {
            Ok(tls) => tls.read_hs(buf).map_err(|error| failure(tls, &error))?,
            Err(error) => {
                return Err(transport_error(
                    TransportErrorCode::INTERNAL_ERROR,
                    error.to_string(),
                ));
            }
        }
        if self.is_reported {
            return Ok(false);
        }
        self.is_reported = self.is_settled();
        Ok(self.is_reported)
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        let sent = self.tls.as_ref().ok();
        match sent.and_then(|tls| tls.quic_transport_parameters()) {
            Some(mut sent) => Ok(Some(TransportParameters::read(self.side, &mut sent)?)),
            None => Ok(None),
        }
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        match self.tls.as_mut().ok()?.write_hs(buf)? {
            KeyChange::Handshake { keys } => Some(keys::space_keys(keys)),
            KeyChange::OneRtt { keys, next } => {
                self.next = Some(next);
                Some(keys::space_keys(keys))
            }
        }
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        let next = self.next.as_mut()?.next_packet_keys();
        Some(keys::updated_keys(next))
    }

    fn is_valid_retry(&self, orig_dst_cid: &ConnectionId, header: &[u8], payload: &[u8]) -> bool {
        retry::is_valid(orig_dst_cid, header, payload)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        let tls = self.tls.as_ref().map_err(|_| ExportKeyingMaterialError)?;
        tls.export_keying_material(output, label, Some(context))
            .map(drop)
            .map_err(|_| ExportKeyingMaterialError)
    }
}

/// Derives the keys of the Initial packets. Anyone who sees the first packet can do so (RFC 9001 5.2).
pub fn initial_keys(suite: Suite, dst_cid: &ConnectionId, side: Side) -> Keys {
    let side = match side {
        Side::Client => rustls::Side::Client,
        Side::Server => rustls::Side::Server,
    };
    keys::space_keys(suite.keys(dst_cid, side, Version::V1))
}

/// Converts a failed handshake, with the alert of TLS where there is one (RFC 9001 4.8).
fn failure(tls: &Connection, error: &rustls::Error) -> TransportError {
    let code = tls
        .alert()
        .map_or(TransportErrorCode::PROTOCOL_VIOLATION, |alert| {
            TransportErrorCode::crypto(alert.into())
        });
    transport_error(code, error.to_string())
}

fn transport_error(code: TransportErrorCode, reason: String) -> TransportError {
    TransportError {
        code,
        frame: None,
        reason,
    }
}
