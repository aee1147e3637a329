//! What becomes of dist-tags.

use std::collections::BTreeMap;

use aam_registry_core::types::{DistTag, LatestTag, Version};

/// `latest`, where it names another version than before.
pub(crate) fn moved_latest(before: Option<LatestTag>, after: Option<LatestTag>) -> BTreeMap<DistTag, Version> {
    let before = before.map(|tag| tag.version);
    let moved = after.map(|tag| tag.version).filter(|version| before.as_ref() != Some(version));
    moved.map(|version| (DistTag::latest(), version)).into_iter().collect()
}
