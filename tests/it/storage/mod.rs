//! The store on disk: crashes, damage, full and read-only disks, deltas, garbage collection.

mod crash;
mod damage;
mod dataset_documents;
mod deltas;
mod format_v1;
mod full_disk;
mod gc;
mod homes;
mod read_only;
mod repair;
mod retention;
mod similarity;
