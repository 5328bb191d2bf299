//! Archives for a registry that has a name here: `export --to`, the receipts that `import` takes and
//! leaves, and `registry identity`.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::cli::args_archives::ExportArgs;
use crate::cli::args_archives::IdentityCommand;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::registry::ArchiveInput;
use crate::registry::Error;
use crate::registry::ExportOptions;
use crate::registry::LocalRegistry;
use crate::registry::NodeError;
use crate::registry::Receiver;
use crate::registry::is_receipt;
use crate::registry::receipts_in;

/// Completes the options of an export by what is known of its receiver; none where none is named.
pub(crate) fn before_export(
    registry: &LocalRegistry,
    args: &ExportArgs,
    options: &mut ExportOptions,
) -> Result<Option<Receiver>, Failure> {
    let Some(name) = &args.to else {
        return Ok(None);
    };
    let mut receiver = registry.receiver(name)?;
    let is_known =
        receiver.has_receipt || receiver.node.is_some() || !receiver.recipients.is_empty();
    if !is_known && args.receipt.is_none() && args.recipients.is_empty() {
        return Err(Error::from(NodeError::UnknownReceiver(name.to_string())).into());
    }
    match args.receipt {
        // What is given counts, and is kept when the archive is there.
        Some(_) => receiver.has_receipt = true,
        None => options.receipt.clone_from(&receiver.has),
    }
    match args.recipients.is_empty() {
        false => receiver.recipients.clone_from(&args.recipients),
        true if options.passphrase.is_none() => {
            options.recipients.clone_from(&receiver.recipients);
        }
        true => {}
    }
    Ok(Some(receiver))
}

/// Keeps what was given for the receiver, and says how the archive was made.
pub(crate) fn after_export(
    registry: &LocalRegistry,
    args: &ExportArgs,
    receiver: &Receiver,
) -> Result<String, Failure> {
    let name = &receiver.name;
    if let Some(path) = &args.receipt {
        registry.keep_receipt(path, Some(name))?;
    }
    if !args.recipients.is_empty() {
        registry.keep_recipients(name, &args.recipients)?;
    }
    let what = match receiver.has_receipt {
        true => "without what its last receipt names",
        false => "whole, since no receipt of it is here",
    };
    let how = match (args.encrypt, receiver.recipients.len()) {
        (true, _) => "encrypted under the passphrase".to_owned(),
        (false, 0) => "not encrypted: no recipient is known for it".to_owned(),
        (false, n) => format!("encrypted to {n} recipient(s)"),
    };
    Ok(format!("  for `{name}`: {what}; {how}\n"))
}

pub(crate) fn object(receiver: &Receiver) -> Value {
    let recipients: Vec<String> = receiver
        .recipients
        .iter()
        .map(ToString::to_string)
        .collect();
    json!({
        "name": receiver.name.to_string(), "receipt": receiver.has_receipt,
        "recipients": recipients,
    })
}

/// The receipts among the paths of an import, also those in its directories, and the other paths.
pub(crate) fn told_apart(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (mut receipts, rest): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.iter().cloned().partition(|path| is_receipt(path));
    for dir in rest.iter().filter(|path| path.is_dir()) {
        // A directory that cannot be read is told of where its archives are looked for.
        receipts.extend(receipts_in(dir).unwrap_or_default());
    }
    (receipts, rest)
}

/// Keeps the receipts of nodes that have a name here.
pub(crate) fn keep(
    registry: &LocalRegistry,
    receipts: &[PathBuf],
    text: &mut String,
) -> Result<Vec<Value>, Failure> {
    let mut kept = Vec::new();
    for path in receipts {
        let shown = path.display();
        if registry.is_own_receipt(path).unwrap_or(false) {
            continue;
        }
        match registry.keep_receipt(path, None) {
            Ok((node, Some(name))) => {
                *text += &format!("Kept the receipt of `{name}`: the next `export --to` uses it\n");
                kept.push(json!({
                    "node_id": node.to_hex(), "name": name.to_string(),
                    "path": shown.to_string(),
                }));
            }
            Ok((node, None)) => {
                *text += &format!(
                    "Left the receipt {shown}: its node has no name here; `registry peers name {node} NAME` gives it one\n"
                );
            }
            Err(error) => *text += &format!("Left the receipt {shown}: {error}\n"),
        }
    }
    Ok(kept)
}

/// Writes a receipt beside the archives. One that cannot be written is said and no error: a stick may
/// be read-only. The paths that were written, and what to say of them.
pub(crate) fn leave(
    registry: &LocalRegistry,
    found: &[ArchiveInput],
    out: &Out,
) -> (Vec<String>, String) {
    let files = found.iter().filter(|p| !p.is_stream());
    let dirs: BTreeSet<PathBuf> = files
        .filter_map(|p| p.path().parent().map(Path::to_owned))
        .map(|dir| match dir.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => dir,
        })
        .collect();
    let (mut left, mut text) = (Vec::new(), String::new());
    for dir in dirs {
        match registry.write_receipt_into(&dir) {
            Ok(path) => {
                text += &format!(
                    "Wrote the receipt {}: with it the next export to this registry is a delta\n",
                    path.display()
                );
                left.push(path.display().to_string());
            }
            Err(error) if !out.is_quiet() && !out.is_json() => {
                out.diagnostic(&format!(
                    "no receipt was left beside the archive ({}); --receipt FILE writes one elsewhere",
                    Failure::from(error).message()
                ));
            }
            Err(_) => {}
        }
    }
    (left, text)
}

pub(crate) fn identity(
    registry: &LocalRegistry,
    command: &IdentityCommand,
    out: &Out,
) -> Result<(), Failure> {
    let path = registry.identity_path();
    if let IdentityCommand::New { another } = command {
        if !another && !registry.identities()?.is_empty() {
            return Err(Error::from(NodeError::HasIdentity(path)).into());
        }
        registry.make_identity()?;
    }
    let recipients = registry.identities()?;
    let Some(newest) = recipients.first() else {
        return Err(Error::from(NodeError::NoIdentity).into());
    };
    let object = json!({
        "recipient": newest, "recipients": recipients, "path": path.to_string_lossy(),
    });
    let mut text = match command {
        IdentityCommand::New { .. } => format!(
            "Made an identity; its secret half is in {}\n",
            path.display()
        ),
        IdentityCommand::Show => String::new(),
    };
    text += &format!(
        "  recipient  {newest}\nOthers encrypt to it with: alimentar registry export --to NAME --recipient {newest}\n"
    );
    for older in recipients.iter().skip(1) {
        text += &format!("  older      {older}\n");
    }
    Ok(out.result(&object, &recipients, &text)?)
}
