//! Tables that clients write to: segments of one write each, the newest first, which are joined from time to time.
//!
//! - `list.rs`: the file that names the segments; `rows.rs`: rows of clients and of segments
//! - `write.rs`: writes and joins

mod list;
mod rows;
mod write;

pub(super) use crate::features::serving::written::list::SegmentList;
pub(super) use crate::features::serving::written::write::compact;
pub(super) use crate::features::serving::written::write::refresh;
pub(super) use crate::features::serving::written::write::write;
