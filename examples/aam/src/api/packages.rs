//! Reading packages, and the changes that are not a publish.

use std::collections::BTreeMap;

use aam_registry_core::types::{ArtifactType, DistTag, PackageName, ScopeName, Selector, Version};
use reqwest::Method;
use serde_json::json;

use super::{
    answer,
    answered::Answered,
    client::Client,
    retry::Repeat,
    wire::{Owners, PackageInfo, Resolution, Resolved, SearchPage, Tags, VersionInfo, YankReceipt},
};
use crate::{config::RegistryUrl, failure::Result, output::plain};

/// The bytes of an archive that is fetched whatever the registry's limits are today: 4 GiB.
const USUAL_ARCHIVE: u64 = 4 << 30;
/// The most bytes of a file that is read by itself.
const MAX_FILE: usize = 1 << 20;
/// The most bytes of an archive that a registry is believed to take: 1 TiB.
const LARGEST_ARCHIVE: u64 = 1 << 40;

/// What to search for.
#[derive(Debug, Default)]
pub(crate) struct SearchRequest {
    pub(crate) text: String,
    pub(crate) kind: Option<ArtifactType>,
    pub(crate) scope: Option<ScopeName>,
    pub(crate) keyword: Option<String>,
    pub(crate) sort: Option<String>,
    pub(crate) page: u32,
    pub(crate) limit: u32,
}

/// How a selector is written in a request.
pub(crate) fn spelled(selector: &Selector) -> String {
    match selector {
        Selector::Constraint(constraint) => constraint.as_str().to_owned(),
        Selector::Tag(tag) => tag.as_str().to_owned(),
    }
}

impl Client {
    /// Searches.
    pub(crate) async fn search(&self, request: &SearchRequest) -> Result<Answered<SearchPage>> {
        let mut url = self.url("packages");
        {
            let mut query = url.query_pairs_mut();
            let kind = request.kind.map(ArtifactType::as_str);
            let optional = [
                ("type", kind),
                ("scope", request.scope.as_ref().map(ScopeName::as_str)),
                ("keyword", request.keyword.as_deref()),
                ("sort", request.sort.as_deref()),
                ("q", Some(&*request.text).filter(|text| !text.is_empty())),
            ];
            for (key, value) in optional {
                if let Some(value) = value {
                    query.append_pair(key, value);
                }
            }
            query.append_pair("page", &request.page.to_string()).append_pair("limit", &request.limit.to_string());
        }
        self.get(url).await
    }

    /// A package.
    pub(crate) async fn package(&self, name: &PackageName) -> Result<Answered<PackageInfo>> {
        let answer: Answered<PackageInfo> = self.get(self.package_url(name, "")).await?;
        self.is_about(name, &answer.read.name)?;
        Ok(answer)
    }

    /// Fails unless an answer about `name` says that it is.
    fn is_about(&self, name: &PackageName, told: &str) -> Result<()> {
        if told == name.as_str() {
            return Ok(());
        }
        Err(answer::unexpected(self.registry(), &format!("it was asked for {name} and told of `{}`", plain(told))))
    }

    /// One version.
    pub(crate) async fn version(&self, name: &PackageName, version: &Version) -> Result<Answered<VersionInfo>> {
        let answer: Answered<VersionInfo> = self.get(self.version_url(name, version, "")).await?;
        if *answer.read.version != *version {
            let told = &*answer.read.version;
            let what = format!("it was asked for {name} {version} and told of {told}");
            return Err(answer::unexpected(self.registry(), &what));
        }
        Ok(answer)
    }

    /// The text of a file of a version, at most 1 MiB of it.
    pub(crate) async fn file(&self, name: &PackageName, version: &Version, path: &str) -> Result<String> {
        let mut url = self.version_url(name, version, "files");
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path.split('/'));
        }
        let answer = async {
            let response = self.send(Repeat::Harmless, || self.request(Method::GET, url.clone())).await?;
            answer::text(self.registry(), response, MAX_FILE).await
        };
        self.in_time(answer).await
    }

    /// The version a selector stands for.
    pub(crate) async fn resolve(&self, name: &PackageName, selector: &Selector) -> Result<Resolved> {
        let mut url = self.package_url(name, "resolve");
        url.query_pairs_mut().append_pair("spec", &spelled(selector));
        let resolved: Resolved = self.get(url).await?;
        self.check_sizes([(name, &resolved)]).await?;
        fits(self.registry(), name, selector, &resolved)?;
        Ok(resolved)
    }

    /// One version of every package that `wanted` and its dependencies need.
    pub(crate) async fn resolve_tree(
        &self,
        wanted: &BTreeMap<PackageName, Selector>,
    ) -> Result<BTreeMap<PackageName, Resolved>> {
        let asked = wanted;
        let wanted: BTreeMap<&str, String> = wanted.iter().map(|(name, s)| (name.as_str(), spelled(s))).collect();
        let body = json!({"dependencies": wanted});
        let answer: Resolution = self.send_json(Method::POST, self.url("resolve"), &body, Repeat::Harmless).await?;
        let resolved = answer.resolved.into_iter().map(|(name, resolved)| (name.0, resolved)).collect();
        self.check_sizes(&resolved).await?;
        answers(self.registry(), asked, &resolved)?;
        Ok(resolved)
    }

    /// Fails where a version is larger than any that this registry takes, or took with wider limits.
    async fn check_sizes<'a>(&self, all: impl IntoIterator<Item = (&'a PackageName, &'a Resolved)>) -> Result<()> {
        for (name, resolved) in all {
            let size = resolved.archive_size;
            if size <= USUAL_ARCHIVE {
                continue;
            }
            let most = self.limits().await.archive.max_archive_size();
            if size > most.min(LARGEST_ARCHIVE) {
                let what = format!("it says that {name} {} has {size} bytes", *resolved.version);
                return Err(answer::wrong(self.registry(), &what));
            }
        }
        Ok(())
    }

    /// Withdraws a version from resolution.
    pub(crate) async fn yank(
        &self,
        name: &PackageName,
        version: &Version,
        reason: Option<&str>,
    ) -> Result<Answered<YankReceipt>> {
        let mut url = self.version_url(name, version, "");
        if let Some(reason) = reason {
            url.query_pairs_mut().append_pair("reason", reason);
        }
        let answer = async {
            let response = self.send(Repeat::Harmless, || self.request(Method::DELETE, url.clone())).await?;
            answer::json(self.registry(), response).await
        };
        let answer: Answered<YankReceipt> = self.in_time(answer).await?;
        self.is_about(name, &answer.read.name)?;
        if *answer.read.version != *version || !answer.read.yanked {
            return Err(answer::unexpected(self.registry(), &format!("it does not say that {version} is yanked")));
        }
        Ok(answer)
    }

    /// The owners of a package.
    pub(crate) async fn owners(&self, name: &PackageName) -> Result<Answered<Owners>> {
        let answer: Answered<Owners> = self.get(self.package_url(name, "owners")).await?;
        self.is_about(name, &answer.read.package)?;
        Ok(answer)
    }

    /// Takes a yank back.
    pub(crate) async fn unyank(&self, name: &PackageName, version: &Version) -> Result<()> {
        self.act(Method::POST, self.version_url(name, version, "unyank"), None).await
    }

    /// Sets the text of a version that is at `path`, such as `deprecation`, or removes it.
    pub(crate) async fn set_text(
        &self,
        name: &PackageName,
        version: &Version,
        path: &str,
        text: Option<&str>,
    ) -> Result<()> {
        let url = self.version_url(name, version, path);
        match text {
            Some(message) => self.act(Method::PUT, url, Some(&json!({"message": message}))).await,
            None => self.act(Method::DELETE, url, None).await,
        }
    }

    /// The dist-tags of a package.
    pub(crate) async fn tags(&self, name: &PackageName) -> Result<Answered<Tags>> {
        let answer: Answered<Tags> = self.get(self.package_url(name, "tags")).await?;
        self.is_about(name, &answer.read.package)?;
        Ok(answer)
    }

    /// Points a dist-tag at a version.
    pub(crate) async fn set_tag(&self, name: &PackageName, tag: &DistTag, version: &Version) -> Result<()> {
        let url = self.package_url(name, &format!("tags/{tag}"));
        self.act(Method::PUT, url, Some(&json!({"version": version.to_string()}))).await
    }

    /// Removes a dist-tag.
    pub(crate) async fn remove_tag(&self, name: &PackageName, tag: &DistTag) -> Result<()> {
        self.act(Method::DELETE, self.package_url(name, &format!("tags/{tag}")), None).await
    }
}

/// Fails unless a resolution holds everything that was asked for and that its
/// packages need, in versions that fit.
fn answers(
    registry: &RegistryUrl,
    wanted: &BTreeMap<PackageName, Selector>,
    resolved: &BTreeMap<PackageName, Resolved>,
) -> Result<()> {
    let found = |name: &PackageName, selector: &Selector| match resolved.get(name) {
        Some(resolved) => fits(registry, name, selector, resolved),
        None => Err(answer::wrong(registry, &format!("it names no version of {name}, which was asked for"))),
    };
    for (name, selector) in wanted {
        found(name, selector)?;
    }
    for (dependent, package) in resolved {
        for (name, needed) in &package.dependencies {
            let selector = needed
                .parse()
                .map_err(|_| answer::wrong(registry, &format!("{dependent} needs `{}` of {name}", plain(needed))))?;
            found(name, &selector)?;
        }
    }
    Ok(())
}

/// Fails unless a version is one that was asked for. What a tag names, only the registry knows.
fn fits(registry: &RegistryUrl, name: &PackageName, selector: &Selector, resolved: &Resolved) -> Result<()> {
    match selector {
        Selector::Constraint(constraint) if !constraint.matches(&resolved.version) => Err(answer::wrong(
            registry,
            &format!("it chose {name} {} where `{}` was asked for", *resolved.version, constraint.as_str()),
        )),
        _ => Ok(()),
    }
}
