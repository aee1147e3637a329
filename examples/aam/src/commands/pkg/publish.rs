//! `aam pkg publish`

use std::path::PathBuf;

use aam_registry_core::types::DistTag;
use clap::Args;
use serde_json::json;

use super::{contents, inspected::inspected};
use crate::{
    api::{Outcome, Upload},
    ci_identity,
    failure::Result,
    output::plain,
    progress::Progress,
    session::Session,
};

/// Publish a package
#[derive(Debug, Args)]
#[command(long_about = "Publish a package: a folder, which is packed, or an .aam archive.\n\n  \
    aam pkg publish\n  \
    aam pkg publish my-skills --tag beta\n  \
    aam pkg publish my-skills-0.1.0.aam --registry team\n  \
    aam pkg publish --dry-run     # shows what would be sent and what stays out, sends nothing\n\n\
    What .gitignore and .aamignore leave out stays out, and so does what commonly holds secrets (.env, .npmrc, \
    .ssh/, *.pem and the like) unless .aamignore names it, as in `!.env.shared`. A rule `*` in .aamignore leaves out \
    all but the manifest and the artifacts it names, with what is in their folders; a narrower rule leaves out files of \
    these, too. Before the first version of a \
    package it shows what goes in, and asks where there is somebody to ask. A file that looks as if it held a private \
    key or a token is published only where you say so, at the terminal or with --allow-secrets.\n\n\
    In GitHub Actions and GitLab it publishes as a trusted publisher by itself, without a stored token, where an owner \
    has added the repository with `aam trusted-publisher add`; a token in AAM_TOKEN counts before that.\n\n\
    A published version never changes. Publishing the very same bytes again is no error, so a job that broke off \
    can be run again.")]
pub(crate) struct Publish {
    /// The package's folder or archive; the current folder where not given
    path: Option<PathBuf>,
    /// A dist-tag to set, beside `latest`
    #[arg(long)]
    tag: Option<DistTag>,
    /// Check and show everything, send nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before the first version of a package
    #[arg(long, short)]
    yes: bool,
    /// Publish files although they look as if they held a secret
    #[arg(long)]
    allow_secrets: bool,
}

impl Publish {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        let path = self.path.unwrap_or_else(|| session.folder.clone());
        let (packed, warnings) = inspected(session, &path).await?;
        let manifest = &packed.judged.manifest;
        let (name, version) = (&manifest.name, &manifest.version);
        if self.dry_run {
            let files: Vec<_> =
                packed.judged.files.iter().map(|file| json!({"path": file.path, "size": file.size})).collect();
            let left_out = &packed.left_out;
            let value = json!({
                "dry_run": true,
                "name": name.as_str(),
                "version": version.to_string(),
                "registry": registry.url.as_str(),
                "sha256": packed.sha256.to_string(),
                "size": packed.size,
                "files": files,
                "left_out": left_out,
                "warnings": warnings,
                "possible_secrets": packed.suspects,
            });
            let refused = contents::secrets(&packed, self.allow_secrets, "it would be refused");
            let refused = match refused {
                // One document, which says both.
                Some(refused) if session.out.is_json() => return Err(refused.with(value)),
                refused => refused,
            };
            session.out.done(&value, || {
                let mut lines = vec![format!("Would publish {name} {version} to {}:", registry.url)];
                lines.extend(packed.judged.files.iter().map(|file| format!("  {:>10} {}", file.size, file.path)));
                lines.extend(contents::left_out(&packed, true));
                lines.push(format!("{} bytes packed, sha256 {}", packed.size, packed.sha256));
                lines
            })?;
            return refused.map_or(Ok(()), Err);
        }
        contents::refuse_secrets(session, &packed, self.allow_secrets)?;
        let client = ci_identity::publishing_client(session, &registry, name).await?;
        if contents::is_first(&client, name).await? {
            contents::confirm(session, &registry.url, &packed, self.yes)?;
        }
        let bar = Progress::new(session.out).bytes(format!("{name} {version}"), packed.size);
        let upload = Upload {
            path: packed.path(),
            name,
            version,
            sha256: packed.sha256,
            size: packed.size,
            tag: self.tag.as_ref(),
        };
        let counter = bar.clone();
        let outcome = client.publish(&upload, move |sent| counter.set_position(sent)).await?;
        bar.finish_and_clear();
        let mut value = json!({
            "name": name.as_str(),
            "version": version.to_string(),
            "registry": registry.url.as_str(),
            "sha256": packed.sha256.to_string(),
            "already_published": matches!(outcome, Outcome::AlreadyThere),
        });
        match outcome {
            Outcome::Published(receipt) => {
                // The registry finds what was found here, in the same words.
                let told: Vec<_> = warnings.iter().map(|told| format!("{}: {}", told.field, told.error)).collect();
                for warning in receipt.warnings.iter().filter(|warning| !told.contains(*warning)) {
                    session.out.warn(warning);
                }
                // Others do not find it before it is approved.
                let waits = receipt.approval_status.as_deref() == Some("pending");
                value["dist_tags"] = json!(receipt.dist_tags);
                value["approval_status"] = json!(receipt.approval_status);
                value["warnings"] = json!(receipt.warnings);
                session.out.done(&value, || {
                    let tags = plain(&receipt.dist_tags.join(", "));
                    let tags = if tags.is_empty() { String::new() } else { format!(" as {tags}") };
                    vec![
                        format!("Published {name} {version}{tags} to {}", registry.url),
                        if waits {
                            format!("See what was decided with `aam approvals {name}@{version}`")
                        } else {
                            format!("Install it with `aam install {name}`")
                        },
                    ]
                })
            }
            Outcome::AlreadyThere => session
                .out
                .done(&value, || vec![format!("{name} {version} is published already, with exactly these bytes")]),
        }
    }
}
