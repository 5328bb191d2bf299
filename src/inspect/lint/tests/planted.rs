//! Rows with faults, for the tests: of each rule those of which it speaks, and those of which it must not.

use crate::inspect::lint::RuleId;

/// Rows that a rule must speak of, and rows like them of which it must not. `~` is a newline of a
/// chat's text; a row that begins with `=` is plain text.
pub(in crate::inspect::lint) fn planted() -> Vec<(RuleId, Vec<String>, Vec<String>)> {
    let text = |t: &str| serde_json::json!({ "text": t }).to_string();
    let chat = |turns: &[(&str, &str)]| {
        let turns = turns
            .iter()
            .map(|(role, said)| serde_json::json!({"role": role, "content": said}));
        serde_json::json!({ "messages": turns.collect::<Vec<_>>() }).to_string()
    };
    let owned = |rows: &[&str]| rows.iter().map(|r| (*r).to_owned()).collect::<Vec<_>>();
    let texts = |rows: &[&str]| rows.iter().map(|r| text(r)).collect::<Vec<_>>();
    let call = r#"{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]}"#;
    let user = r#"{"role":"user","content":"q"}"#;
    let answer = r#"{"role":"assistant","content":"a"}"#;
    let result = r#"{"role":"tool","tool_call_id":"c1","content":"1"}"#;
    let blocks = r#"{"role":"assistant","content":[{"type":"text","text":"x"},{"type":"tool_use","id":"t1","name":"f","input":{}}]}"#;
    let block_result =
        r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"1"}]}"#;
    let messages = |all: &[&str]| format!("{{\"messages\":[{}]}}", all.join(","));
    vec![
        (
            RuleId::MalformedJson,
            owned(&[r#"{"a":1,}"#, r#"{"a":01}"#, "{'a':1}", r#"{"a":1} x"#, r#"{"a":"#]),
            owned(&[r#"{"a":1}"#, " [1, 2] "]),
        ),
        (
            RuleId::DuplicateKey,
            owned(&[r#"{"a":1,"a":2}"#, r#"{"x":[{"b":1,"\u0062":2}]}"#]),
            owned(&[r#"{"a":1,"b":{"a":1}}"#]),
        ),
        (
            RuleId::LoneSurrogate,
            owned(&[r#"{"a":"x\ud83d y"}"#, r#"{"a":"\ude00"}"#]),
            owned(&[r#"{"a":"x\ud83d\ude00 y"}"#, r#"{"a":"\\ud83d"}"#]),
        ),
        (
            RuleId::ControlCharacter,
            owned(&[r#"{"a":"\u001b[31m"}"#, r#"{"a":"\frac{1}{2}"}"#, "=\u{7f}x", "=a\u{85}"]),
            owned(&[r#"{"a":"\t\n\r"}"#, r#"{"a":"\\frac{1}{2}"}"#]),
        ),
        (
            RuleId::NulCharacter,
            owned(&[r#"{"a":"x\u0000"}"#, "=x\0y"]),
            owned(&[r#"{"a":"x\\u0000"}"#]),
        ),
        (
            RuleId::EmptyRow,
            owned(&["{}", "[]", "null", "\"\""]),
            owned(&["0", r#"{"a":null}"#, "[[]]"]),
        ),
        (
            RuleId::RepeatedField,
            owned(&[r#"{"a":"the same text twice","b":1,"c":"the same text twice"}"#]),
            owned(&[r#"{"a":"the same text twice","b":"the same text once."}"#, r#"{"a":"x","b":"x"}"#]),
        ),
        (
            RuleId::RepeatedText,
            texts(&[&"I am sorry. ".repeat(60), &format!("Well: {}", "a very long piece of text, that comes again and again".repeat(100))]),
            texts(&[&"I am sorry. ".repeat(6), &(0..300).map(|n| format!("row {n} ")).collect::<String>()]),
        ),
        (
            RuleId::ReplacementCharacter,
            vec![text("x\u{fffd}y"), r#"{"a":"\ufffd"}"#.to_owned()],
            texts(&["x\u{fffc}y"]),
        ),
        (
            RuleId::Mojibake,
            vec![
                text("caf\u{c3}\u{a9}"),
                text("it\u{e2}\u{20ac}\u{2122}s"),
                text("it\u{e2}\u{80}\u{99}s"),
                text("\u{f0}\u{178}\u{2dc}\u{20ac}"),
                text("\u{d0}\u{bf}\u{d1}\u{20ac}\u{d0}\u{b8}"),
                r#"{"a":"caf\u00c3\u00a9"}"#.to_owned(),
            ],
            texts(&[
                "café", "It’s “so”", "Spaß« und Maß»", "café » oui", "ÃO", "São Paulo", "à «", "привет", "naïve…", "été…", "N° «é»…", "日本語、です", "é…»",
            ]),
        ),
        (
            RuleId::ZeroWidth,
            vec![text("a\u{200b}b"), text("x\u{2060}"), text("a\u{200d}b"), text("m\u{feff}n"), r#"{"a":"x\u200b"}"#.to_owned()],
            texts(&["👨\u{200d}👩\u{200d}👧", "می\u{200c}خواهم"]),
        ),
        (
            RuleId::BidiControl,
            vec![text("a\u{202e}b"), text("\u{2066}x"), r#"{"a":"\u202e"}"#.to_owned()],
            texts(&["שלום", "a\u{200f}b"]),
        ),
        (
            RuleId::SpecialToken,
            texts(&["end<|endoftext|>", "<|im_start|>user", "[INST] x", "x [/INST]", "a<end_of_turn>", "<\u{ff5c}User\u{ff5c}>", "done</s>"]),
            texts(&["a <| b |> c", "f <|> g", "<||>"]),
        ),
        (
            RuleId::UnbalancedFence,
            texts(&["x\n```rust\nfn f() {}\n", "```\na\n````\n```\nb\n```x\n"]),
            texts(&["x\n```rust\nfn f() {}\n```\n", "  - a\n    ```\n    b\n    ```", "````\n```\n````", "use ``` here", "```x```"]),
        ),
        (
            RuleId::UnbalancedThink,
            texts(&["<think>so", "so</think>a", "<think>a<think>b</think>", "</think><think>", "<think type=\"deep\">so"]),
            texts(&["<think a=\"b\">so</think>a", "Use the <think> tag to reason.", "Put it in `<think>` first.", "<think>so</think>a", "think>", "<think>a</think><think>b</think>", "<thinking>\nx</thinking>"]),
        ),
        (
            RuleId::ThinkingOnly,
            texts(&["<think>so</think>", "<thinking>\nx</thinking>\n "]),
            texts(&["<think>so</think> 4", "<think>so", "x", "close it with </think> tag"]),
        ),
        (
            RuleId::TagCharacter,
            vec![text("hi\u{e0049}\u{e0067}"), r#"{"a":"\udb40\udc41"}"#.to_owned()],
            texts(&["\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}", "\u{f0000}"]),
        ),
        (
            RuleId::LineSeparator,
            vec!["=a\rb".to_owned(), text("a\u{2028}b"), "{\"a\":1,\r\"b\":2}".to_owned()],
            owned(&[r#"{"a":"x\u2028y\r\n"}"#, "=x"]),
        ),
        (
            RuleId::NanNumber,
            owned(&[r#"{"a":NaN}"#, r#"{"a":[1,-Infinity]}"#, "Infinity"]),
            owned(&[r#"{"a":"NaN"}"#, r#"{"a":NaN"#, r#"{"a":1e400}"#]),
        ),
        (
            RuleId::PreferencePair,
            owned(&[
                r#"{"prompt":"q","chosen":"a","rejected":""}"#,
                r#"{"prompt":"q","chosen":null,"rejected":"b"}"#,
                r#"{"prompt":"q","chosen":"a","rejected":"a"}"#,
                r#"{"chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"rejected":[{"role":"user","content":"q"},{"role":"user","content":"b"}]}"#,
                r#"{"chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"rejected":[{"role":"user","content":"p"},{"role":"assistant","content":"b"}]}"#,
                r#"{"chosen":[{"role":"user","content":"q"},{"role":"assistant","content":" "}],"rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"b"}]}"#,
            ]),
            owned(&[
                r#"{"prompt":"q","chosen":"a","rejected":"b"}"#,
                r#"{"chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"b"}]}"#,
                r#"{"chosen":"","other":"x"}"#,
            ]),
        ),
        (
            RuleId::ToolArguments,
            vec![
                messages(&[user, &call.replace("\"{}\"", "\"{x\"")]),
                messages(&[user, &call.replace("\"{}\"", "\"[1]\"")]),
                messages(&[user, r#"{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"a=1"}}"#]),
            ],
            vec![
                messages(&[user, call]),
                messages(&[user, &call.replace("\"{}\"", r#""{\"a\":1}""#)]),
                messages(&[user, &call.replace("\"{}\"", "{}")]),
            ],
        ),
        (RuleId::HtmlMarkup, texts(&["<div class=x>", "a&nbsp;b"]), texts(&["a < b > c", "R&D"])),
        (
            RuleId::AssistantBoilerplate,
            texts(&["As an AI language model, I"]),
            texts(&["An AI is a language model"]),
        ),
        (
            RuleId::Secret,
            texts(&[
                "key AKIAIOSFODNN7EXAMPLE",
                "\nAKIAIOSFODNN7EXAMPLE",
                "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
                "xoxb-123456789012-abcdefABCDEF1234",
                "AIzaSyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe",
                "sk-ant-api03-4fG7hJ2kL9mN1pQ5rS8tU3vW6xY0zA",
                "sk-proj-4fG7hJ2kL9mN1pQ5rS8tU3vW6xY0zA",
                "hf_AbCdEfGhIjKlMnOpQrStUvWxYz12345678",
                "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",
                "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
                &format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA75".repeat(8)),
            ]),
            texts(&[
                "AKIA",
                "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                "task-1234567890abcdefghijklmnopqrstuvwxyz12",
                "-----BEGIN PRIVATE KEY-----\n...\n",
                "eyJhbGciOiJIUzI1NiJ9 alone",
                "hf_hub_download_of_some_model_in_python",
            ]),
        ),
        (
            RuleId::PossibleSecret,
            texts(&["api_key = \"q7Zt2Lk9Xw4Rb8Nv1Mc6\"", "PASSWORD: q7Zt2Lk9Xw4Rb8Nv1Mc6"]),
            texts(&["the secret of q7Zt2Lk9Xw4Rb8Nv1Mc6", "password: swordfish", "api_key = your_api_key_here_please"]),
        ),
        (
            RuleId::EmailAddress,
            texts(&["ask jane.doe+x@example.org.", "\nnobody@example.com"]),
            texts(&["@home", "git@github.com:rust-lang/rust.git", "logo@2x.png", "a@b", "x @ y.com", "user@localhost", "a@1.2.3"]),
        ),
        (
            RuleId::PhoneNumber,
            texts(&["call +1 (415) 555-0132", "+49 30 1234567"]),
            texts(&["2 +15 +16", "1+12345678901", "+123456789012"]),
        ),
        (
            RuleId::ChatShape,
            owned(&[
                r#"{"messages":[]}"#,
                r#"{"messages":"user: hi"}"#,
                r#"{"messages":[{"role":"user","content":"a"},{"from":"gpt","value":"b"}]}"#,
                r#"{"messages":["hi"]}"#,
                r#"{"messages":[{"content":"x"}]}"#,
                r#"{"messages":[{"role":"user"}]}"#,
            ]),
            vec![chat(&[("user", "a"), ("assistant", "b")]), r#"{"messages":3}"#.to_owned()],
        ),
        (
            RuleId::ChatRoleUnknown,
            vec![chat(&[("usr", "a"), ("assistant", "b")])],
            vec![
                chat(&[("developer", "s"), ("user", "a"), ("assistant", "b")]),
                chat(&[("user", "a"), ("tool_call", "f"), ("tool_response", "1"), ("assistant", "b")]),
            ],
        ),
        (
            RuleId::ChatRoleOrder,
            vec![
                chat(&[("user", "a"), ("user", "b"), ("assistant", "c")]),
                chat(&[("assistant", "c")]),
                chat(&[("system", "s"), ("system", "t"), ("user", "a"), ("assistant", "c")]),
                chat(&[("user", "a"), ("assistant", "c"), ("system", "s")]),
                r#"{"conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"},{"from":"gpt","value":"b"}]}"#.to_owned(),
            ],
            vec![
                chat(&[("system", "s"), ("user", "a"), ("assistant", "c"), ("user", "a"), ("assistant", "c")]),
                messages(&[user, call, result, answer]),
                messages(&[user, r#"{"role":"assistant","channel":"analysis","content":"a"}"#, r#"{"role":"assistant","channel":"final","content":"b"}"#]),
            ],
        ),
        (
            RuleId::ChatNoAnswer,
            vec![chat(&[("user", "a")]), chat(&[("user", "a"), ("assistant", "b"), ("user", "c")])],
            vec![chat(&[("user", "a"), ("assistant", "b")]), messages(&[user, call])],
        ),
        (
            RuleId::ChatEmptyContent,
            vec![
                chat(&[("user", " \n"), ("assistant", "b")]),
                r#"{"instruction":"","input":"","output":"x"}"#.to_owned(),
                r#"{"prompt":"x","completion":" "}"#.to_owned(),
            ],
            vec![
                messages(&[user, call, result, answer]),
                r#"{"instruction":"x","input":"","output":"y"}"#.to_owned(),
                r#"{"prompt":""}"#.to_owned(),
            ],
        ),
        (
            RuleId::ToolCallUnanswered,
            vec![messages(&[user, call, answer]), messages(&[user, blocks, user])],
            vec![messages(&[user, call, result, answer]), messages(&[user, call]), messages(&[user, blocks, block_result, answer])],
        ),
        (
            RuleId::ToolResultUnasked,
            vec![messages(&[user, result, answer]), messages(&[user, call, result, result, answer]), messages(&[block_result, answer])],
            vec![messages(&[user, call, result, answer]), messages(&[user, blocks, block_result, answer])],
        ),
    ]
}
