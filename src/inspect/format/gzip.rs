//! gzip files: concatenated members, and zero padding after the last, as tapes and some writers add
//! it.

use std::io;
use std::io::BufRead;
use std::io::Read;

use flate2::bufread::GzDecoder;

/// Reader of the text of all members.
pub(crate) struct Gzip<R> {
    state: GzipState<R>,
}

enum GzipState<R> {
    /// Inside a member.
    Member(GzDecoder<R>),
    /// After a member.
    Between(R),
    Over,
}

impl<R: BufRead> Gzip<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            state: GzipState::Member(GzDecoder::new(inner)),
        }
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.state {
                GzipState::Over => return Ok(0),
                GzipState::Member(decoder) => {
                    let n = decoder.read(to)?;
                    if n > 0 || to.is_empty() {
                        return Ok(n);
                    }
                    if let GzipState::Member(decoder) =
                        std::mem::replace(&mut self.state, GzipState::Over)
                    {
                        self.state = GzipState::Between(decoder.into_inner());
                    }
                }
                GzipState::Between(inner) => {
                    let behind = inner.fill_buf()?;
                    let zeros = behind.iter().take_while(|b| **b == 0).count();
                    let is_over = behind.is_empty();
                    let is_member = zeros < behind.len();
                    inner.consume(zeros);
                    if is_over {
                        self.state = GzipState::Over;
                    } else if is_member
                        && let GzipState::Between(inner) =
                            std::mem::replace(&mut self.state, GzipState::Over)
                    {
                        self.state = GzipState::Member(GzDecoder::new(inner));
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
    fn gzip_members_and_padding_are_read() {
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
    fn damaged_gzip_is_error() {
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
