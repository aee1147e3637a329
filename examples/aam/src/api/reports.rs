//! Reports of packages.

use aam_registry_core::types::{ModerationCategory, PackageName, ReportId, ReportState, Version};
use reqwest::Method;
use serde_json::json;

use super::{
    answered::Answered,
    client::Client,
    retry::Repeat,
    wire::{Identified, ReportPage},
};
use crate::failure::Result;

impl Client {
    /// Reports a package.
    pub(crate) async fn report(
        &self,
        name: &PackageName,
        version: Option<&Version>,
        category: ModerationCategory,
        text: &str,
    ) -> Result<Answered<Identified>> {
        let version = version.map(ToString::to_string);
        let body = json!({"version": version, "category": category.as_str(), "text": text});
        self.send_json(Method::POST, self.package_url(name, "report"), &body, Repeat::IfUnsent).await
    }

    /// A page of reports, newest first.
    pub(crate) async fn reports(&self, state: ReportState, page: u64, limit: u64) -> Result<Answered<ReportPage>> {
        let mut url = self.url("reports");
        let (page, limit) = (page.to_string(), limit.to_string());
        url.query_pairs_mut().extend_pairs([("state", state.as_str()), ("page", &page), ("limit", &limit)]);
        self.get(url).await
    }

    /// Closes a report.
    pub(crate) async fn close_report(&self, id: ReportId, comment: Option<&str>) -> Result<Answered<Identified>> {
        let body = json!({"state": ReportState::Closed.as_str(), "comment": comment});
        self.send_json(Method::PATCH, self.url(&format!("reports/{id}")), &body, Repeat::IfUnsent).await
    }
}
