//! Rows of JSON Lines files, counted while the bytes pass by. A row is a line that is not blank.

/// Counts the lines that are not blank in bytes that come in pieces.
#[derive(Debug, Default)]
pub(crate) struct RowCounter {
    rows: u64,
    line_has_text: bool,
}

impl RowCounter {
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', piece) {
            let line = piece.get(start..end).unwrap_or_default();
            self.rows += u64::from(self.line_has_text || has_text(line));
            self.line_has_text = false;
            start = end + 1;
        }
        self.line_has_text |= has_text(piece.get(start..).unwrap_or_default());
    }

    pub(crate) fn finish(self) -> u64 {
        self.rows + u64::from(self.line_has_text)
    }
}

fn has_text(line: &[u8]) -> bool {
    line.iter().any(|b| !matches!(b, b' ' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::RowCounter;

    #[test]
    fn rows_do_not_depend_on_the_pieces() {
        for (text, rows) in [
            ("", 0),
            ("a", 1),
            ("a\n", 1),
            ("a\n\n \r\nb", 2),
            ("\n\n", 0),
            ("a\nb\nc\n", 3),
        ] {
            for size in 1..=text.len().max(1) {
                let mut counter = RowCounter::default();
                text.as_bytes()
                    .chunks(size)
                    .for_each(|piece| counter.push(piece));
                assert_eq!(counter.finish(), rows, "{text:?} by {size}");
            }
        }
    }
}
