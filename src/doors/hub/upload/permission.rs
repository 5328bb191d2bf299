//! Permission to upload.

use crate::doors::error::DoorError;
use crate::doors::hub::route::RepoName;
use crate::doors::shown::LOCAL;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;
use crate::ident::DatasetName;

/// Returns the name of the dataset that a client may upload to.
///
/// # Errors
/// [`DoorError`] where the node takes no uploads, the token does not permit them, or the dataset has a publisher.
pub(super) fn permitted(
    doors: &Doors,
    visitor: &Visitor,
    asked: &RepoName,
) -> Result<DatasetName, DoorError> {
    if !doors.options.allows_upload {
        let text = "this node takes no uploads; its owner permits them with `--allow-upload`";
        return Err(DoorError::Forbidden(text.to_owned()));
    }
    if visitor.name().is_none() {
        let text = "an upload needs a token; the owner of this node makes one with `alimentar registry token add NAME --write`";
        return Err(DoorError::Unauthorized(text.to_owned()));
    }
    if asked.publisher.as_deref().is_some_and(|p| p != LOCAL) {
        let text = format!(
            "an upload is a version that nobody signed: upload to `{LOCAL}/{}`",
            asked.name
        );
        return Err(DoorError::Forbidden(text));
    }
    let name: DatasetName = asked.name.parse().map_err(|_| {
        let near = DatasetName::suggest(&asked.name);
        DoorError::Invalid(format!(
            "`{}` is no name of a dataset; `{near}` is one",
            asked.name
        ))
    })?;
    match visitor.may_write_to(name.as_str()) {
        true => Ok(name),
        false => Err(DoorError::Forbidden(
            "this token does not permit uploads to this dataset".to_owned(),
        )),
    }
}
