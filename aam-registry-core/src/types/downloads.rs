//! Download counts by version and UTC day.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::types::{PackageName, Version};

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

/// Counts to add to what is stored, at most one a version and day.
pub type DownloadBatch = Vec<DownloadCount>;

/// Which downloads to tell of.
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
