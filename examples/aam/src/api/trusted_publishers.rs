//! Trusted publishers, and what ID tokens are swapped for.

use aam_registry_core::types::{PackageName, PublisherId};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{client::Client, retry::Repeat};
use crate::{
    config::Secret,
    failure::{Kind, Result},
};

#[derive(Deserialize)]
struct Swapped {
    access_token: String,
}

impl Client {
    /// Adds a trusted publisher; gives it.
    pub(crate) async fn add_publisher(&self, package: &PackageName, publisher: &Value) -> Result<Value> {
        let url = self.package_url(package, "trusted-publishers");
        self.send_json(Method::POST, url, publisher, Repeat::IfUnsent).await
    }

    /// The trusted publishers of a package.
    pub(crate) async fn publishers(&self, package: &PackageName) -> Result<Value> {
        self.get(self.package_url(package, "trusted-publishers")).await
    }

    /// Says whether only trusted publishers may publish a package.
    pub(crate) async fn set_trusted_only(&self, package: &PackageName, only: bool) -> Result<Value> {
        let url = self.package_url(package, "trusted-publishers");
        self.send_json(Method::PATCH, url, &json!({"trusted_publishing_only": only}), Repeat::IfUnsent).await
    }

    /// Removes a trusted publisher.
    pub(crate) async fn remove_publisher(&self, package: &PackageName, id: PublisherId) -> Result<()> {
        self.act(Method::DELETE, self.package_url(package, &format!("trusted-publishers/{id}")), None).await
    }

    /// Whom ID tokens for the registry have to be for; `None` where it takes none, as older registries do, which have
    /// no such answer.
    pub(crate) async fn id_token_audience(&self) -> Result<Option<String>> {
        match self.get::<Value>(self.url("limits")).await {
            Ok(limits) => Ok(limits["trusted_publishing"]["audience"].as_str().map(str::to_owned)),
            Err(failure) if failure.kind == Kind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Swaps an ID token for a token that publishes `package`.
    pub(crate) async fn swap_id_token(&self, id_token: &Secret, package: &PackageName) -> Result<Secret> {
        let body = json!({"token": id_token.expose(), "package": package.as_str()});
        let swapped: Swapped = self.send_json(Method::POST, self.url("oidc/token"), &body, Repeat::IfUnsent).await?;
        Ok(Secret::new(swapped.access_token))
    }
}
