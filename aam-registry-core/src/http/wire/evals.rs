use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Time;
use crate::types::{EvalName, EvalResult, Gates, PackageName, Version};

/// The result of an eval.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct EvalRequest {
    /// 1 to 64 lower-case letters, digits, `-`, `_` and `.`.
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9_.-]{0,63}$"))]
    pub(crate) eval_name: String,
    /// `passed`, `failed` or `error`.
    pub(crate) status: String,
    /// What was measured: at most 50 numbers, texts and truth values.
    #[serde(default)]
    pub(crate) metrics: Map<String, Value>,
    /// When it ran.
    pub(crate) run_at: String,
    /// What ran it, at most 256 characters.
    pub(crate) runner_identity: Option<String>,
    /// In what surroundings: as `metrics`.
    #[serde(default)]
    pub(crate) environment: Option<Map<String, Value>>,
}

/// The last result of an eval of a version.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EvalResult")]
pub(crate) struct EvalRow {
    eval_name: String,
    /// `passed`, `failed` or `error`.
    status: &'static str,
    metrics: Map<String, Value>,
    run_at: Time,
    runner_identity: Option<String>,
    environment: Option<Map<String, Value>>,
    recorded_at: Time,
}

impl From<EvalResult> for EvalRow {
    fn from(result: EvalResult) -> Self {
        Self {
            eval_name: result.name.to_string(),
            status: result.status.as_str(),
            metrics: result.metrics,
            run_at: result.run_at.into(),
            runner_identity: result.runner,
            environment: Some(result.environment).filter(|facts| !facts.is_empty()),
            recorded_at: result.recorded_at.into(),
        }
    }
}

/// The results of the evals of a version, the last of each, by name.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EvalResults")]
pub(crate) struct EvalsAnswer {
    package: String,
    version: String,
    eval_results: Vec<EvalRow>,
}

impl EvalsAnswer {
    pub(crate) fn new(package: &PackageName, version: &Version, results: Vec<EvalResult>) -> Self {
        let eval_results = results.into_iter().map(EvalRow::from).collect();
        Self { package: package.to_string(), version: version.to_string(), eval_results }
    }
}

/// The gates of a package.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GatesRequest {
    /// By dist-tag, the evals that a version has to pass before the tag may name it. The gates that are not here are
    /// removed.
    pub(crate) gates: BTreeMap<String, Vec<String>>,
}

/// The gates of a package.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Gates")]
pub(crate) struct GatesAnswer {
    package: String,
    /// By dist-tag, the evals that a version has to pass before the tag may name it.
    gates: BTreeMap<String, Vec<String>>,
}

impl GatesAnswer {
    pub(crate) fn new(package: &PackageName, gates: &Gates) -> Self {
        let texts = |evals: &[EvalName]| evals.iter().map(ToString::to_string).collect();
        let gates = gates.iter().map(|(tag, evals)| (tag.to_string(), texts(evals))).collect();
        Self { package: package.to_string(), gates }
    }
}
