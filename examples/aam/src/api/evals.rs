//! Results of evals, and the gates of dist-tags.

use aam_registry_core::types::{PackageName, Version};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    answered::Answered,
    client::Client,
    retry::Repeat,
    wire::{EvalList, GateList, RecordedEval},
};
use crate::failure::Result;

impl Client {
    /// Records the result of an eval of a version.
    pub(crate) async fn record_eval(
        &self,
        name: &PackageName,
        version: &Version,
        result: &Value,
    ) -> Result<Answered<RecordedEval>> {
        let url = self.package_url(name, &format!("{version}/eval-results"));
        self.send_json(Method::POST, url, result, Repeat::IfUnsent).await
    }

    /// The last result of each eval of a version.
    pub(crate) async fn evals(&self, name: &PackageName, version: &Version) -> Result<Answered<EvalList>> {
        self.get(self.package_url(name, &format!("{version}/eval-results"))).await
    }

    /// The gates of a package's dist-tags.
    pub(crate) async fn gates(&self, name: &PackageName) -> Result<Answered<GateList>> {
        self.get(self.package_url(name, "gates")).await
    }

    /// Sets all gates of a package's dist-tags.
    pub(crate) async fn set_gates(&self, name: &PackageName, gates: &Map<String, Value>) -> Result<Answered<GateList>> {
        let body = json!({"gates": gates});
        self.send_json(Method::PUT, self.package_url(name, "gates"), &body, Repeat::Harmless).await
    }
}
