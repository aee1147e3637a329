//! Approvals, quarantine and recalls.

use aam_registry_core::types::{PackageName, Sha256Digest, Version};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{answered::Answered, client::Client, retry::Repeat};
use crate::{failure::Result, text::Text};

/// The decisions about a version.
#[derive(Debug, Deserialize)]
pub(crate) struct Decisions {
    pub(crate) approval_status: String,
    #[serde(default)]
    pub(crate) approvals: Vec<Value>,
}

/// A page of versions that wait for approval, or were rejected.
#[derive(Debug, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) versions: Vec<Value>,
    #[serde(default)]
    pub(crate) pages: u64,
}

/// A part of the recalls.
#[derive(Debug, Deserialize)]
pub(crate) struct Recalls {
    pub(crate) recalls: Vec<Recall>,
    #[serde(default)]
    pub(crate) next_since: Option<String>,
}

/// A version that was put into quarantine.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Recall {
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) sha256: Text<Sha256Digest>,
    #[serde(default)]
    pub(crate) category: String,
    #[serde(default)]
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) lifted_at: Option<String>,
}

impl Recall {
    /// Whether it is about that version and was not lifted.
    pub(crate) fn concerns(&self, name: &PackageName, version: &Version, sha256: Sha256Digest) -> bool {
        let is_named = self.package == name.as_str() && self.version == version.to_string();
        self.lifted_at.is_none() && (is_named || *self.sha256 == sha256)
    }
}

/// The most parts of the recalls that are read: a registry that never ends is not followed for ever.
const MAX_PARTS: usize = 1000;

impl Client {
    /// Approves a version or rejects it.
    pub(crate) async fn decide_approval(
        &self,
        name: &PackageName,
        version: &Version,
        status: &str,
        comment: Option<&str>,
    ) -> Result<Value> {
        let url = self.version_url(name, version, "approve");
        let body = json!({"status": status, "comment": comment});
        self.send_json(Method::POST, url, &body, Repeat::Harmless).await
    }

    /// The decisions about a version.
    pub(crate) async fn approvals_of(&self, name: &PackageName, version: &Version) -> Result<Answered<Decisions>> {
        self.get(self.version_url(name, version, "approvals")).await
    }

    /// A page of the versions that are in that state.
    pub(crate) async fn waiting(&self, state: &str, page: u32) -> Result<Answered<Waiting>> {
        let mut url = self.url("approvals");
        url.query_pairs_mut().append_pair("state", state).append_pair("page", &page.to_string());
        self.get(url).await
    }

    /// Puts a version into quarantine.
    pub(crate) async fn quarantine(
        &self,
        name: &PackageName,
        version: &Version,
        category: &str,
        reason: &str,
    ) -> Result<Value> {
        let url = self.version_url(name, version, "quarantine");
        self.send_json(Method::PUT, url, &json!({"category": category, "reason": reason}), Repeat::Harmless).await
    }

    /// Lets a version out of quarantine.
    pub(crate) async fn release(&self, name: &PackageName, version: &Version) -> Result<Value> {
        let url = self.version_url(name, version, "quarantine");
        self.send_json(Method::DELETE, url, &json!({}), Repeat::Harmless).await
    }

    /// Removes a version for good that is in quarantine.
    pub(crate) async fn remove_version(&self, name: &PackageName, version: &Version) -> Result<Value> {
        let url = self.version_url(name, version, "quarantine/final");
        self.send_json(Method::POST, url, &json!({}), Repeat::Harmless).await
    }

    /// Every recall that the registry tells of.
    pub(crate) async fn recalls(&self) -> Result<Vec<Recall>> {
        let mut recalls = Vec::new();
        let mut since: Option<String> = None;
        for _ in 0..MAX_PARTS {
            let mut url = self.url("recalls");
            if let Some(since) = &since {
                url.query_pairs_mut().append_pair("since", since);
            }
            let part: Recalls = self.get(url).await?;
            recalls.extend(part.recalls);
            // A part that starts where the one before did would come for ever.
            if part.next_since.is_none() || part.next_since == since {
                break;
            }
            since = part.next_since;
        }
        Ok(recalls)
    }
}
