//! Columns of rows, as Arrow arrays.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::BooleanArray;
use arrow_array::FixedSizeListArray;
use arrow_array::PrimitiveArray;
use arrow_array::StringArray;
use arrow_array::types::*;
use arrow_buffer::ArrowNativeType;
use arrow_buffer::BooleanBuffer;
use arrow_buffer::Buffer;
use arrow_buffer::MutableBuffer;
use arrow_buffer::NullBuffer;
use arrow_buffer::OffsetBuffer;
use arrow_buffer::ScalarBuffer;
use arrow_schema::DataType as ArrowType;

use crate::features::build::little_endian;
use crate::features::error::FeatureError;
use crate::features::limits::ANSWER_BYTES_MAX;
use crate::features::schema::DataType;
use crate::features::segment::RowLayout;
use crate::features::segment::Slot;
use crate::features::table::find::Finder;
use crate::features::table::open::Segment;
use crate::features::table::rows::Bits;
use crate::features::table::rows::Rows;

/// A column of an answer that is being made.
pub(super) struct Column {
    data_type: DataType,
    slot: Slot,
    /// Values of fixed width, with room for all; bytes of texts.
    values: MutableBuffer,
    /// Number of values until now.
    count: usize,
    /// The ends of texts.
    offsets: Vec<i32>,
    /// A bit for each value that is there, as Arrow keeps them; empty as long as all are.
    valid: Vec<u8>,
}

impl Column {
    pub(super) fn new(data_type: DataType, slot: Slot, keys: usize) -> Self {
        let width = data_type.width();
        Self {
            values: match width {
                Some(width) => MutableBuffer::from_len_zeroed(width * keys),
                None => MutableBuffer::new(keys * 8),
            },
            offsets: match width {
                Some(_) => Vec::new(),
                None => vec![0],
            },
            data_type,
            slot,
            count: 0,
            valid: Vec::new(),
        }
    }

    /// Takes the values of the next rows. All groups but the last one are full.
    pub(super) fn take(
        &mut self,
        finder: &Finder<'_>,
        rows: &Rows<'_>,
        present: Bits,
    ) -> Result<(), FeatureError> {
        self.take_nulls(finder.layout(), rows, present);
        let (at, count) = (self.slot.at, self.count);
        self.count += rows.rows().len();
        match self.data_type {
            DataType::Utf8 => return self.take_texts(finder, rows),
            DataType::List(number, length) => {
                let one = number.single().width().unwrap_or(1);
                copy_lists(
                    &mut self.values,
                    count,
                    rows.rows(),
                    (at, one, length as usize),
                );
            }
            other => match other.width() {
                Some(1) => copy_values::<1>(&mut self.values, count, rows.rows(), at),
                Some(2) => copy_values::<2>(&mut self.values, count, rows.rows(), at),
                Some(4) => copy_values::<4>(&mut self.values, count, rows.rows(), at),
                _ => copy_values::<8>(&mut self.values, count, rows.rows(), at),
            },
        }
        Ok(())
    }

    fn take_nulls(&mut self, layout: &RowLayout, rows: &Rows<'_>, present: Bits) {
        let valid = match self.slot.null_bit {
            None => present,
            Some(bit) => {
                let (at, mask) = (layout.nulls_at + bit / 8, 1_u8 << (bit % 8));
                let is_null = |row: &&[u8]| row.get(at).is_some_and(|byte| byte & mask != 0);
                present.without(Bits::of(rows.rows(), is_null))
            }
        };
        if self.valid.is_empty() {
            if valid == Bits::first(rows.rows().len()) {
                return;
            }
            self.valid = vec![u8::MAX; self.count / 8];
        }
        valid.append(&mut self.valid);
    }

    fn take_texts(&mut self, finder: &Finder<'_>, rows: &Rows<'_>) -> Result<(), FeatureError> {
        for (row, part) in rows.rows().iter().zip(rows.parts()) {
            if !row.is_empty() {
                let text = finder.text(row, *part, &self.slot)?;
                // Texts become strings without another look only if they are.
                if std::str::from_utf8(text).is_err() {
                    return Err(finder.damaged("a text is not UTF-8"));
                }
                self.values.extend_from_slice(text);
            }
            let end = i32::try_from(self.values.len());
            self.offsets.push(end.map_err(|_| FeatureError::Limit {
                what: "a column of an answer".to_owned(),
                limit: format!("{ANSWER_BYTES_MAX} bytes"),
            })?);
        }
        Ok(())
    }

    /// Returns the array.
    pub(super) fn finish(self, table: &Segment) -> Result<ArrayRef, FeatureError> {
        let nulls = match self.valid.is_empty() {
            true => None,
            false => {
                let bits = BooleanBuffer::new(Buffer::from_vec(self.valid), 0, self.count);
                Some(NullBuffer::new(bits))
            }
        };
        let values = Buffer::from(self.values);
        let count = self.count;
        Ok(match self.data_type {
            DataType::Utf8 => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
                let array = StringArray::try_new(offsets, values, nulls);
                Arc::new(
                    array.map_err(|_| FeatureError::damaged(&table.path, "a text is not UTF-8"))?,
                )
            }
            DataType::Bool => {
                let flags = values.as_slice();
                let bits = BooleanBuffer::collect_bool(count, |n| flags.get(n) == Some(&1));
                Arc::new(BooleanArray::new(bits, nulls))
            }
            DataType::List(number, length) => {
                let total = count * length as usize;
                let child = numbers(number.single(), values, (total, None));
                let ArrowType::FixedSizeList(field, length) = self.data_type.arrow() else {
                    return Err(FeatureError::damaged(&table.path, "a list is none"));
                };
                Arc::new(FixedSizeListArray::new(field, length, child, nulls))
            }
            other => numbers(other, values, (count, nulls)),
        })
    }
}

/// Returns an array of numbers or times.
fn numbers(data_type: DataType, values: Buffer, shape: (usize, Option<NullBuffer>)) -> ArrayRef {
    match data_type {
        DataType::Float32 => primitive::<Float32Type>(values, shape),
        DataType::Float64 => primitive::<Float64Type>(values, shape),
        DataType::Int8 => primitive::<Int8Type>(values, shape),
        DataType::Int16 => primitive::<Int16Type>(values, shape),
        DataType::Int32 => primitive::<Int32Type>(values, shape),
        DataType::Int64 => primitive::<Int64Type>(values, shape),
        DataType::UInt8 => primitive::<UInt8Type>(values, shape),
        DataType::UInt16 => primitive::<UInt16Type>(values, shape),
        DataType::UInt32 => primitive::<UInt32Type>(values, shape),
        DataType::UInt64 => primitive::<UInt64Type>(values, shape),
        DataType::Timestamp | DataType::Bool | DataType::Utf8 | DataType::List(..) => {
            let (count, nulls) = shape;
            let values = ScalarBuffer::new(values, 0, count);
            let array = PrimitiveArray::<TimestampMicrosecondType>::new(values, nulls);
            Arc::new(array.with_timezone("UTC"))
        }
    }
}

fn primitive<T: ArrowPrimitiveType>(
    values: Buffer,
    (count, nulls): (usize, Option<NullBuffer>),
) -> ArrayRef
where
    T::Native: ArrowNativeType,
{
    let values = ScalarBuffer::new(values, 0, count);
    Arc::new(PrimitiveArray::<T>::new(values, nulls))
}

#[inline]
fn copy_values<const W: usize>(to: &mut MutableBuffer, count: usize, rows: &[&[u8]], at: usize) {
    let (values, _) = to.as_slice_mut().as_chunks_mut::<W>();
    let values = values.get_mut(count..).unwrap_or_default();
    // One comparison of lengths for each value.
    let end = at + W;
    for (to, row) in values.iter_mut().zip(rows) {
        if let Some(value) = row.get(..end).and_then(|front| front.last_chunk::<W>()) {
            *to = little_endian(*value);
        }
    }
}

fn copy_lists(
    to: &mut MutableBuffer,
    count: usize,
    rows: &[&[u8]],
    (at, one, length): (usize, usize, usize),
) {
    let width = one * length;
    let values = to
        .as_slice_mut()
        .get_mut(count * width..)
        .unwrap_or_default();
    for (to, row) in values.chunks_exact_mut(width.max(1)).zip(rows) {
        let Some(from) = row.get(at..at + width) else {
            continue;
        };
        to.copy_from_slice(from);
        if cfg!(target_endian = "big") {
            to.chunks_exact_mut(one).for_each(<[u8]>::reverse);
        }
    }
}
