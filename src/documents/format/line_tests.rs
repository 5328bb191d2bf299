//! Lines of drawn documents.

use super::*;

/// Draws a value with white space in some places.
fn value(drawn: &mut impl FnMut(usize) -> usize, depth: usize, out: &mut String) {
    const SPACES: [&str; 6] = ["", "", "", " ", "\t", " \r\n "];
    const TEXTS: [&str; 6] = ["", "a b", "\\\" , : }", "é\\u00e9", "_id", "{[ \\\\"];
    let space = |drawn: &mut dyn FnMut(usize) -> usize, out: &mut String| {
        out.push_str(SPACES[drawn(SPACES.len())]);
    };
    match drawn(if depth == 0 { 5 } else { 7 }) {
        0 => out.push_str(&format!("\"{}\"", TEXTS[drawn(TEXTS.len())])),
        1 => out.push_str(["-0", "1.50", "12e+3", "9007199254740993"][drawn(4)]),
        2 => out.push_str("true"),
        3 => out.push_str("false"),
        4 => out.push_str("null"),
        kind => {
            let (open, close) = if kind == 5 { ('[', ']') } else { ('{', '}') };
            out.push(open);
            for n in 0..drawn(4) {
                out.push_str(if n > 0 { "," } else { "" });
                space(drawn, out);
                if open == '{' {
                    out.push_str(&format!("\"k{n}\""));
                    space(drawn, out);
                    out.push(':');
                    space(drawn, out);
                }
                value(drawn, depth - 1, out);
                space(drawn, out);
            }
            out.push(close);
        }
    }
}

#[test]
fn line_of_any_document_is_its_members_without_white_space() {
    let id = DocumentId::new("a").unwrap();
    for seed in 0..3000_u64 {
        let mut so_far = seed << 32;
        let mut drawn = |n: usize| {
            so_far += 1;
            crate::splitmix::drawn(so_far) as usize % n
        };
        let mut document = String::from(["{", " {", "{ "][drawn(3)]);
        let id_at = drawn(6);
        for n in 0..drawn(6) {
            document += if n > 0 { "," } else { "" };
            document += ["", "", " "][drawn(3)];
            match n == id_at {
                true => {
                    document += [
                        "\"_id\":\"a\"",
                        "\"_id\" : \"a\"",
                        "\"\\u005fid\":\"\\u0061\"",
                    ][drawn(3)]
                }
                false => {
                    document += &format!("\"m{n}\":{}", ["", "", " "][drawn(3)]);
                    value(&mut drawn, 3, &mut document);
                }
            }
            document += ["", "", " "][drawn(3)];
        }
        document += ["}", "} "][drawn(2)];
        // It goes over the members one by one, and makes each of them compact.
        let mut expected = Vec::new();
        document_into("a", document.as_bytes(), &mut expected).unwrap();
        let expected = String::from_utf8(expected).unwrap() + "\n";
        let mut line = Vec::new();
        let made = line_into(&id, document.as_bytes(), &mut line);
        let line = made.map(|()| String::from_utf8(line).unwrap());
        assert_eq!(line, Ok(expected), "{document}");
    }
}
