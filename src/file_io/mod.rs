//! Files given by users: `input` reads them and `output` writes them.
//!
//! Every output of a command goes through [`OutputFile`] or [`put_in_place`], and every helper file
//! through [`read_own`] or [`read_given`]. Waits for other programs (`waiting`) end on a signal.
//! `temporary` renames complete files into place.

mod input;
mod output;
mod paths;
mod temporary;
mod waiting;

pub use input::Input;
pub use input::NotPlain;
pub use input::Stream;
pub use input::TooLong;
pub use input::open_plain;
pub use input::read_given;
pub use input::read_given_text;
pub use input::read_own;
pub use input::read_own_text;
pub use output::OutputFile;
pub use output::Place;
pub use output::Written;
pub use output::place_of;
pub use output::write_output;
pub use paths::NoDirectory;
pub use paths::is_standard_output;
pub use temporary::IfExists;
pub use temporary::PARTIAL_GLOB;
pub use temporary::TemporaryPath;
pub use temporary::put_in_place;
pub use temporary::remove_abandoned;
pub use temporary::write_atomically;
pub use waiting::Stopped;
pub use waiting::stop_flag;
pub use waiting::typed_line;
