//! Targets of the doors for clients of other programs.

use alimentar::doors::decode_request;

/// Path, query and headers of a request.
pub fn door_request(data: &[u8]) {
    decode_request(data);
}
