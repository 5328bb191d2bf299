//! Cards as a user meets them.

use crate::support::answer;
use crate::support::lines;
use crate::support::run;

#[test]
fn card_is_the_readme_or_else_a_draft() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("rows.jsonl"), lines(10, 1)).unwrap();
    let readme = "---\nlicense: cc-by-4.0\ntags: [speech]\nown: 1\n---\n# Voices\n\nMany voices.\n";
    std::fs::write(data.join("README.md"), readme).unwrap();
    answer(
        &home,
        &["registry", "index", data.to_str().unwrap(), "--tag", "raw"],
    );
    let info = answer(&home, &["registry", "info", "data"]);
    assert_eq!(info["license"], "cc-by-4.0");
    assert_eq!(info["tags"], serde_json::json!(["raw", "speech"]));
    let card = answer(&home, &["registry", "card", "data"]);
    assert_eq!(
        (&card["frontmatter"]["own"], &card["drafted"]),
        (&1.into(), &false.into())
    );
    assert!(card["markdown"].as_str().unwrap().contains("Many voices."));
    let page = answer(&home, &["registry", "card", "data", "--html"]);
    assert!(page["html"].as_str().unwrap().contains("<h1>Voices</h1>"));
    // A single file has a draft until it is given a card.
    let file = data.join("rows.jsonl");
    answer(&home, &["registry", "index", file.to_str().unwrap()]);
    let draft = answer(&home, &["registry", "card", "rows"]);
    assert_eq!(draft["drafted"], true);
    assert!(
        draft["markdown"]
            .as_str()
            .unwrap()
            .contains("| text | Utf8 |")
    );
    let given = dir.path().join("card.md");
    std::fs::write(&given, "---\nlicense: mit\ntags: [x]\n---\nplain words").unwrap();
    let set = answer(
        &home,
        &["registry", "card", "rows", "--set", given.to_str().unwrap()],
    );
    assert_eq!(
        (&set["drafted"], &set["markdown"]),
        (&false.into(), &"plain words".into())
    );
    let info = answer(&home, &["registry", "info", "rows"]);
    assert_eq!(
        (&info["license"], &info["tags"][0]),
        (&"mit".into(), &"x".into())
    );
    // Cards survive a collection and a rebuild.
    answer(&home, &["registry", "gc", "--keep-days", "0"]);
    std::fs::remove_file(home.join("registry.redb")).unwrap();
    assert_eq!(
        answer(&home, &["registry", "card", "rows"])["markdown"],
        "plain words"
    );
    answer(&home, &["registry", "fsck"]);
}

#[test]
fn card_with_mistakes_is_refused_or_shown_with_them() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let file = dir.path().join("f.jsonl");
    std::fs::write(&file, lines(10, 1)).unwrap();
    let card = dir.path().join("card.md");
    let index = |name: &str| {
        let words = [
            "registry",
            "index",
            file.to_str().unwrap(),
            "--name",
            name,
            "--card",
            card.to_str().unwrap(),
        ];
        run(&home, &words)
    };
    std::fs::write(&card, vec![b'x'; (1 << 20) + 1]).unwrap();
    assert_eq!(index("long").status.code(), Some(2));
    assert_eq!(
        answer(&home, &["registry", "list"])["datasets"],
        serde_json::json!([])
    );
    std::fs::write(&card, "---\nlicense: mit\nbad: *nothing\n---\nstill here").unwrap();
    assert_eq!(index("broken").status.code(), Some(0));
    let shown = answer(&home, &["registry", "card", "broken"]);
    assert!(
        shown["error"].as_str().unwrap().starts_with("line 3"),
        "{shown}"
    );
    assert_eq!(shown["markdown"], "still here");
    std::fs::write(&card, [0, 159, 146, 150, 255]).unwrap();
    assert_eq!(index("binary").status.code(), Some(0));
    let page = run(&home, &["registry", "card", "binary"]);
    assert_eq!(page.status.code(), Some(0));
}
