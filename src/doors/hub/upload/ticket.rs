//! Tickets: addresses to which one large file may be uploaded. Clients of the hub send no token there.

use blake3::Hash;

use crate::doors::hub::upload::area::Oid;
use crate::doors::request::DoorRequest;

/// The key of the tickets of a server, which it makes anew at each start.
pub(super) struct TicketKey([u8; 32]);

/// The permission to upload a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::doors::hub) struct Ticket {
    pub(super) name: String,
    pub(super) oid: Oid,
    pub(super) size: u64,
    /// The end of the permission, in seconds since 1970-01-01 UTC.
    pub(super) expires: i64,
}

impl TicketKey {
    pub(super) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the query of the address.
    pub(super) fn query(&self, ticket: &Ticket) -> String {
        let (size, expires) = (ticket.size, ticket.expires);
        format!(
            "size={size}&expires={expires}&ticket={}",
            self.hash(ticket).to_hex()
        )
    }

    /// Reads the ticket of a request; `None` if it is forged or too old.
    pub(super) fn read(
        &self,
        request: &DoorRequest,
        (name, oid): (&str, &str),
        now: i64,
    ) -> Option<Ticket> {
        let ticket = Ticket {
            name: name.to_owned(),
            oid: Oid::parse(oid)?,
            size: request.param("size")?.parse().ok()?,
            expires: request.param("expires")?.parse().ok()?,
        };
        let given = Hash::from_hex(request.param("ticket")?).ok()?;
        self.admits(&ticket, &given, now).then_some(ticket)
    }

    fn admits(&self, ticket: &Ticket, given: &Hash, now: i64) -> bool {
        // Hashes are compared in constant time.
        now < ticket.expires && self.hash(ticket) == *given
    }

    fn hash(&self, ticket: &Ticket) -> Hash {
        let Ticket {
            name,
            oid,
            size,
            expires,
        } = ticket;
        let text = format!("{name}\n{}\n{size}\n{expires}", oid.as_str());
        blake3::keyed_hash(&self.0, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticket_permits_one_file_for_a_time() {
        let key = TicketKey::new([7; 32]);
        let ticket = Ticket {
            name: "x".to_owned(),
            oid: Oid::parse(&"a".repeat(64)).unwrap(),
            size: 5,
            expires: 100,
        };
        let hash = key.hash(&ticket);
        assert!(key.admits(&ticket, &hash, 99));
        assert!(!key.admits(&ticket, &hash, 100));
        let other = Ticket {
            size: 6,
            ..ticket.clone()
        };
        assert!(!key.admits(&other, &hash, 99));
        let other = Ticket {
            name: "y".to_owned(),
            ..ticket.clone()
        };
        assert!(!key.admits(&other, &hash, 99));
        assert!(!TicketKey::new([8; 32]).admits(&ticket, &hash, 99));
    }
}
