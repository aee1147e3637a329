//! Pages of lists.

/// Which page of a list, counted from 1, and how many rows a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The page, from 1.
    pub page: u64,
    /// Rows per page, from 1.
    pub limit: u64,
}

impl PageRequest {
    /// How many rows precede the page.
    pub fn offset(self) -> u64 {
        (self.page - 1).saturating_mul(self.limit)
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Rows on all pages.
    pub total: u64,
    /// The request that this page answers.
    pub request: PageRequest,
}

impl<T> Page<T> {
    /// The requested page of `rows`; `total` is their number.
    pub fn of(rows: impl Iterator<Item = T>, total: usize, request: PageRequest) -> Self {
        let [offset, limit] = [request.offset(), request.limit].map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
        Self { items: rows.skip(offset).take(limit).collect(), total: total as u64, request }
    }

    /// How many pages there are; 0 where there are no rows.
    pub fn pages(&self) -> u64 {
        self.total.div_ceil(self.request.limit)
    }
}
