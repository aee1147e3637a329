use schemars::JsonSchema;
use serde::Serialize;

/// The process is up.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Health")]
pub(crate) struct HealthAnswer {
    /// Always `ok`.
    pub(crate) status: &'static str,
    /// The version of the software.
    pub(crate) version: &'static str,
}

/// A successful health check of one service.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PartHealth")]
pub(crate) struct PartHealthAnswer {
    /// Always `ok`; a service that does not answer is an error.
    pub(crate) status: &'static str,
    /// How long it took to answer, in milliseconds.
    pub(crate) latency_ms: f64,
}

/// Whether the process accepts requests.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Ready")]
pub(crate) struct ReadyAnswer {
    /// `ready`, or `degraded` if a service fails; `starting` and `draining` come with 503.
    pub(crate) status: &'static str,
    /// The services that fail: `database`, `storage`, `cache`.
    pub(crate) failing: Vec<&'static str>,
    /// Whether the registry is read-only, so that it refuses changes; absent if it is not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) read_only: bool,
    /// What is wrong with each of them, in the same order; absent if none fails.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<String>,
}

/// The name and version of this service.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Service")]
pub(crate) struct ServiceAnswer {
    /// Always `aam-registry`.
    pub(crate) name: &'static str,
    /// The version of the software.
    pub(crate) version: &'static str,
    /// The path of the API.
    pub(crate) api: String,
    /// The path of the API's documentation.
    pub(crate) docs: String,
}
