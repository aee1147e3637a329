//! `aam info`

use std::fmt::Write as _;

use clap::Args;

use super::acting::{acts, acts_of_all};
use crate::{
    api::{Client, PackageInfo, VersionInfo},
    failure::Result,
    output::{Output, instant, plain},
    session::Session,
    spec::PackageSpec,
};

/// Show a package, or one of its versions
#[derive(Debug, Args)]
#[command(long_about = "Show a package, or one of its versions, with what it does on this machine \
    when a tool uses it: commands that it runs, MCP servers that it starts, restrictions that it lifts.\n\n  \
    aam info @my_org/style-guide\n  \
    aam info greet-kit@1.0.0\n  \
    aam info greet-kit@^1 --json\n  \
    aam info @acme/many --all")]
pub(crate) struct Info {
    /// The package, with a version, tag or constraint where wanted
    #[arg(value_name = "PACKAGE[@VERSION]")]
    package: PackageSpec,
    /// Look at every artifact of a large package, whose archive is downloaded for that (and counts as a download)
    #[arg(long)]
    all: bool,
}

impl Info {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let client = session.client(&session.registry()?)?;
        let name = &self.package.name;
        if self.package.selector.is_some() {
            let resolved = client.resolve(name, &self.package.selector()).await?;
            let answer = client.version(name, &resolved.version).await?;
            let acts = self.acts(session, &client, &answer.read).await?;
            return session.out.result(&answer, || version_lines(session.out, name.as_str(), &answer.read, &acts));
        }
        let answer = client.package(name).await?;
        let package = &answer.read;
        let newest = package.dist_tags.get("latest").or(package.versions.first().map(|row| &row.version));
        let version = match newest.map(|version| version.parse()) {
            Some(Ok(version)) if !session.out.is_json() => Some(client.version(name, &version).await?.read),
            _ => None,
        };
        let acts = match &version {
            Some(version) => self.acts(session, &client, version).await?,
            None => Vec::new(),
        };
        session.out.result(&answer, || {
            let mut lines = package_lines(session.out, package, version.as_ref(), &acts);
            let visibility = package.visibility.as_deref().filter(|seen| *seen != "public");
            field(&mut lines, "visibility", visibility.unwrap_or_default());
            lines
        })
    }

    /// What the artifacts of `version` do on this machine, for a person.
    async fn acts(&self, session: &Session, client: &Client, version: &VersionInfo) -> Result<Vec<String>> {
        let name = &self.package.name;
        match (session.out.is_json(), self.all) {
            (true, _) => Ok(Vec::new()),
            (false, false) => Ok(acts(client, name, version).await),
            (false, true) => acts_of_all(session, client, name, version).await,
        }
    }
}

fn package_lines(out: Output, package: &PackageInfo, newest: Option<&VersionInfo>, acts: &[String]) -> Vec<String> {
    let mut lines = match newest {
        Some(version) => version_lines(out, &package.name, version, acts),
        None => vec![plain(&package.name)],
    };
    field(&mut lines, "owners", &package.owners.join(", "));
    let tags: Vec<_> = package.dist_tags.iter().map(|(tag, version)| format!("{tag}={version}")).collect();
    field(&mut lines, "tags", &tags.join(" "));
    field(&mut lines, "downloads", &package.downloads.to_string());
    let versions = package.versions.iter().map(|row| {
        let mark = if row.yanked { Some("yanked") } else { row.texts.iter().map(|(word, _)| word).next() };
        let mark = mark.map(|word| format!(" ({word})")).unwrap_or_default();
        format!("{}{mark}", row.version)
    });
    let mut listed = versions.collect::<Vec<_>>().join(", ");
    let left_out = package.versions_total.saturating_sub(package.versions.len() as u64);
    if left_out > 0 {
        let _ = write!(listed, " and {left_out} older ones, which this list leaves out");
    }
    field(&mut lines, "versions", &listed);
    lines
}

fn version_lines(out: Output, name: &str, version: &VersionInfo, acts: &[String]) -> Vec<String> {
    let mut lines = vec![out.bold(&plain(&format!("{name} {}", *version.version)))];
    if !version.description.is_empty() {
        lines.push(plain(&version.description));
    }
    if version.yanked {
        let reason = version.yanked_reason.as_deref().unwrap_or("no reason given");
        lines.push(out.yellow(&plain(&format!("yanked: {reason}"))));
    }
    for (word, text) in version.texts.iter() {
        lines.push(out.yellow(&plain(&format!("{word}: {text}"))));
    }
    let optional = [
        ("author", &version.author),
        ("license", &version.license),
        ("repository", &version.repository),
        ("homepage", &version.homepage),
    ];
    for (key, value) in optional {
        field(&mut lines, key, value.as_deref().unwrap_or_default());
    }
    field(&mut lines, "keywords", &version.keywords.join(", "));
    for (kind, artifacts) in &version.artifacts {
        for artifact in artifacts {
            let about = artifact.description.as_deref().filter(|text| !text.is_empty());
            let about = about.map(|text| format!(": {text}")).unwrap_or_default();
            field(&mut lines, kind.trim_end_matches('s'), &format!("{}{about}", artifact.name));
        }
    }
    for act in acts {
        field(&mut lines, "acts", act);
    }
    for (name, constraint) in &version.dependencies {
        field(&mut lines, "needs", &format!("{name} {constraint}"));
    }
    let published = version.published_at.map(|at| {
        let by = version.published_by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
        format!("{}{by}", instant(at.0))
    });
    field(&mut lines, "published", &published.unwrap_or_default());
    field(&mut lines, "sha256", &version.checksum.sha256.to_string());
    field(&mut lines, "size", &format!("{} bytes", version.archive_size));
    lines
}

fn field(lines: &mut Vec<String>, key: &str, value: &str) {
    if !value.is_empty() {
        lines.push(format!("  {:<12} {}", plain(key), plain(value)));
    }
}
