//! What a publisher says besides manifests: that a dataset is withdrawn, that another key follows
//! his, that his key is no longer his alone. Normative: `spec/signing.md`.

use serde::Deserialize;
use serde::Serialize;
use thiserror::Error;

use crate::clock::Timestamp;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::EnvelopeId;
use crate::ident::PublisherKey;
use crate::ident::SeriesId;
use crate::ident::Signature;
use crate::ident::StatementId;
use crate::manifest::Manifest;
use crate::trust::keypair::KeyPair;
use crate::trust::signature::Domain;
use crate::trust::signature::SignatureError;
use crate::trust::signature::is_usable_key;
use crate::trust::signature::verify;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::STATEMENT_BYTES_MAX;
use crate::wire::limits::TEXT_BYTES_MAX;

const MAGIC: [u8; 4] = *b"ALS\x01";
const VERSION: u32 = 1;

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatementBody {
    /// A dataset should not be used any more.
    Withdrawal {
        /// The dataset's line.
        line: SeriesId,
        /// Its version.
        version: DatasetVersion,
        /// Its content.
        content_id: ContentId,
        /// What it was called, for people.
        name: DatasetName,
        /// Why.
        reason: String,
    },
    /// Another key follows this one. A proposal: a person confirms it.
    Rotation {
        /// The key that follows, which signs too.
        to: PublisherKey,
    },
    /// The key may be in other hands.
    Revocation {
        /// Why.
        reason: String,
        /// The manifests that the publisher made himself.
        manifests: Vec<EnvelopeId>,
    },
}

/// A statement whose signatures hold: there is no other way to have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Who says it.
    pub by: PublisherKey,
    /// When, as he claims.
    pub created_at: Timestamp,
    /// What.
    pub body: StatementBody,
    bytes: Vec<u8>,
}

/// Why bytes are not a statement.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Not the container.
    #[error("not a statement")]
    Container(#[from] DecodeError),
    /// Signed, and not the JSON of a statement.
    #[error("the statement is malformed")]
    Json(#[source] serde_json::Error),
    /// A field that is not what it should be.
    #[error("the statement's field `{0}` is malformed")]
    Field(&'static str),
    /// Of a version or kind that this program does not know.
    #[error("the statement is of a kind that this program does not know")]
    Unknown,
    /// A reason that was to be signed and is beyond its limit.
    #[error("the reason may have at most {TEXT_BYTES_MAX} bytes (`text_bytes_max`)")]
    Reason,
    /// A signature that does not hold, or of somebody else.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl Classify for StatementError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Unsupported,
            Self::Reason => ErrorKind::Invalid,
            _ => ErrorKind::Integrity,
        }
    }
}

#[derive(Serialize, Deserialize, Default)]
struct Wire {
    version: u32,
    kind: String,
    by: String,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifests: Option<Vec<String>>,
}

impl Statement {
    /// Withdraws a dataset.
    ///
    /// # Errors
    /// [`StatementError::Field`] when the reason is too long.
    pub fn withdraw(
        by: &KeyPair,
        manifest: &Manifest,
        reason: &str,
        now: Timestamp,
    ) -> Result<Self, StatementError> {
        let wire = Wire {
            kind: "withdrawal".to_owned(),
            line: Some(manifest.line.to_hex()),
            dataset_version: Some(manifest.dataset_version.to_string()),
            content_id: Some(manifest.content_id.to_hex()),
            name: Some(manifest.name.to_string()),
            reason: Some(reason.to_owned()),
            ..Wire::default()
        };
        Self::signed(wire, &[by], now)
    }

    /// Proposes that `to` follows `by`.
    ///
    /// # Errors
    /// [`StatementError`] when both are one key.
    pub fn rotate(by: &KeyPair, to: &KeyPair, now: Timestamp) -> Result<Self, StatementError> {
        let wire = Wire {
            kind: "rotation".to_owned(),
            to: Some(to.public_key().to_hex()),
            ..Wire::default()
        };
        Self::signed(wire, &[by, to], now)
    }

    /// Revokes a key, keeping the manifests listed.
    ///
    /// # Errors
    /// [`StatementError`] when the reason or the list is too long.
    pub fn revoke(
        by: &KeyPair,
        reason: &str,
        mut manifests: Vec<EnvelopeId>,
        now: Timestamp,
    ) -> Result<Self, StatementError> {
        manifests.sort();
        manifests.dedup();
        let wire = Wire {
            kind: "revocation".to_owned(),
            reason: Some(reason.to_owned()),
            manifests: Some(manifests.iter().map(EnvelopeId::to_hex).collect()),
            ..Wire::default()
        };
        Self::signed(wire, &[by], now)
    }

    fn signed(mut wire: Wire, by: &[&KeyPair], now: Timestamp) -> Result<Self, StatementError> {
        if wire
            .reason
            .as_ref()
            .is_some_and(|r| r.len() > TEXT_BYTES_MAX)
        {
            return Err(StatementError::Reason);
        }
        let publisher = by.first().map(|k| k.public_key().to_hex());
        wire.version = VERSION;
        wire.by = publisher.unwrap_or_default();
        wire.created_at = now.to_rfc3339();
        let body = serde_json::to_vec_pretty(&wire).map_err(StatementError::Json)?;
        let mut w = Writer::new();
        // One signature or two.
        w.bytes(&MAGIC).counted(&body).u8(by.len() as u8);
        for pair in by {
            let signature = pair.sign_bytes(Domain::Statement, &body);
            w.bytes(signature.key.as_bytes()).bytes(&signature.bytes);
        }
        Self::decode(w.as_bytes())
    }

    /// The bytes, as they were made.
    pub fn encode(&self) -> &[u8] {
        &self.bytes
    }

    /// The statement's id.
    pub fn id(&self) -> StatementId {
        StatementId::of(&self.bytes)
    }

    /// Verifies the signatures, then reads the statement.
    ///
    /// # Errors
    /// [`StatementError`] when it is not one, or not signed by whom it must be.
    pub fn decode(bytes: &[u8]) -> Result<Self, StatementError> {
        Self::read(bytes, |body, signature| {
            verify(Domain::Statement, body, signature)
        })
    }

    /// Reads a statement that was verified when it came in, and is known to be the same bytes.
    pub(crate) fn decode_held(bytes: &[u8]) -> Result<Self, StatementError> {
        Self::read(bytes, |_, _| Ok(()))
    }

    fn read(
        bytes: &[u8],
        holds: impl Fn(&[u8], &Signature) -> Result<(), SignatureError>,
    ) -> Result<Self, StatementError> {
        let mut r = Reader::new(bytes);
        if r.array::<4>()? != MAGIC {
            return Err(DecodeError::Magic("statement").into());
        }
        let body = r.counted("statement bytes", STATEMENT_BYTES_MAX)?;
        let mut signers = Vec::new();
        for _ in 0..r.u8()?.min(3) {
            let signature = Signature {
                key: PublisherKey::new(r.array()?),
                bytes: r.array()?,
            };
            holds(body, &signature)?;
            signers.push(signature.key);
        }
        r.end()?;
        let wire: Wire = serde_json::from_slice(body).map_err(StatementError::Json)?;
        let by = PublisherKey::parse_hex(&wire.by).ok_or(StatementError::Field("by"))?;
        let created_at = Timestamp::parse_rfc3339(&wire.created_at);
        let created_at = created_at.ok_or(StatementError::Field("created_at"))?;
        let body = read_body(wire)?;
        let wanted = match &body {
            StatementBody::Rotation { to } if *to != by => vec![by, *to],
            StatementBody::Rotation { .. } => return Err(StatementError::Field("to")),
            _ => vec![by],
        };
        if signers != wanted {
            return Err(SignatureError::Invalid(by).into());
        }
        Ok(Self {
            by,
            created_at,
            body,
            bytes: bytes.to_vec(),
        })
    }
}

fn read_body(wire: Wire) -> Result<StatementBody, StatementError> {
    let field = StatementError::Field;
    if wire.version != VERSION {
        return Err(StatementError::Unknown);
    }
    let reason = || {
        let reason = wire.reason.clone().ok_or(field("reason"))?;
        let is_sane = reason.len() <= TEXT_BYTES_MAX;
        is_sane.then_some(reason).ok_or(field("reason"))
    };
    match wire.kind.as_str() {
        "withdrawal" => {
            let hex = |text: &Option<String>| text.clone().unwrap_or_default();
            Ok(StatementBody::Withdrawal {
                line: SeriesId::parse_hex(&hex(&wire.line)).ok_or(field("line"))?,
                version: hex(&wire.dataset_version)
                    .parse()
                    .map_err(|_| field("dataset_version"))?,
                content_id: ContentId::parse_hex(&hex(&wire.content_id))
                    .ok_or(field("content_id"))?,
                name: hex(&wire.name).parse().map_err(|_| field("name"))?,
                reason: reason()?,
            })
        }
        "rotation" => {
            let to = wire.to.as_deref().and_then(PublisherKey::parse_hex);
            let to = to.filter(is_usable_key).ok_or(field("to"))?;
            Ok(StatementBody::Rotation { to })
        }
        "revocation" => {
            let listed = wire.manifests.clone().ok_or(field("manifests"))?;
            let ids = listed.iter().map(|id| EnvelopeId::parse_hex(id));
            let ids = ids.collect::<Option<Vec<_>>>().ok_or(field("manifests"))?;
            Ok(StatementBody::Revocation {
                reason: reason()?,
                manifests: ids,
            })
        }
        _ => Err(StatementError::Unknown),
    }
}
