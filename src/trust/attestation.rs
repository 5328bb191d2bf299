//! Attestations: a dataset's files in the form that other tools check, an in-toto statement v1 in a DSSE
//! envelope. <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

use crate::ident::ContentId;
use crate::ident::to_hex;
use crate::manifest::Manifest;
use crate::trust::keypair::KeyPair;

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE: &str = "https://alimentar.dev/dataset/v1";

/// A file of an attestation.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The file's path in the dataset.
    pub path: String,
    /// The file's SHA-256, which other tools compute.
    pub sha256: [u8; 32],
    /// The file's BLAKE3.
    pub content_id: ContentId,
}

/// Makes the DSSE envelope, as JSON.
pub fn attest(pair: &KeyPair, manifest: &Manifest, subjects: &[Subject]) -> Value {
    let subject = |s: &Subject| {
        json!({"name": s.path, "digest": {
            "sha256": to_hex(&s.sha256), "blake3": s.content_id.to_hex(),
        }})
    };
    let m = manifest;
    let statement = json!({
        "_type": STATEMENT_TYPE,
        "subject": subjects.iter().map(subject).collect::<Vec<_>>(),
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "name": m.name.to_string(), "version": m.dataset_version.to_string(),
            "content_id": m.content_id.to_string(),
            "chunk_tree_root": m.chunk_tree_root.to_hex(), "rows": m.num_rows,
            "size_bytes": m.size_bytes, "license": m.license,
        },
    });
    let payload = statement.to_string();
    let signature = pair.sign_message(&encoding(payload.as_bytes()));
    json!({
        "payloadType": PAYLOAD_TYPE,
        "payload": STANDARD.encode(payload),
        "signatures": [{
            "keyid": pair.public_key().to_hex(), "sig": STANDARD.encode(signature.bytes),
        }],
    })
}

/// Returns the pre-authentication encoding of DSSE.
fn encoding(payload: &[u8]) -> Vec<u8> {
    let kind = PAYLOAD_TYPE;
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    [head.as_bytes(), payload].concat()
}
