//! Size of a dataset that is far larger than its distinct chunks.

/// The claimed size of a dataset and the size of its distinct chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    /// Bytes that the manifest claims; those of the file table if that is the part that repeats.
    pub claimed_bytes: u64,
    /// Bytes of the distinct chunks of that data.
    pub distinct_bytes: u64,
}

impl Expansion {
    /// Returns the reason for a refusal, with the option that overrides it.
    pub(crate) fn reason(self) -> String {
        format!(
            "it claims {} bytes, made of {} that repeat; `--allow-large` takes it all the same",
            self.claimed_bytes, self.distinct_bytes
        )
    }
}
