//! Search as a user meets it; its index is derived and looks after itself.

use std::path::Path;

use serde_json::Value;

use crate::support::answer;
use crate::support::run;

fn names(found: &Value) -> Vec<&str> {
    let results = found["results"].as_array().unwrap().iter();
    results.map(|r| r["name"].as_str().unwrap()).collect()
}

fn index(home: &Path, dir: &Path, name: &str, row: &str, more: &[&str]) {
    let file = dir.join(format!("{name}.jsonl"));
    std::fs::write(&file, format!("{row}\n").repeat(3)).unwrap();
    let words = [&["registry", "index", file.to_str().unwrap()], more].concat();
    answer(home, &words);
}

#[test]
fn search_finds_datasets_by_words_columns_and_licence() {
    let dir = tempfile::tempdir().unwrap();
    let (home, dir) = (dir.path().join("home"), dir.path());
    index(
        &home,
        dir,
        "grade-math",
        r#"{"question":"q","answer":"a"}"#,
        &[
            "--license",
            "MIT",
            "--description",
            "Word problems in mathematics",
        ],
    );
    index(
        &home,
        dir,
        "voices",
        r#"{"audio":{"path":"p","rate":1},"text":"t"}"#,
        &[
            "--license",
            "CC-BY-4.0",
            "--tag",
            "speech",
            "--description",
            "People reading aloud",
        ],
    );
    let find = |words: &[&str]| answer(&home, &[&["registry", "search"], words].concat());
    for begun in ["voi", "name:gra", "spee", "aud"] {
        let found = find(&[begun]);
        let wanted = if begun == "name:gra" {
            "grade-math"
        } else {
            "voices"
        };
        assert_eq!(names(&found), [wanted], "{begun}");
        assert_eq!(found["corrected"], false, "{begun}");
    }
    let found = find(&["mathematic"]);
    assert_eq!(names(&found), ["grade-math"]);
    let first = &found["results"][0];
    assert!(first["score"].as_f64().unwrap() > 0.0);
    assert!(
        first["snippet"]
            .as_str()
            .unwrap()
            .contains("**mathematics**")
    );
    assert_eq!(first["license"], "MIT");
    assert_eq!(names(&find(&["license:mit"])), ["grade-math"]);
    assert_eq!(names(&find(&["--schema", "audio.rate"])), ["voices"]);
    assert_eq!(names(&find(&["speech", "--schema", "answer"])), [""; 0]);
    let corrected = find(&["voicse"]);
    assert_eq!(
        (names(&corrected), &corrected["corrected"]),
        (vec!["voices"], &true.into())
    );
    for (query, code) in [
        ("\"unclosed", 2),
        ("AND AND", 0),
        ("colour:red", 2),
        ("", 2),
    ] {
        let words: Vec<&str> = ["registry", "search"]
            .into_iter()
            .chain((!query.is_empty()).then_some(query))
            .collect();
        assert_eq!(run(&home, &words).status.code(), Some(code), "{query}");
    }
}

#[test]
fn search_index_follows_the_registry_and_heals() {
    let dir = tempfile::tempdir().unwrap();
    let (home, dir) = (dir.path().join("home"), dir.path());
    for name in ["one", "two", "three"] {
        index(
            &home,
            dir,
            name,
            &format!(r#"{{"x":"{name}"}}"#),
            &["--tag", "number"],
        );
    }
    let sorted = || {
        let found = answer(&home, &["registry", "search", "number"]);
        let mut names: Vec<String> = names(&found).iter().map(|n| (*n).to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(sorted(), ["one", "three", "two"]);
    answer(&home, &["registry", "unindex", "two"]);
    answer(&home, &["registry", "rename", "three", "drei"]);
    assert_eq!(sorted(), ["drei", "one"]);
    std::fs::remove_dir_all(home.join("search")).unwrap();
    assert_eq!(sorted(), ["drei", "one"]);
    // Every file cut short, filled with rubbish, or gone.
    let files = || -> Vec<_> {
        let entries = std::fs::read_dir(home.join("search/index")).unwrap();
        entries.map(|e| e.unwrap().path()).collect()
    };
    for n in 0..files().len().min(12) {
        for harm in 0..3 {
            let files = files();
            let Some(file) = files.get(n) else { continue };
            match harm {
                0 => std::fs::remove_file(file).unwrap(),
                1 => std::fs::write(file, b"rubbish").unwrap(),
                _ => {
                    let mut bytes = std::fs::read(file).unwrap();
                    let half = bytes.len() / 2;
                    bytes.iter_mut().skip(half).for_each(|b| *b ^= 0x55);
                    std::fs::write(file, bytes).unwrap();
                }
            }
            let out = run(&home, &["registry", "search", "number"]);
            let said = String::from_utf8_lossy(&out.stderr);
            assert_eq!(out.status.code(), Some(0), "{}: {said}", file.display());
            assert_eq!(sorted(), ["drei", "one"], "{} {harm}", file.display());
        }
    }
    std::fs::remove_dir_all(home.join("search")).unwrap();
    assert_eq!(sorted(), ["drei", "one"]);
}

#[test]
fn search_stems_words_in_the_language_of_the_card() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    for (name, language, text) in [
        ("haus", "de", "Beschreibungen vieler Häuser und Wohnungen"),
        ("casa", "es", "descripciones de viviendas y ciudades"),
        ("house", "en", "descriptions of houses and cities"),
    ] {
        let (file, card) = (dir.path().join(name), dir.path().join(format!("{name}.md")));
        std::fs::write(&file, name).unwrap();
        std::fs::write(&card, format!("---\nlanguage: {language}\n---\n{text}\n")).unwrap();
        let words = [
            "registry",
            "index",
            file.to_str().unwrap(),
            "--card",
            card.to_str().unwrap(),
        ];
        answer(&home, &words);
    }
    let found = |query: &str| -> Vec<String> {
        let said = answer(&home, &["registry", "search", query]);
        assert_eq!(said["corrected"], false, "{query}");
        let names = said["results"].as_array().unwrap().iter();
        names
            .map(|r| r["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(found("Wohnung"), ["haus"]);
    assert_eq!(found("Beschreibung"), ["haus"]);
    assert_eq!(found("vivienda"), ["casa"]);
    assert_eq!(found("ciudad"), ["casa"]);
    assert_eq!(found("city"), ["house"]);
    assert_eq!(found("\"viele Haus\""), ["haus"]);
    assert_eq!(found("\"viele Wohnung\""), Vec::<String>::new());
    assert_eq!(found("\"viele Häuser\""), ["haus"]);
    assert_eq!(found("Wohnung lang:de"), ["haus"]);
}
