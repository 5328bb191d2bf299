//! Archives to and from a registry that is not on the network, without thinking of receipts and keys.

use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::support::error_of;
use crate::support::lab::Scratch;
use crate::support::lines;

fn labs() -> Scratch {
    let labs = Scratch::new();
    std::fs::create_dir(labs.at("stick")).unwrap();
    labs
}

impl Scratch {
    /// The receipts on the stick.
    fn receipts(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.at("stick")).unwrap().flatten();
        let paths = entries.map(|e| e.path());
        paths
            .filter(|p| p.extension().is_some_and(|e| e == "receipt"))
            .collect()
    }
}

fn bytes(exported: &Value) -> u64 {
    exported["archives"][0]["bytes"].as_u64().unwrap()
}

#[test]
fn removable_medium_carries_encrypted_incremental_archives() {
    let labs = labs();
    let mut data = lines(3000, 1);
    labs.index("a", "corpus", &data, &[]);
    let identity = labs.done("b", &["registry", "identity", "new"]);
    let recipient = identity["recipient"].as_str().unwrap();
    let (one, two) = (
        labs.text("stick/1.alimentar"),
        labs.text("stick/2.alimentar"),
    );
    // The first time: whole, and sealed to the key that is kept from then on.
    let unknown = labs.keyed("a", &["registry", "export", "--to", "lab-b", "-o", &one]);
    assert_eq!(unknown.status.code(), Some(3), "{unknown:?}");
    let hint = error_of(&unknown)["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("--recipient"), "{hint}");
    let first = [
        "registry",
        "export",
        "--to",
        "lab-b",
        "--recipient",
        recipient,
        "-o",
        &one,
    ];
    let whole = labs.done("a", &first);
    assert_eq!(
        whole["to"],
        json!({"name": "lab-b", "receipt": false, "recipients": [recipient]})
    );
    assert!(std::fs::read(&one).unwrap().starts_with(b"age-encryption"));
    // It opens without a word about keys, and leaves a receipt on the stick.
    let imported = labs.done("b", &["registry", "import", &labs.text("stick")]);
    assert_eq!(imported["imported"][0]["name"], "corpus");
    let receipts = labs.receipts();
    assert_eq!(receipts.len(), 1);
    assert_eq!(imported["receipt"], receipts[0].to_str().unwrap());
    let again = labs.done("b", &["registry", "import", &labs.text("stick")]);
    assert_eq!(again["receipt"], receipts[0].to_str().unwrap());
    assert_eq!(labs.receipts().len(), 1);
    std::fs::remove_file(&one).unwrap();

    // Back at the first lab: a node gets its name once, with the receipt.
    data.extend_from_slice(&lines(50, 2));
    labs.index("a", "corpus", &data, &[]);
    let receipt = receipts[0].to_str().unwrap();
    let named = [
        "registry", "export", "--to", "lab-b", "--for", receipt, "-o", &two,
    ];
    let delta = labs.done("a", &named);
    assert_eq!(delta["to"]["recipients"], json!([recipient]));
    assert!(bytes(&delta) * 5 < bytes(&whole), "{delta} {whole}");
    labs.done("b", &["registry", "import", &labs.text("stick")]);
    std::fs::remove_file(&two).unwrap();

    // From then on the stick brings the receipt, and the name is enough.
    let back = labs.done("a", &["registry", "import", &labs.text("stick")]);
    assert_eq!(back["receipts_kept"][0]["name"], "lab-b");
    data.extend_from_slice(&lines(50, 3));
    labs.index("a", "corpus", &data, &[]);
    let third = ["registry", "export", "--to", "lab-b", "-o", &two];
    let third = labs.done("a", &third);
    assert!(bytes(&third) * 5 < bytes(&whole), "{third} {whole}");
    let base = third["archives"][0]["base"].as_array().unwrap();
    assert!(!base.is_empty(), "{third}");
    let imported = labs.done("b", &["registry", "import", &labs.text("stick")]);
    assert_eq!(imported["imported"][0]["version"], "0.1.2");
}

#[test]
fn import_receipt_follows_its_options() {
    let labs = labs();
    labs.index("a", "corpus", &lines(20, 1), &[]);
    let archive = labs.text("stick/1.alimentar");
    labs.done("a", &["registry", "export", "--all", "-o", &archive]);
    labs.done("b", &["registry", "import", &archive, "--dry-run"]);
    labs.done("b", &["registry", "import", &archive, "--no-receipt"]);
    assert!(labs.receipts().is_empty());
    // One that is named is the only one.
    let given = labs.text("given.receipt");
    let imported = labs.done("b", &["registry", "import", &archive, "--receipt", &given]);
    assert_eq!(imported["receipt"], given);
    assert!(labs.receipts().is_empty());
    // A file that somebody else put under the name stays.
    labs.done("b", &["registry", "import", &archive]);
    let left = labs.receipts().pop().unwrap();
    std::fs::write(&left, b"something else").unwrap();
    let imported = labs.done("b", &["registry", "import", &archive]);
    assert_eq!(imported["receipt"], json!(null));
    assert_eq!(std::fs::read(&left).unwrap(), b"something else");
}

#[test]
fn age_identity_is_kept_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let labs = labs();
    labs.index("a", "corpus", &lines(20, 1), &[]);
    let none = labs.keyed("b", &["registry", "identity", "show"]);
    assert_eq!(none.status.code(), Some(3), "{none:?}");
    let made = labs.done("b", &["registry", "identity", "new"]);
    let path = PathBuf::from(made["path"].as_str().unwrap());
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    let twice = labs.keyed("b", &["registry", "identity", "new"]);
    assert_eq!(twice.status.code(), Some(1), "{twice:?}");
    let another = labs.done("b", &["registry", "identity", "new", "--another"]);
    assert_eq!(another["recipients"][1], made["recipient"]);
    assert_eq!(
        labs.done("b", &["registry", "identity", "show"])["recipient"],
        another["recipient"]
    );
    // Archives to either open.
    for (n, key) in [&made["recipient"], &another["recipient"]]
        .iter()
        .enumerate()
    {
        let archive = labs.text(&format!("stick/{n}.alimentar"));
        let export = ["registry", "export", "--all", "-o", &archive, "--recipient"];
        labs.done("a", &[&export[..], &[key.as_str().unwrap()]].concat());
        labs.done("b", &["registry", "import", &archive]);
    }
    let locked = labs.keyed(
        "c",
        &["registry", "import", &labs.text("stick/0.alimentar")],
    );
    assert_eq!(locked.status.code(), Some(5), "{locked:?}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let readable = labs.keyed("b", &["registry", "import", &labs.text("stick")]);
    assert_eq!(readable.status.code(), Some(5), "{readable:?}");
    assert!(
        error_of(&readable)["message"]
            .as_str()
            .unwrap()
            .contains("read by others")
    );
}
