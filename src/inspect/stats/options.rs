//! Options of the statistics.

/// Options of the statistics.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StatsOptions {
    /// Number of worker threads.
    pub threads: usize,
    /// Paths of the columns wanted; all if empty.
    pub columns: Vec<String>,
    /// Largest number of columns with statistics, in order of appearance.
    pub columns_max: usize,
    /// Largest nesting depth of objects and arrays.
    pub depth_max: usize,
    /// Number of frequent values per column.
    pub top: usize,
    /// Shares of the quantiles, 0 to 1.
    pub quantiles: Vec<f64>,
    /// Number of bins in the histogram of numbers.
    pub bins: usize,
}

impl Default for StatsOptions {
    fn default() -> Self {
        Self {
            threads: 1,
            columns: Vec::new(),
            columns_max: 256,
            depth_max: 6,
            top: 10,
            quantiles: vec![0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99],
            bins: 20,
        }
    }
}
