//! Validation of repetition levels in Parquet pages. The library skips rows by counting levels, and
//! loops forever if they end early. The levels are runs of the "RLE/bit-packing hybrid" of
//! parquet-format 2.11.

use parquet::basic::Encoding;
use parquet::column::page::Page;

/// Returns true if a page has one repetition level, at most `max_level`, per value.
pub(super) fn are_complete(page: &Page, max_level: i16) -> bool {
    let bits = u64::from(u16::BITS - max_level.unsigned_abs().leading_zeros());
    if max_level <= 0 {
        return true;
    }
    let values = u64::from(page.num_values());
    match page {
        Page::DataPage {
            buf,
            rep_level_encoding: Encoding::RLE,
            ..
        } => {
            let Some((length, rest)) = buf.split_first_chunk() else {
                return values == 0;
            };
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            rest.get(..length)
                .is_some_and(|runs| has_levels(runs, bits, values))
        }
        Page::DataPage { buf, .. } => buf.len() as u64 >= (values * bits).div_ceil(8),
        Page::DataPageV2 {
            buf,
            rep_levels_byte_len,
            ..
        } => {
            let length = usize::try_from(*rep_levels_byte_len).unwrap_or(usize::MAX);
            buf.get(..length)
                .is_some_and(|runs| has_levels(runs, bits, values))
        }
        Page::DictionaryPage { .. } => true,
    }
}

/// Returns true if runs of `bits`-bit values hold `wanted` values. The work is bounded by the bytes
/// of the runs.
fn has_levels(mut runs: &[u8], bits: u64, wanted: u64) -> bool {
    let mut found = 0_u64;
    while found < wanted {
        // Zero padding contains no runs.
        let Some(head) = varint(&mut runs).filter(|head| *head != 0) else {
            return false;
        };
        let count = head >> 1;
        let here = runs.len() as u64;
        let (values, bytes) = match head & 1 {
            0 if here < bits.div_ceil(8) => return false,
            0 => (count, bits.div_ceil(8)),
            // Groups of eight; the last may be cut.
            _ => {
                let bytes = count.saturating_mul(bits);
                (count.saturating_mul(8).min(here * 8 / bits), bytes)
            }
        };
        if values == 0 {
            return false;
        }
        found = found.saturating_add(values);
        let bytes = usize::try_from(bytes.min(here)).unwrap_or(usize::MAX);
        runs = runs.get(bytes..).unwrap_or_default();
    }
    true
}

/// Decodes a LEB128 number.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_runs_that_end_early_are_refused() {
        // Three times one value; eight values of one bit; both.
        let (repeated, packed) = (&[6, 1][..], &[3, 0b1010_1010][..]);
        let both = [repeated, packed].concat();
        for (runs, bits, levels) in [
            (repeated, 1, 3),
            (packed, 1, 8),
            (&both[..], 1, 11),
            // Three bits take one byte per group and level: the last group is cut.
            (&[5, 1, 2, 3][..], 3, 8),
            (&[3][..], 1, 0),
            (&[6][..], 1, 0),
            (&[6, 1, 0, 6, 1][..], 1, 3),
            (&[0x80; 12][..], 1, 0),
            (&[][..], 1, 0),
        ] {
            assert!(has_levels(runs, bits, levels), "{runs:?}");
            assert!(!has_levels(runs, bits, levels + 1), "{runs:?}");
        }
    }

    #[test]
    fn levels_of_both_page_versions_are_counted() {
        let first = |buf: &[u8], rep_level_encoding| Page::DataPage {
            buf: buf.to_vec().into(),
            num_values: 3,
            encoding: Encoding::PLAIN,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding,
            statistics: None,
        };
        let second = |buf: &[u8], rep_levels_byte_len| Page::DataPageV2 {
            buf: buf.to_vec().into(),
            num_values: 3,
            encoding: Encoding::PLAIN,
            num_nulls: 0,
            num_rows: 1,
            def_levels_byte_len: 0,
            rep_levels_byte_len,
            is_compressed: false,
            statistics: None,
        };
        #[allow(deprecated, reason = "old writers wrote it")]
        let bits = Encoding::BIT_PACKED;
        for (page, is_whole) in [
            (first(&[2, 0, 0, 0, 6, 1], Encoding::RLE), true),
            (first(&[2, 0, 0, 0, 4, 1], Encoding::RLE), false),
            (first(&[9, 0, 0, 0, 6, 1], Encoding::RLE), false),
            (first(&[2, 0], Encoding::RLE), false),
            (first(&[7], bits), true),
            (first(&[], bits), false),
            (second(&[6, 1, 9], 2), true),
            (second(&[6, 1, 9], 1), false),
            (second(&[6, 1], 3), false),
        ] {
            assert_eq!(are_complete(&page, 1), is_whole, "{page:?}");
            assert!(are_complete(&page, 0));
        }
    }
}
