//! Archives from the command line, between registries, and through stock tools.

use serde_json::Value;
use serde_json::json;

use crate::support::answer;
use crate::support::lab::Scratch;
use crate::support::lines;
use crate::support::program;
use crate::support::run;
use crate::support::serving::Serving;

impl Scratch {
    /// A home with a key of its own.
    fn publisher(&self, name: &str) -> String {
        let made = self.done(name, &["registry", "keygen", "--name", name]);
        made["public_key"].as_str().unwrap().to_owned()
    }

    fn export(&self, home: &str, words: &[&str], to: &str) -> Value {
        let to = self.text(to);
        answer(
            &self.at(home),
            &[&["registry", "export", "-o", &to], words].concat(),
        )
    }

    fn import(&self, home: &str, from: &str, more: &[&str]) -> (Value, i32) {
        let from = self.text(from);
        let out = run(
            &self.at(home),
            &[&["registry", "import", &from], more].concat(),
        );
        let said = serde_json::from_slice(&out.stdout).unwrap_or(Value::Null);
        (said, out.status.code().unwrap())
    }
}

#[test]
fn archive_travels_whole_then_incremental_then_back_by_receipt() {
    let labs = Scratch::new();
    let key = labs.publisher("a");
    let mut data = lines(6000, 1);
    labs.index("a", "corpus", &data, &["--sign", "--license", "MIT"]);
    let whole = labs.export("a", &["corpus"], "one.alimentar");
    let (said, code) = labs.import("b", "one.alimentar", &["--receipt", &labs.text("receipt")]);
    assert_eq!(
        (code, &said["imported"][0]["trust"]),
        (0, &json!("unknown"))
    );
    // Kept apart: not listed, found by name only because nothing else has it, and marked.
    assert_eq!(
        answer(&labs.at("b"), &["registry", "list"])["datasets"],
        json!([])
    );
    let all = answer(&labs.at("b"), &["registry", "list", "--all"]);
    assert_eq!(all["datasets"][0]["publisher"], json!(key));
    let required = run(
        &labs.at("b"),
        &["registry", "verify", "corpus", "--require-signature"],
    );
    assert_eq!(required.status.code(), Some(5));
    answer(&labs.at("b"), &["registry", "trust", "add", "lab-a", &key]);
    let verified = answer(
        &labs.at("b"),
        &["registry", "verify", "lab-a/corpus", "--require-signature"],
    );
    assert_eq!(verified["trust"], "full");
    let out = labs.at("out.jsonl");
    answer(
        &labs.at("b"),
        &["registry", "checkout", "corpus", out.to_str().unwrap()],
    );
    assert_eq!(std::fs::read(&out).unwrap(), data);

    data.extend_from_slice(&lines(100, 2));
    labs.index("a", "corpus", &data, &["--sign"]);
    let delta = labs.export(
        "a",
        &["corpus@0.1.1", "--since", "corpus@0.1.0"],
        "two.alimentar",
    );
    let size = |v: &Value| v["archives"][0]["bytes"].as_u64().unwrap();
    assert!(
        size(&delta) * 10 < size(&whole),
        "{} of {}",
        size(&delta),
        size(&whole)
    );
    assert_eq!(delta["archives"][0]["base"].as_array().unwrap().len(), 1);
    let by_receipt = labs.export(
        "a",
        &["corpus@0.1.1", "--for", &labs.text("receipt")],
        "three.alimentar",
    );
    assert_eq!(size(&by_receipt), size(&delta));
    assert_eq!(
        std::fs::read(labs.at("two.alimentar")).unwrap(),
        std::fs::read(labs.at("three.alimentar")).unwrap()
    );
    // Without the base nothing is read.
    let (refused, code) = labs.import("c", "two.alimentar", &[]);
    assert_eq!(code, 3);
    assert!(
        refused["refused"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("corpus@0.1.0")
    );
    let (said, code) = labs.import("b", "two.alimentar", &[]);
    assert_eq!(
        (code, &said["imported"][0]["version"]),
        (0, &json!("0.1.1"))
    );
    assert!(said["imported"][0]["new_chunks"].as_u64().unwrap() < 10);
    answer(
        &labs.at("b"),
        &["registry", "verify", "corpus@0.1.1", "--require-signature"],
    );
    let (said, code) = labs.import("b", "two.alimentar", &[]);
    assert_eq!(
        (
            code,
            &said["imported"],
            said["already_here"].as_array().unwrap().len()
        ),
        (0, &json!([]), 1)
    );
    // Another store, made by other steps, gives the same bytes.
    labs.export("b", &["corpus@0.1.0"], "again.alimentar");
    assert_eq!(
        std::fs::read(labs.at("one.alimentar")).unwrap(),
        std::fs::read(labs.at("again.alimentar")).unwrap()
    );
    // A directory with the delta before its base, and a file that is no archive.
    std::fs::create_dir(labs.at("stick")).unwrap();
    std::fs::rename(labs.at("two.alimentar"), labs.at("stick/a.alimentar")).unwrap();
    std::fs::rename(labs.at("one.alimentar"), labs.at("stick/b.alimentar")).unwrap();
    std::fs::write(labs.at("stick/c.alimentar"), b"not one").unwrap();
    let (said, code) = labs.import("d", "stick", &[]);
    assert_eq!(
        (code, said["imported"].as_array().unwrap().len()),
        (7, 2),
        "{said}"
    );
    assert_eq!(said["refused"].as_array().unwrap().len(), 1);
}

#[test]
fn archive_of_many_datasets_takes_volumes_in_any_order() {
    let labs = Scratch::new();
    labs.publisher("a");
    let noise = |seed: u64| {
        let mut bytes = vec![0; 10 << 20];
        blake3::Hasher::new()
            .update(&seed.to_le_bytes())
            .finalize_xof()
            .fill(&mut bytes);
        bytes
    };
    let shared = lines(3000, 5);
    labs.index(
        "a",
        "x",
        &[noise(1), shared.clone()].concat(),
        &["--sign", "--tag", "t"],
    );
    labs.index(
        "a",
        "y",
        &[noise(2), shared.clone()].concat(),
        &["--tag", "t"],
    );
    labs.index("a", "z", &shared, &["--private", "--tag", "t"]);
    std::fs::write(labs.at("card.md"), "---\nlicense: mit\n---\n# A card\n").unwrap();
    labs.done(
        "a",
        &["registry", "card", "x", "--set", &labs.text("card.md")],
    );
    let report = labs.export("a", &["--all", "--split", "9500000"], "all.alimentar");
    let paths = report["archives"][0]["paths"].as_array().unwrap().clone();
    assert!(paths.len() >= 3, "{report}");
    for path in &paths {
        assert!(std::fs::metadata(path.as_str().unwrap()).unwrap().len() <= 9_500_000);
    }
    let import = |home: &str, which: &[usize]| {
        let mut words = vec!["registry", "import"];
        words.extend(which.iter().map(|n| paths[*n].as_str().unwrap()));
        run(&labs.at(home), &words)
    };
    let missing = import("b", &[2, 0]);
    assert_eq!(missing.status.code(), Some(4));
    assert!(
        String::from_utf8_lossy(&missing.stdout).contains("volume 2"),
        "{}",
        String::from_utf8_lossy(&missing.stdout)
    );
    let mut shuffled: Vec<usize> = (0..paths.len()).rev().collect();
    shuffled.swap(0, 1);
    let done = import("b", &shuffled);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let list = answer(&labs.at("b"), &["registry", "list", "--all"]);
    assert_eq!(
        list["datasets"].as_array().unwrap().len(),
        2,
        "the private one stayed"
    );
    let card = answer(&labs.at("b"), &["registry", "card", "x"]);
    assert_eq!(card["frontmatter"]["license"], "mit");
    assert!(
        answer(&labs.at("b"), &["registry", "fsck"])["corrupt"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    // `cat` joins volumes for stock tools.
    let joined: Vec<u8> = paths
        .iter()
        .flat_map(|p| std::fs::read(p.as_str().unwrap()).unwrap())
        .collect();
    std::fs::write(labs.at("joined.alimentar"), joined).unwrap();
    assert_eq!(labs.import("c", "joined.alimentar", &[]).1, 0);
    // A damaged volume is named.
    let victim = paths[1].as_str().unwrap();
    let mut bytes = std::fs::read(victim).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(victim, bytes).unwrap();
    let damaged = import("e", &[0, 1, 2]);
    assert_eq!(damaged.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&damaged.stdout).contains(".002"));
    let tiny = run(
        &labs.at("a"),
        &[
            "registry",
            "export",
            "x",
            "-o",
            &labs.text("s"),
            "--split",
            "1M",
        ],
    );
    assert_eq!(tiny.status.code(), Some(2));
}

#[test]
fn import_of_many_datasets_lists_them_by_name_and_version() {
    let labs = Scratch::new();
    let names = ["b", "d", "a", "f", "c", "e"];
    for (seed, name) in (1..).zip(names) {
        labs.index("a", name, &lines(20, seed), &[]);
    }
    labs.export("a", &names, "many.alimentar");
    let (said, code) = labs.import("b", "many.alimentar", &[]);
    assert_eq!(code, 0, "{said}");
    let imported = said["imported"].as_array().unwrap().iter();
    let listed: Vec<_> = imported.map(|d| d["name"].as_str().unwrap()).collect();
    assert_eq!(listed, ["a", "b", "c", "d", "e", "f"]);
}

#[test]
fn trust_policy_decides_imports() {
    let labs = Scratch::new();
    let key = labs.publisher("a");
    labs.index("a", "corpus", &lines(300, 1), &["--sign"]);
    labs.index("a", "plain", &lines(300, 2), &[]);
    labs.export("a", &["corpus"], "signed.alimentar");
    labs.export("a", &["plain"], "plain.alimentar");
    for archive in ["signed.alimentar", "plain.alimentar"] {
        let (said, code) = labs.import("b", archive, &["--require-signature"]);
        assert_eq!((code, said["refused"].as_array().unwrap().len()), (5, 1));
    }
    answer(
        &labs.at("b"),
        &[
            "registry", "trust", "add", "lab-a", &key, "--level", "prompt",
        ],
    );
    assert_eq!(labs.import("b", "signed.alimentar", &[]).1, 5);
    let (dry, code) = labs.import(
        "b",
        "signed.alimentar",
        &["--accept-publisher", &key, "--dry-run"],
    );
    assert_eq!((code, dry["imported"].as_array().unwrap().len()), (0, 1));
    assert_eq!(
        answer(&labs.at("b"), &["registry", "list", "--all"])["datasets"],
        json!([])
    );
    assert_eq!(
        labs.import("b", "signed.alimentar", &["--accept-publisher", &key])
            .1,
        0
    );
    let (said, code) = labs.import("b", "plain.alimentar", &[]);
    assert_eq!(
        (code, &said["imported"][0]["trust"]),
        (0, &json!("unsigned"))
    );

    // A dataset that was made here is found before one from elsewhere.
    labs.index("b", "plain", &lines(300, 3), &[]);
    let info = answer(&labs.at("b"), &["registry", "verify", "plain"]);
    assert_eq!(info["trust"], "local");

    // A stranger with the same name is no rival of a trusted publisher.
    answer(&labs.at("b"), &["registry", "trust", "add", "lab-a", &key]);
    labs.publisher("m");
    labs.index(
        "m",
        "corpus",
        &lines(300, 9),
        &["--sign", "--version", "9.0.0"],
    );
    labs.export("m", &["corpus"], "mimic.alimentar");
    assert_eq!(labs.import("b", "mimic.alimentar", &[]).1, 0);
    assert_eq!(
        answer(&labs.at("b"), &["registry", "resolve", "corpus"])["version"],
        "0.1.0"
    );

    // Nor one whose name reads like it, and that is said.
    labs.index("m", "c0rpus", &lines(300, 8), &["--sign"]);
    labs.export("m", &["c0rpus"], "alike.alimentar");
    let alike = program(&labs.at("b"))
        .args(["registry", "import", &labs.text("alike.alimentar")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&alike.stderr).into_owned();
    assert!(said.contains("`c0rpus` reads like `corpus`"), "{said}");

    // A withdrawal, then a revocation, come with the next archive.
    labs.index("a", "second", &lines(300, 4), &["--sign"]);
    labs.done(
        "a",
        &["registry", "withdraw", "corpus", "--reason", "wrong rows"],
    );
    labs.export("a", &["second"], "second.alimentar");
    assert_eq!(labs.import("b", "second.alimentar", &[]).1, 0);
    let all = answer(&labs.at("b"), &["registry", "list", "--all"]);
    let corpus = all["datasets"]
        .as_array()
        .unwrap()
        .iter()
        .find(|d| d["name"] == "corpus" && d["publisher"] == "lab-a")
        .unwrap();
    assert_eq!(corpus["withdrawn"], "wrong rows");
    labs.export("a", &["corpus"], "corpus.alimentar");
    assert_eq!(
        labs.import("c", "corpus.alimentar", &[]).1,
        5,
        "withdrawn before it came"
    );
    labs.index("a", "third", &lines(300, 5), &["--sign"]);
    labs.export("a", &["third"], "third.alimentar");
    labs.done(
        "a",
        &["registry", "trust", "revoke", "a", "--reason", "stolen"],
    );
    labs.export("a", &["second"], "revoked.alimentar");
    let again = labs.export("a", &["third"], "vouched.alimentar");
    assert!(again["archives"][0]["bytes"].is_u64());
    assert_eq!(
        labs.import("b", "revoked.alimentar", &[]).1,
        0,
        "it is here already"
    );
    assert_eq!(
        answer(&labs.at("b"), &["registry", "verify", "second"])["trust"],
        "revoked"
    );
    assert_eq!(
        labs.import("d", "vouched.alimentar", &[]).1,
        0,
        "listed in the revocation"
    );
    assert_eq!(
        answer(&labs.at("d"), &["registry", "verify", "third"])["trust"],
        "revoked"
    );
}

#[test]
fn version_with_two_contents_is_reported() {
    let labs = Scratch::new();
    labs.publisher("a");
    std::fs::create_dir(labs.at("a2")).unwrap();
    std::fs::copy(labs.at("a/key.enc"), labs.at("a2/key.enc")).unwrap();
    labs.index("a", "corpus", &lines(300, 1), &["--sign"]);
    labs.index("a2", "corpus", &lines(300, 2), &["--sign"]);
    labs.export("a", &["corpus"], "one.alimentar");
    labs.export("a2", &["corpus"], "two.alimentar");
    assert_eq!(labs.import("b", "one.alimentar", &[]).1, 0);
    let out = program(&labs.at("b"))
        .args(["registry", "import", &labs.text("two.alimentar")])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&out.stderr).contains("two contents"));
    let resolved = run(&labs.at("b"), &["registry", "resolve", "corpus"]);
    assert_eq!(resolved.status.code(), Some(3));
    let list = answer(&labs.at("b"), &["registry", "list", "--all"]);
    let id = list["datasets"][0]["content_id"].as_str().unwrap();
    assert_eq!(
        answer(&labs.at("b"), &["registry", "info", id])["equivocation"],
        true
    );
}

#[test]
fn encrypted_archive_opens_only_for_its_recipients() {
    let labs = Scratch::new();
    labs.publisher("a");
    let mut noise = vec![0; 10 << 20];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    labs.index("a", "x", &noise, &["--sign"]);
    // Made by `age-keygen`, for this test.
    let recipient = "age1c9f4ghj6n3vlpjupqpr0f0z2j32fjn0yk9kctrzxu0lakr4xvcqqgejuhu";
    let identity =
        "# a comment\nAGE-SECRET-KEY-1FTF3PYQVAGYA7GJXWRYSRRSDU5RDLHJRUVZHZV2VF75MTYWKDJFQ38NQ4X\n";
    std::fs::write(labs.at("identity"), identity).unwrap();
    labs.export("a", &["x", "--recipient", recipient], "x.alimentar");
    let bytes = std::fs::read(labs.at("x.alimentar")).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1\n"));
    assert_eq!(labs.import("b", "x.alimentar", &[]).1, 5);
    let opens = ["--identity", &labs.text("identity")];
    assert_eq!(labs.import("b", "x.alimentar", &opens).1, 0);
    answer(&labs.at("b"), &["registry", "verify", "x"]);
    // Cut and bent.
    for (n, change) in [
        (0, &bytes[..bytes.len() / 2]),
        (1, &bytes[..bytes.len() - 1]),
    ] {
        let name = format!("cut{n}.alimentar");
        std::fs::write(labs.at(&name), change).unwrap();
        assert_ne!(labs.import("c", &name, &opens).1, 0);
    }
    // Volumes, in any order.
    let split = [&["x", "--split", "9500000", "--recipient", recipient][..]].concat();
    let report = labs.export("a", &split, "v.alimentar");
    let paths = report["archives"][0]["paths"].as_array().unwrap().clone();
    assert_eq!(paths.len(), 2);
    for path in &paths {
        assert!(std::fs::metadata(path.as_str().unwrap()).unwrap().len() <= 9_500_000);
    }
    let import = |home: &str, which: &[usize]| {
        let mut words = vec!["registry", "import", "--identity", opens[1]];
        words.extend(which.iter().map(|n| paths[*n].as_str().unwrap()));
        run(&labs.at(home), &words)
    };
    assert_eq!(import("d", &[0]).status.code(), Some(4));
    assert_eq!(import("d", &[1]).status.code(), Some(4));
    assert!(import("d", &[1, 0]).status.success());
    // By passphrase.
    std::fs::write(labs.at("pass"), "open sesame\n").unwrap();
    let pass = ["--passphrase-file", &labs.text("pass")];
    labs.export(
        "a",
        &[&["x", "--encrypt"][..], &pass].concat(),
        "p.alimentar",
    );
    assert_eq!(labs.import("e", "p.alimentar", &[]).1, 5);
    assert_eq!(labs.import("e", "p.alimentar", &pass).1, 0);
}

#[test]
fn import_of_an_archive_heals_lost_bytes() {
    let labs = Scratch::new();
    labs.index("a", "x", &lines(2000, 1), &[]);
    labs.export("a", &["x"], "x.alimentar");
    assert_eq!(labs.import("b", "x.alimentar", &[]).1, 0);
    let pack = labs.at("b/packs/00000001.pack");
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&pack, bytes).unwrap();
    let home = labs.at("b");
    assert_eq!(run(&home, &["registry", "fsck"]).status.code(), Some(4));
    assert_eq!(
        run(&home, &["registry", "fsck", "--repair"]).status.code(),
        Some(4)
    );
    assert_eq!(labs.import("b", "x.alimentar", &[]).1, 0);
    answer(&home, &["registry", "fsck"]);
    answer(&home, &["registry", "verify", "x"]);
    let (said, _) = labs.import("b", "x.alimentar", &[]);
    assert_eq!(said["already_here"].as_array().unwrap().len(), 1);
}

#[test]
fn revisions_travel_and_older_ones_are_ignored() {
    let labs = Scratch::new();
    labs.publisher("a");
    labs.index("a", "x", &lines(200, 1), &["--sign"]);
    labs.export("a", &["x"], "one.alimentar");
    labs.done("a", &["registry", "tag", "x", "--add", "new"]);
    labs.export("a", &["x"], "two.alimentar");
    assert_eq!(labs.import("b", "one.alimentar", &[]).1, 0);
    let (said, _) = labs.import("b", "two.alimentar", &[]);
    assert_eq!(
        (
            said["imported"].as_array().unwrap().len(),
            &said["imported"][0]["new_chunks"]
        ),
        (1, &json!(0))
    );
    let (said, _) = labs.import("b", "one.alimentar", &[]);
    assert_eq!(said["already_here"].as_array().unwrap().len(), 1, "{said}");
    assert_eq!(said["already_here"][0]["older"], true);
    let info = answer(&labs.at("b"), &["registry", "info", "x"]);
    assert_eq!((&info["tags"], &info["seq"]), (&json!(["new"]), &json!(2)));
    // Nor do they come back with a rebuilt index.
    std::fs::remove_file(labs.at("b/registry.redb")).unwrap();
    assert_eq!(
        answer(&labs.at("b"), &["registry", "info", "x"])["tags"],
        json!(["new"])
    );
}

/// Somebody who was given a copy edits it and gives it back, by archive and by pull.
#[test]
fn unsigned_edited_copy_by_archive_or_pull_keeps_the_original() {
    let labs = Scratch::new();
    let made = labs.index("a", "corpus", &lines(200, 1), &["--license", "MIT"]);
    let id = made["content_id"].as_str().unwrap();
    labs.export("a", &["corpus"], "given.alimentar");
    for (taker, edit) in [
        ("b", &["tag", "corpus", "--add", "theirs"][..]),
        ("c", &["rename", "corpus", "renamed"]),
    ] {
        assert_eq!(labs.import(taker, "given.alimentar", &[]).1, 0);
        answer(&labs.at(taker), &[&["registry"], edit].concat());
    }
    labs.export("b", &["corpus"], "back.alimentar");
    let (said, code) = labs.import("a", "back.alimentar", &[]);
    assert_eq!(
        (code, &said["imported"][0]["trust"]),
        (0, &json!("unsigned"))
    );
    // The same by pull, as the whole content id lets it in without a question.
    answer(&labs.at("c"), &["registry", "share", "renamed"]);
    let node = Serving::start(&labs.at("c"), &[]);
    let pulled = answer(
        &labs.at("a"),
        &["registry", "pull", id, "--peer", &node.addr()],
    );
    assert_eq!(pulled["trust"], "unsigned");
    drop(node);

    let is_apart = |tags: &Value| {
        let home = labs.at("a");
        let list = answer(&home, &["registry", "list"])["datasets"].clone();
        assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
        assert_eq!(
            (&list[0]["name"], &list[0]["trust"], &list[0]["tags"]),
            (&json!("corpus"), &json!("local"), tags)
        );
        let all = answer(&home, &["registry", "list", "--all"])["datasets"].clone();
        let trust_of = |d: &Value| d["trust"].as_str().unwrap().to_owned();
        let mut trusts: Vec<String> = all.as_array().unwrap().iter().map(trust_of).collect();
        trusts.sort();
        assert_eq!(trusts[0], "local", "{all}");
        assert!(trusts[1..].iter().all(|t| t == "unsigned"), "{all}");
        for reference in ["corpus", id] {
            let info = answer(&home, &["registry", "info", reference]);
            assert_eq!(
                (&info["name"], &info["trust"], &info["tags"]),
                (&json!("corpus"), &json!("local"), tags)
            );
            let verified = answer(&home, &["registry", "verify", reference]);
            assert_eq!(verified["trust"], "local");
        }
        let found = answer(&home, &["registry", "search", "corpus"]);
        assert_eq!(found["results"][0]["trust"], "local", "{found}");
        let log = answer(&home, &["registry", "log", "corpus"]);
        let trusts = log["versions"].as_array().unwrap().iter();
        assert!(trusts.clone().any(|v| v["trust"] == "local"), "{log}");
        // Peers see the dataset that was made here.
        let node = Serving::start(&home, &["--share-unsigned"]);
        let seen = answer(
            &labs.at("d"),
            &["registry", "list", "--all", "--peer", &node.addr()],
        );
        assert_eq!(seen["datasets"].as_array().unwrap().len(), 1, "{seen}");
        assert_eq!(&seen["datasets"][0]["tags"], tags);
    };
    is_apart(&json!([]));
    answer(
        &labs.at("a"),
        &["registry", "tag", "corpus", "--add", "own"],
    );
    is_apart(&json!(["own"]));
    std::fs::remove_file(labs.at("a").join("registry.redb")).unwrap();
    is_apart(&json!(["own"]));
}
