//! Download counts by version and UTC day.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use crate::types::{PackageName, Version, id::id};

/// How often one version was downloaded on one UTC day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadCount {
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// The UTC day.
    pub day: Date,
    /// How often.
    pub count: u64,
}

id! {
    /// Identifies one batch of counts.
    DownloadBatchId
}

/// Counts to add to the stored ones. A batch counts once, even if it is added several times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadBatch {
    /// Its id.
    pub id: DownloadBatchId,
    /// When it was gathered.
    pub gathered_at: Timestamp,
    /// At most one for each version and day.
    pub counts: Vec<DownloadCount>,
}

impl DownloadBatch {
    /// A new batch.
    pub fn new(gathered_at: Timestamp, counts: Vec<DownloadCount>) -> Self {
        Self { id: DownloadBatchId::generate(), gathered_at, counts }
    }
}

/// Which downloads to report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadQuery {
    /// The package.
    pub package: PackageName,
    /// One version only.
    pub version: Option<Version>,
    /// The first UTC day.
    pub from: Date,
    /// The last UTC day.
    pub to: Date,
}

/// Downloads by UTC day; days without any are absent.
pub type DayDownloads = BTreeMap<Date, u64>;
