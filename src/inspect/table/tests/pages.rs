//! Reads of the pages of a Parquet file.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use arrow_array::Int64Array;
use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use crate::inspect::table::OpenOptions;
use crate::inspect::table::Selection;
use crate::inspect::table::open_table;
use crate::inspect::table::tests::all_rows;
use crate::read_at::ReadAt;

/// Source that counts the reads.
struct Counting(Vec<u8>, AtomicUsize);

impl ReadAt for Counting {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read_at(buf, offset)
    }
}

#[test]
fn header_of_a_page_is_read_once_for_all_slices_of_its_row_group() {
    const ROWS: i64 = 400_000;
    const PAGES: usize = 400;
    let numbers = Arc::new(Int64Array::from_iter_values((0..ROWS).map(|n| n * n)));
    let batch = RecordBatch::try_from_iter([("n", numbers as _)]).unwrap();
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_data_page_row_count_limit(ROWS as usize / PAGES)
        .set_write_batch_size(ROWS as usize / PAGES)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    for threads in [1, 4] {
        let source = Arc::new(Counting(bytes.clone(), AtomicUsize::new(0)));
        let opened = open_table(source.clone(), "n.parquet", OpenOptions::default()).unwrap();
        let batches = Arc::clone(&opened.table)
            .batches(&Selection::default())
            .unwrap();
        let rows = all_rows(&*batches, threads);
        assert_eq!(rows.len(), ROWS as usize);
        for (n, text) in rows {
            assert_eq!(text, format!("{{\"n\":{}}}", n * n).as_bytes());
        }
        // A header and a page each. Several threads meet the first pages of a group at the same time, and two slices
        // read the page between them.
        let reads = source.1.load(Ordering::Relaxed);
        let most = 2 * PAGES + 40 + (threads - 1) * PAGES;
        assert!(reads <= most, "{threads} threads: {reads} of {most}");
    }
}
