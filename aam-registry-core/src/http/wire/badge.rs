use schemars::JsonSchema;
use serde::Serialize;

use crate::{http::badge_image, registry::Badge};

/// A badge, as <https://shields.io/badges/endpoint-badge> takes it; hence the names of its fields.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Badge")]
pub(crate) struct BadgeAnswer {
    /// Always 1.
    #[serde(rename = "schemaVersion")]
    schema_version: u8,
    /// What is told.
    label: String,
    /// The fact.
    message: String,
    /// The name of a colour.
    color: &'static str,
}

impl From<Badge> for BadgeAnswer {
    fn from(badge: Badge) -> Self {
        let color = badge_image::name(badge.color);
        Self { schema_version: 1, label: badge.label, message: badge.message, color }
    }
}
