//! Values of a column as bytes in the records of a batch.

use arrow_array::Array as _;
use arrow_array::ArrayRef;
use arrow_array::ArrowPrimitiveType;
use arrow_array::FixedSizeListArray;
use arrow_array::PrimitiveArray;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Float32Type;
use arrow_array::types::Float64Type;
use arrow_array::types::Int8Type;
use arrow_array::types::Int16Type;
use arrow_array::types::Int32Type;
use arrow_array::types::Int64Type;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::types::UInt8Type;
use arrow_array::types::UInt16Type;
use arrow_array::types::UInt32Type;
use arrow_array::types::UInt64Type;
use arrow_buffer::ToByteSlice as _;

use crate::features::schema::DataType;
use crate::features::schema::Number;

/// The fixed parts of the records of a batch, one after the other.
pub(super) struct Matrix<'a> {
    /// The bytes.
    pub(super) bytes: &'a mut [u8],
    /// The bytes of one record.
    pub(super) stride: usize,
}

impl Matrix<'_> {
    /// Writes values of a fixed width to all records, zeros for null.
    ///
    /// # Errors
    /// A sentence without the name of the column: a list has a null in it.
    pub(super) fn put(
        &mut self,
        at: usize,
        data_type: DataType,
        values: &ArrayRef,
    ) -> Result<(), String> {
        match data_type {
            DataType::Bool => {
                let flags = values.as_boolean();
                let bytes =
                    (0..flags.len()).map(|n| [u8::from(flags.is_valid(n) && flags.value(n))]);
                self.put_bytes(at, bytes);
            }
            DataType::Timestamp => self.put_numbers::<TimestampMicrosecondType, 8>(at, values),
            DataType::List(number, length) => {
                return self.put_lists(at, (number, length as usize), values);
            }
            DataType::Utf8 => {
                let offsets = values.as_string::<i32>();
                let lengths = (0..offsets.len()).map(|n| match offsets.is_valid(n) {
                    true => offsets.value_length(n).to_le_bytes(),
                    false => [0; 4],
                });
                self.put_bytes(at, lengths);
            }
            DataType::Float32 => self.put_numbers::<Float32Type, 4>(at, values),
            DataType::Float64 => self.put_numbers::<Float64Type, 8>(at, values),
            DataType::Int8 => self.put_numbers::<Int8Type, 1>(at, values),
            DataType::Int16 => self.put_numbers::<Int16Type, 2>(at, values),
            DataType::Int32 => self.put_numbers::<Int32Type, 4>(at, values),
            DataType::Int64 => self.put_numbers::<Int64Type, 8>(at, values),
            DataType::UInt8 => self.put_numbers::<UInt8Type, 1>(at, values),
            DataType::UInt16 => self.put_numbers::<UInt16Type, 2>(at, values),
            DataType::UInt32 => self.put_numbers::<UInt32Type, 4>(at, values),
            DataType::UInt64 => self.put_numbers::<UInt64Type, 8>(at, values),
        }
        Ok(())
    }

    fn put_bytes<const W: usize>(&mut self, at: usize, values: impl Iterator<Item = [u8; W]>) {
        for (record, value) in self.bytes.chunks_exact_mut(self.stride).zip(values) {
            if let Some(to) = record.get_mut(at..).and_then(|r| r.first_chunk_mut::<W>()) {
                *to = value;
            }
        }
    }

    fn put_numbers<T: ArrowPrimitiveType, const W: usize>(&mut self, at: usize, values: &ArrayRef) {
        let values: &PrimitiveArray<T> = values.as_primitive();
        let raw = |value: &T::Native| {
            let bytes = value.to_byte_slice().first_chunk::<W>();
            little_endian(bytes.copied().unwrap_or([0; W]))
        };
        if values.null_count() == 0 {
            self.put_bytes(at, values.values().iter().map(raw));
            return;
        }
        let all = values.values().iter().enumerate();
        let or_zeros = all.map(|(n, value)| match values.is_valid(n) {
            true => raw(value),
            false => [0; W],
        });
        self.put_bytes(at, or_zeros);
    }

    fn put_lists(
        &mut self,
        at: usize,
        (number, length): (Number, usize),
        values: &ArrayRef,
    ) -> Result<(), String> {
        let lists = values.as_fixed_size_list();
        match number {
            Number::Float32 => self.put_list::<Float32Type, 4>(at, length, lists),
            Number::Float64 => self.put_list::<Float64Type, 8>(at, length, lists),
            Number::Int8 => self.put_list::<Int8Type, 1>(at, length, lists),
            Number::Int16 => self.put_list::<Int16Type, 2>(at, length, lists),
            Number::Int32 => self.put_list::<Int32Type, 4>(at, length, lists),
            Number::Int64 => self.put_list::<Int64Type, 8>(at, length, lists),
            Number::UInt8 => self.put_list::<UInt8Type, 1>(at, length, lists),
            Number::UInt16 => self.put_list::<UInt16Type, 2>(at, length, lists),
            Number::UInt32 => self.put_list::<UInt32Type, 4>(at, length, lists),
            Number::UInt64 => self.put_list::<UInt64Type, 8>(at, length, lists),
        }
    }

    fn put_list<T: ArrowPrimitiveType, const W: usize>(
        &mut self,
        at: usize,
        length: usize,
        lists: &FixedSizeListArray,
    ) -> Result<(), String> {
        // The values of a list that is part of a longer one begin with its own.
        let first = lists.value_offset_at(0);
        let all: &PrimitiveArray<T> = lists.values().as_primitive();
        for (row, record) in self.bytes.chunks_exact_mut(self.stride).enumerate() {
            if row >= lists.len() || lists.is_null(row) {
                continue;
            }
            let start = first + row * length;
            let inside = start..start.saturating_add(length);
            if all.null_count() > 0 && inside.clone().any(|n| all.is_null(n)) {
                return Err("a list has a null in it".to_owned());
            }
            let values = all.values().get(inside).unwrap_or_default();
            let room = record.get_mut(at..).unwrap_or_default();
            let (room, _) = room.as_chunks_mut::<W>();
            for (to, value) in room.iter_mut().zip(values) {
                let bytes = value.to_byte_slice().first_chunk::<W>();
                *to = little_endian(bytes.copied().unwrap_or([0; W]));
            }
        }
        Ok(())
    }
}

/// Returns the bytes of a number in this machine's order, the least first.
#[inline]
pub(crate) fn little_endian<const W: usize>(mut bytes: [u8; W]) -> [u8; W] {
    if cfg!(target_endian = "big") {
        bytes.reverse();
    }
    bytes
}
