//! A client at a door: anonymous, or with a token; and the datasets that it may see.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::doors::error::DoorError;
use crate::doors::shown::ShownDataset;
use crate::ident::Reference;
use crate::keyring::AccessToken;
use crate::keyring::AccessTokens;
use crate::registry::host;

/// A client of one request.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    token: Option<Arc<AccessToken>>,
    /// The datasets of the token; `None` for all that the node shows.
    datasets: Option<Arc<Vec<Reference>>>,
}

impl Visitor {
    /// A client without a token.
    pub(super) const fn anonymous() -> Self {
        Self {
            token: None,
            datasets: None,
        }
    }

    /// A client with a token.
    pub(super) fn with(token: Arc<AccessToken>) -> Self {
        // A text that is no reference any more means nothing, and so shows nothing.
        let parsed = token.datasets.iter().filter_map(|text| text.parse().ok());
        let datasets = (!token.datasets.is_empty()).then(|| Arc::new(parsed.collect()));
        Self {
            token: Some(token),
            datasets,
        }
    }

    /// Finds the client of a request by its header `Authorization`.
    ///
    /// # Errors
    /// [`DoorError::Unauthorized`] for a token that is unknown or has another form, and where one is needed.
    pub(super) fn of(
        authorization: Option<&str>,
        tokens: &AccessTokens,
        may_be_anonymous: bool,
    ) -> Result<Self, DoorError> {
        let Some(header) = authorization else {
            return match may_be_anonymous {
                true => Ok(Self::anonymous()),
                false => Err(unauthorized(
                    "this node wants a token; its owner makes one with `alimentar registry token add`",
                )),
            };
        };
        let unknown = || unauthorized("the token is unknown or revoked");
        let secret = secret_in(header).ok_or_else(unknown)?;
        let token = tokens.by_bearer(&secret).ok_or_else(unknown)?;
        tokens.touch(&token, host::now());
        Ok(Self::with(token))
    }

    /// Returns the name of the token.
    pub(super) fn name(&self) -> Option<&str> {
        self.token.as_ref().map(|token| token.name.as_str())
    }

    /// Returns true if the client sees all datasets that the node shows.
    pub(super) fn sees_all(&self) -> bool {
        self.datasets.is_none()
    }

    /// Returns true if the client sees a dataset that the node shows.
    pub(super) fn sees(&self, dataset: &ShownDataset) -> bool {
        match &self.datasets {
            None => true,
            Some(references) => references.iter().any(|r| means(r, dataset)),
        }
    }

    /// Returns true if the token permits uploads.
    pub(super) fn may_write(&self) -> bool {
        self.token.as_ref().is_some_and(|token| token.can_write)
    }

    /// Returns true if the token permits an upload to a dataset of this name.
    pub(super) fn may_write_to(&self, name: &str) -> bool {
        let fits =
            |r: &Reference| matches!(r, Reference::Name { name: of, .. } if of.as_str() == name);
        let is_named = self
            .datasets
            .as_ref()
            .is_none_or(|list| list.iter().any(fits));
        self.may_write() && is_named
    }
}

fn unauthorized(text: &str) -> DoorError {
    DoorError::Unauthorized(text.to_owned())
}

/// Returns the secret of `Bearer SECRET`, or of `Basic` with the secret as the password.
fn secret_in(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = STANDARD.decode(rest.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':')
        .map(|(_, password)| password.to_owned())
}

/// Returns true if a reference means a dataset. A version may be a range; an alias means every version that carries it.
fn means(reference: &Reference, dataset: &ShownDataset) -> bool {
    match reference {
        Reference::Content(digits) => digits.matches(&dataset.content_id),
        Reference::Name {
            publisher,
            name,
            version,
            or_content,
        } => {
            let is_named = *name == dataset.name
                && publisher.as_ref().is_none_or(|p| *p == dataset.publisher)
                && version.admits(&dataset.version, &dataset.tags);
            let is_content = or_content.as_ref();
            is_named || is_content.is_some_and(|digits| digits.matches(&dataset.content_id))
        }
    }
}
