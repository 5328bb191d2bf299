//! The page for people: its markup, headers, paging, search, and what it hides.

use serde_json::json;

use super::Place;
use super::Server;
use crate::support::http::Reply;

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Text that would be a script, an attribute, or an order of characters, if it were not escaped.
const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}&amp;";

/// A place with a file of 120 rows, 12 of which hold the word `needle`.
fn with_rows() -> Place {
    let place = Place::empty();
    let rows = (0..120).map(|n| {
        let text = if n % 10 == 3 {
            format!("a needle {n}")
        } else {
            format!("straw {n}")
        };
        json!({"n": n, "text": text}).to_string() + "\n"
    });
    place.write("rows.jsonl", rows.collect::<String>().as_bytes());
    place.index("rows.jsonl", "straws", &["--version", "1.0.0"]);
    place
}

/// Asserts that an answer is a page without a script or a style of data.
fn is_page(reply: &Reply) -> String {
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("text/html"),
        "{}",
        reply.text()
    );
    let policy = reply.header("content-security-policy").unwrap();
    assert_eq!(policy.replace("connect-src 'self'; ", ""), POLICY);
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(reply.header("cache-control"), Some("private, no-cache"));
    let text = reply.text();
    assert_eq!(text.matches("<script").count(), 1, "{text}");
    assert_eq!(text.matches("<h1").count(), 1, "{text}");
    for bad in ["<img", " style=", "<style", "=\"javascript:", "\u{202e}"] {
        assert!(!text.contains(bad), "{bad} in {text}");
    }
    text
}

fn page(server: &Server, path: &str) -> String {
    let reply = server.get(path);
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    is_page(&reply)
}

#[test]
fn names_columns_rows_and_cards_of_others_become_text() {
    let place = Place::empty();
    let row = json!({HOSTILE: HOSTILE, "messages": [{"role": HOSTILE, "content": HOSTILE}]});
    place.write("data/a.jsonl", format!("{row}\n{row}\n").as_bytes());
    place.write(
        "data/<b>'&\".csv",
        format!("x,\"{}\"\n1,2\n", HOSTILE.replace('"', "\"\"")).as_bytes(),
    );
    let card = format!(
        "---\nlicense: MIT\n---\n# Hi {HOSTILE}\n\n{HOSTILE}\n\n[a](javascript:alert(1)) ![b](http://x.example/p)\n\n|a|\n|:-:|\n|b|\n"
    );
    place.write("data/README.md", card.as_bytes());
    let tag = "<b>\"tag\"</b>";
    place.index(
        "data",
        "hostile",
        &["--version", "1.0.0", "--tag", tag, "--description", HOSTILE],
    );
    let server = place.serve(&[]);
    for path in [
        "/",
        "/?q=hi",
        "/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/d/local",
        "/d/local/hostile",
        "/d/local/hostile@1.0.0",
        "/d/local/hostile@1.0.0/file/a.jsonl",
        "/d/local/hostile@1.0.0/file/a.jsonl?view=table",
        "/d/local/hostile@1.0.0/file/a.jsonl?view=table&q=%3Cscript%3E",
        "/d/local/hostile@1.0.0/file/a.jsonl?view=columns",
        "/d/local/hostile@1.0.0/file/a.jsonl?row=1",
        "/d/local/hostile@1.0.0/file/README.md",
        "/d/local/hostile@1.0.0/file/%3Cb%3E'%26%22.csv",
        "/d/local/hostile@1.0.0/file/%3Cb%3E'%26%22.csv?view=columns",
        "/connect",
        "/connect?dataset=local/hostile@1.0.0",
        "/connect?dataset=%22%3E%3Cscript%3E",
        "/peers",
    ] {
        page(&server, path);
    }
    let rows = page(&server, "/d/local/hostile@1.0.0/file/a.jsonl?view=table");
    assert!(
        rows.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{rows}"
    );
    assert!(rows.contains("⟨U+202E⟩"), "{rows}");
    let dataset = page(&server, "/d/local/hostile@1.0.0");
    assert!(
        dataset.contains("&lt;b&gt;&quot;tag&quot;&lt;/b&gt;"),
        "{dataset}"
    );
}

#[test]
fn rows_are_paged_and_found() {
    let place = with_rows();
    let server = place.serve(&[]);
    let file = "/d/local/straws@1.0.0/file/rows.jsonl";
    let first = page(&server, file);
    assert!(
        first.contains("straw 0<") && first.contains("straw 49<") && !first.contains("straw 50<")
    );
    assert!(first.contains("offset=50\""), "{first}");
    let last = page(&server, &format!("{file}?offset=100"));
    assert!(
        last.contains("straw 100<") && last.contains("straw 119<"),
        "{last}"
    );
    assert!(
        last.contains("offset=50\"") && !last.contains("offset=150"),
        "{last}"
    );
    assert!(page(&server, &format!("{file}?offset=9999999")).contains("no rows from here"));
    let found = page(&server, &format!("{file}?q=NEEDLE+%5B0-9%5D%2B3%24"));
    assert!(found.contains("0 rows match"), "{found}");
    let found = page(&server, &format!("{file}?q=needle"));
    assert!(
        found.contains("12 rows match, of all rows up to the end"),
        "{found}"
    );
    assert!(found.contains("<mark>needle</mark> 113"), "{found}");
    let rest = page(&server, &format!("{file}?q=needle&offset=100"));
    assert!(rest.contains("2 rows match from row 100 on"), "{rest}");
    let broken = page(&server, &format!("{file}?q=((("));
    assert!(broken.contains("invalid regular expression"), "{broken}");
    let single = page(&server, &format!("{file}?row=73"));
    assert!(
        single.contains("a needle 73") && single.contains("row=72") && single.contains("row=74")
    );
    assert!(page(&server, &format!("{file}?row=5000")).contains("There is no such row"));
    let figures = page(&server, &format!("{file}?view=columns"));
    assert!(
        figures.contains("all 120 rows") && figures.contains("<svg"),
        "{figures}"
    );
    let command = "alimentar inspect lines straws@1.0.0:rows.jsonl --start 0 --count 50";
    assert!(first.contains(command), "{first}");
}

#[test]
fn messages_are_shown_as_a_chat() {
    let place = Place::empty();
    let row = json!({"id": 7, "messages": [
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": "<think>hm hm</think>Because.", "tool_calls": [{"function": {"name": "look", "arguments": "{\"x\":1}"}}]},
    ]});
    place.write("chat.jsonl", format!("{row}\n").as_bytes());
    place.index("chat.jsonl", "chats", &[]);
    let server = place.serve(&[]);
    let text = page(&server, "/d/local/chats@0.1.0/file/chat.jsonl");
    for good in [
        "message user",
        "Why?",
        "<details><summary>thinking, 2 words</summary>",
        "Because.",
        "→ look",
    ] {
        assert!(text.contains(good), "{good} in {text}");
    }
    let table = page(&server, "/d/local/chats@0.1.0/file/chat.jsonl?view=table");
    assert!(table.contains("<table>") && !table.contains("message user"));
}

#[test]
fn search_finds_names_cards_and_columns() {
    let place = with_rows();
    place.write("b/data.csv", b"colour,price\nred,1\n");
    place.write("b/README.md", b"# Shades\n\nHues of autumn leaves.\n");
    place.index("b", "leaves", &[]);
    let server = place.serve(&[]);
    let all = page(&server, "/");
    assert!(
        all.contains("/d/local/leaves\"") && all.contains("/d/local/straws\""),
        "{all}"
    );
    for words in ["leav", "autumn", "colour", "name:leaves"] {
        let found = page(&server, &format!("/?q={words}"));
        assert!(
            found.contains("/d/local/leaves@0.1.0\""),
            "{words}: {found}"
        );
        assert!(!found.contains("/d/local/straws@"), "{words}: {found}");
    }
    assert!(page(&server, "/?q=nothingatall").contains("Nothing matches"));
    assert!(page(&server, "/?q=nofield:x").contains("there is no field"));
    let of = page(&server, "/d/local");
    assert!(of.contains("Datasets of local"), "{of}");
}

#[test]
fn datasets_that_are_not_shown_are_nowhere_on_the_pages() {
    let place = with_rows();
    place.write("secret.jsonl", b"{\"hidden\": \"unspeakable\"}\n");
    place.index("secret.jsonl", "secret", &["--private"]);
    place.write("tree.csv", b"a\n1\n");
    place.index("tree.csv", "maple", &[]);
    place.write("other.csv", b"a\n2\n");
    place.index("other.csv", "maplo", &["--private"]);
    let server = place.serve(&[]);
    let shown = page(&server, "/");
    assert!(!shown.contains("secret"), "{shown}");
    for words in ["secret", "hidden"] {
        let found = page(&server, &format!("/?q={words}"));
        assert!(!found.contains("/d/local/secret"), "{found}");
    }
    assert!(page(&server, "/?q=secret").contains("Nothing matches"));
    // A word of a hidden dataset does not keep similar words of others from being found.
    let similar = page(&server, "/?q=maplo");
    let is_found = similar.contains("one letter changed") && similar.contains("/d/local/maple@");
    assert!(is_found, "{similar}");
    for path in [
        "/d/local/secret",
        "/d/local/secret@0.1.0",
        "/d/local/secret@0.1.0/file/secret.jsonl",
        "/d/local/secret@0.1.0/raw/secret.jsonl",
    ] {
        let reply = server.get(path);
        assert_eq!(reply.status, 404, "{path}");
        let absent = server.get(&path.replace("secret", "absent"));
        assert_eq!(reply.text(), absent.text(), "{path}");
    }
    assert!(!page(&server, "/connect").contains("local/secret"));
}

#[test]
fn pages_that_are_none_say_so() {
    let place = with_rows();
    let server = place.serve(&[]);
    for path in [
        "/nothing",
        "/d/nobody",
        "/d/local/straws@9.9.9",
        "/d/local/straws/nothing",
        "/d/local/straws@1.0.0/file/other.jsonl",
        "/d/local/straws@1.0.0/raw/other.jsonl",
        "/assets/style.0000000000000000.css",
    ] {
        let reply = server.get(path);
        assert_eq!(reply.status, 404, "{path}");
        assert!(is_page(&reply).contains("There is no such page"), "{path}");
    }
    let post = server.ask("POST", "/d/local/straws", &[], b"x");
    assert_eq!(
        (post.status, post.header("allow")),
        (405, Some("GET, HEAD"))
    );
}

#[test]
fn head_and_conditions_work_on_pages() {
    let place = with_rows();
    let server = place.serve(&[]);
    for path in [
        "/",
        "/d/local/straws",
        "/d/local/straws@1.0.0/file/rows.jsonl",
        "/connect",
        "/peers",
    ] {
        let whole = server.get(path);
        let head = server.ask("HEAD", path, &[], b"");
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(
            head.header("content-length"),
            whole.header("content-length"),
            "{path}"
        );
        let etag = whole.header("etag").unwrap();
        let again = server.ask("GET", path, &[("If-None-Match", etag)], b"");
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
}

#[test]
fn bytes_are_downloaded_and_never_shown() {
    let place = Place::empty();
    place.write("d/page é.html", b"<script>alert(1)</script>");
    place.write("d/x.csv", b"a\n1\n");
    place.index("d", "pages", &[]);
    let server = place.serve(&[]);
    let raw = server.get("/d/local/pages@0.1.0/raw/page%20%C3%A9.html");
    assert_eq!(raw.body, b"<script>alert(1)</script>");
    assert_eq!(raw.header("content-type"), Some("application/octet-stream"));
    assert_eq!(raw.header("x-content-type-options"), Some("nosniff"));
    let disposition = raw.header("content-disposition").unwrap();
    assert_eq!(
        disposition,
        "attachment; filename=\"page _.html\"; filename*=UTF-8''page%20%C3%A9.html"
    );
    assert!(
        raw.header("content-security-policy")
            .unwrap()
            .contains("sandbox")
    );
    let range = server.ask(
        "GET",
        "/d/local/pages@0.1.0/raw/x.csv",
        &[("Range", "bytes=2-2")],
        b"",
    );
    assert_eq!(
        (range.status, range.body.as_slice()),
        (206, b"1".as_slice())
    );
}

#[test]
fn assets_are_kept_for_ever_under_their_hash() {
    let place = with_rows();
    let server = place.serve(&[]);
    let text = page(&server, "/");
    let mut found = 0;
    for piece in text.split("\"/assets/").skip(1) {
        let name = piece.split('"').next().unwrap();
        let reply = server.get(&format!("/assets/{name}"));
        assert_eq!(reply.status, 200, "{name}");
        assert_eq!(
            reply.header("cache-control"),
            Some("public, max-age=31536000, immutable")
        );
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        let hash = blake3::hash(&reply.body).to_hex();
        assert_eq!(name.split('.').nth(1), hash.get(..16));
        found += 1;
    }
    assert_eq!(found, 3);
}

#[test]
fn connect_page_has_the_lines_that_the_command_prints() {
    let place = with_rows();
    let server = place.serve(&[]);
    let text = page(&server, "/connect?dataset=local/straws");
    let lines = text
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&gt;", ">");
    let http = format!("http://{}", server.http());
    for wanted in [
        format!("export HF_ENDPOINT={http}"),
        "hf download --repo-type dataset local/straws --revision 1.0.0".to_owned(),
        "scan_ndjson(\"s3://datasets/local/straws@1.0.0/rows.jsonl\"".to_owned(),
        format!("curl -fLO {http}/datasets/local/straws/resolve/1.0.0/rows.jsonl"),
        format!("--endpoint-url http://{}", server.s3()),
    ] {
        assert!(lines.contains(&wanted), "{wanted} in {lines}");
    }
}

#[test]
fn token_shows_its_datasets_alone() {
    let place = with_rows();
    place.write("other.csv", b"colour\nred\n");
    place.index("other.csv", "other", &[]);
    let words = ["registry", "token", "add", "ada", "--dataset", "straws"];
    let token = place.answer(&words);
    let secret = format!("Bearer {}", token["tokens"][0]["secret"].as_str().unwrap());
    let server = place.serve(&["--access", "listed"]);
    let ask = |path: &str| server.ask("GET", path, &[("Authorization", &secret)], b"");
    let all = is_page(&ask("/"));
    assert!(
        all.contains("/d/local/straws\"") && !all.contains("other"),
        "{all}"
    );
    assert!(is_page(&ask("/?q=colour")).contains("Nothing matches"));
    assert!(!is_page(&ask("/connect")).contains("local/other"));
    assert_eq!(ask("/d/local/other").text(), ask("/d/local/absent").text());
    assert_eq!(ask("/d/local/straws").status, 200);
    let without = server.get("/");
    // A browser asks the person for the secret.
    assert_eq!(without.status, 401);
    assert!(!without.text().contains("straws"), "{}", without.text());
}

#[test]
fn page_says_what_it_leaves_out() {
    let place = Place::empty();
    let names = (0..1_005).map(|n| format!("c{n}"));
    let header = names.collect::<Vec<_>>().join(",");
    let row = vec!["1"; 1_005].join(",");
    place.write("wide.csv", format!("{header}\n{row}\n{row}\n").as_bytes());
    let tags: Vec<String> = (0..10).map(|n| format!("tag-{n}")).collect();
    let words: Vec<&str> = tags
        .iter()
        .flat_map(|tag| ["--tag", tag.as_str()])
        .collect();
    place.index("wide.csv", "wide", &words);
    let server = place.serve(&[]);
    assert!(page(&server, "/").contains("and 2 further tags"));
    let dataset = page(&server, "/d/local/wide");
    assert!(dataset.contains("And 705 further columns."), "{dataset}");
    let said = "Only the first 1\u{202f}000 columns are read here";
    for path in [
        "/d/local/wide/file/wide.csv",
        "/d/local/wide/file/wide.csv?row=1",
    ] {
        let text = page(&server, path).replace(['\u{a0}', '\u{2009}'], "\u{202f}");
        assert!(text.contains(said), "{path}: {text}");
    }
}
