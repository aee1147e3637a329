use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Time, rules, version::Checksum};

/// A package to publish. Parts may come in any order.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "the form is read part by part; this describes it")]
pub(crate) struct PublishForm {
    /// The `.aam`: a gzip-compressed tar with `aam.yaml` at its root.
    #[schemars(extend("format" = "binary", "contentMediaType" = "application/gzip"))]
    archive: String,
    /// A dist-tag to set beside `latest`.
    #[schemars(regex(pattern = rules::TAG))]
    tag: Option<String>,
    /// The SHA-256 of the archive in hex, with which the registry compares the received bytes.
    #[schemars(regex(pattern = rules::SHA256))]
    checksum: Option<String>,
}

/// The result of a publish.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Published")]
pub(crate) struct PublishedAnswer {
    /// The package's full name.
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) published_at: Time,
    pub(crate) checksum: Checksum,
    /// Always `null`: signatures are not available on this registry yet.
    pub(crate) signature: (),
    /// The path of the version on this registry.
    pub(crate) url: String,
    /// The dist-tags that now name the version.
    pub(crate) dist_tags: Vec<String>,
    /// `approved` if no approval is required, else `pending`: others see the version once an approver approved it.
    pub(crate) approval_status: &'static str,
    /// Possible problems, such as a tag that clients prefer to this version.
    pub(crate) warnings: Vec<String>,
}
