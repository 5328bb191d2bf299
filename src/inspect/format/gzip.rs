//! gzip files: members one behind the other, and zeros behind the last, with which tapes and some
//! writers fill up blocks.

use std::io;
use std::io::BufRead;
use std::io::Read;

use flate2::bufread::GzDecoder;

/// The text of all members of a gzip file.
pub(crate) struct Gzip<R> {
    state: State<R>,
}

enum State<R> {
    /// Within a member.
    Member(GzDecoder<R>),
    /// Behind one.
    Between(R),
    Over,
}

impl<R: BufRead> Gzip<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            state: State::Member(GzDecoder::new(inner)),
        }
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.state {
                State::Over => return Ok(0),
                State::Member(decoder) => {
                    let n = decoder.read(to)?;
                    if n > 0 || to.is_empty() {
                        return Ok(n);
                    }
                    if let State::Member(decoder) = std::mem::replace(&mut self.state, State::Over)
                    {
                        self.state = State::Between(decoder.into_inner());
                    }
                }
                State::Between(inner) => {
                    let behind = inner.fill_buf()?;
                    let zeros = behind.iter().take_while(|b| **b == 0).count();
                    let is_over = behind.is_empty();
                    let is_member = zeros < behind.len();
                    inner.consume(zeros);
                    if is_over {
                        self.state = State::Over;
                    } else if is_member
                        && let State::Between(inner) =
                            std::mem::replace(&mut self.state, State::Over)
                    {
                        self.state = State::Member(GzDecoder::new(inner));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn member(text: &[u8]) -> Vec<u8> {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(text).unwrap();
        gz.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let buffered = io::BufReader::with_capacity(7, bytes);
        Gzip::new(buffered).read_to_end(&mut text).map(|_| text)
    }

    #[test]
    fn members_and_zeros_behind_them_are_read() {
        let (a, b) = (member(b"one\n"), member(b""));
        let c = member(b"two\n");
        let zeros = vec![0; 100];
        for bytes in [
            [a.clone(), c.clone()].concat(),
            [a.clone(), b.clone(), c.clone()].concat(),
            [a.clone(), c.clone(), zeros.clone()].concat(),
            [a.clone(), zeros.clone(), c.clone(), zeros.clone()].concat(),
        ] {
            assert_eq!(read(&bytes).unwrap(), b"one\ntwo\n");
        }
        assert_eq!(read(&b).unwrap(), b"");
    }

    #[test]
    fn damage_is_an_error() {
        let whole = member(b"one\n");
        let other = [&whole[..], b"\0\0this is not gzip at all"].concat();
        let kind = |bytes: &[u8]| read(bytes).unwrap_err().kind();
        assert_eq!(kind(&other), io::ErrorKind::InvalidInput);
        let cut = &whole[..whole.len() - 1];
        assert_eq!(kind(cut), io::ErrorKind::UnexpectedEof);
        assert_eq!(kind(&[0; 20]), io::ErrorKind::InvalidInput);
        let mut wrong = whole.clone();
        let crc = whole.len() - 8;
        wrong[crc] ^= 1;
        assert_eq!(kind(&wrong), io::ErrorKind::InvalidInput);
    }
}
