use schemars::JsonSchema;
use serde::Serialize;

/// The process is up.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Health")]
pub(crate) struct HealthAnswer {
    /// Always `ok`.
    pub(crate) status: &'static str,
    /// Of the software.
    pub(crate) version: &'static str,
}

/// Whether one part answers.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PartHealth")]
pub(crate) struct PartHealthAnswer {
    /// Always `ok`; a part that does not answer is an error.
    pub(crate) status: &'static str,
    /// How long it took to answer, in milliseconds.
    pub(crate) latency_ms: f64,
}

/// Whether the process wants requests.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Ready")]
pub(crate) struct ReadyAnswer {
    /// `ready`, or `degraded` where a part fails; `starting` and `draining` come with 503.
    pub(crate) status: &'static str,
    /// The parts that fail: `database`, `storage`, `cache`.
    pub(crate) failing: Vec<&'static str>,
    /// What is wrong with each of them, in their order; absent where all are well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<String>,
}

/// What this is.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Service")]
pub(crate) struct ServiceAnswer {
    /// Always `aam-registry`.
    pub(crate) name: &'static str,
    /// Of the software.
    pub(crate) version: &'static str,
    /// The path of the API.
    pub(crate) api: String,
    /// The path of its description.
    pub(crate) docs: String,
}
