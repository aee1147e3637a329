//! Query parameters that several routes share.

use serde_json::json;

use crate::http::routing::QueryParam;

/// `page`, from 1.
pub(super) const PAGE: QueryParam = QueryParam {
    name: "page",
    description: "Which page, from 1. A page past the end is empty.",
    required: false,
    schema: || json!({"type": "integer", "minimum": 1, "maximum": u32::MAX, "default": 1}),
};

/// An optional parameter.
pub(super) const fn optional(
    name: &'static str,
    description: &'static str,
    schema: fn() -> serde_json::Value,
) -> QueryParam {
    QueryParam { name, description, required: false, schema }
}

/// A required parameter.
pub(super) const fn required(
    name: &'static str,
    description: &'static str,
    schema: fn() -> serde_json::Value,
) -> QueryParam {
    QueryParam { name, description, required: true, schema }
}
