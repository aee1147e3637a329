//! `aam trusted-publisher`

use std::collections::BTreeMap;

use aam_registry_core::types::{Issuer, PackageName, PublisherId};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::{
    failure::Result,
    output::{plain, table},
    session::Session,
};

/// Let CI publish a package without a stored secret
#[derive(Debug, Subcommand)]
#[command(
    long_about = "Let CI publish a package without a stored secret: the job shows an ID token that its CI system \
    signed, and `aam pkg publish` swaps it for a token that publishes this package for 15 minutes. For owners of the \
    package. The package need not exist: the first publish makes it.\n\n  \
    aam trusted-publisher add greet-kit --github acme/greet-kit --workflow publish.yml --environment release\n  \
    aam trusted-publisher add greet-kit --gitlab acme/tools/greet-kit --environment release\n  \
    aam trusted-publisher ls greet-kit\n  \
    aam trusted-publisher only greet-kit on\n\n\
    The repository's or project's ids are noted at the first publish, so that another one that takes its name later \
    cannot publish."
)]
pub(crate) enum TrustedPublisher {
    Add(Add),
    /// List the trusted publishers of a package
    Ls {
        /// The package
        package: PackageName,
    },
    /// Remove a trusted publisher; its tokens end at once
    Rm {
        /// The package
        package: PackageName,
        /// Its id, from `aam trusted-publisher ls`
        id: PublisherId,
    },
    /// Say whether only trusted publishers may publish a package
    Only {
        /// The package
        package: PackageName,
        /// `on` refuses every other token and login, `off` takes them again
        state: State,
    },
}

/// Whether something is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum State {
    /// It is
    On,
    /// It is not
    Off,
}

/// Add a trusted publisher
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("who").required(true).args(["github", "gitlab", "claims"])),
    long_about = "Add a trusted publisher: a workflow of GitHub Actions, a project of GitLab, or whoever shows ID \
    tokens with the claims you name.\n\n  \
    aam trusted-publisher add greet-kit --github acme/greet-kit --workflow publish.yml\n  \
    aam trusted-publisher add greet-kit --gitlab acme/tools/greet-kit --issuer https://gitlab.example.com\n  \
    aam trusted-publisher add greet-kit --issuer https://ci.example.com --claim sub=project:7"
)]
pub(crate) struct Add {
    /// The package, which need not exist yet
    package: PackageName,
    /// A repository on GitHub, such as acme/greet-kit
    #[arg(long, value_name = "OWNER/REPOSITORY", requires = "workflow")]
    github: Option<String>,
    /// Its workflow: a file in .github/workflows, or a reusable one as
    /// owner/repository/.github/workflows/file.yml; with `@refs/heads/main` of that branch alone
    #[arg(long, value_name = "FILE", requires = "github")]
    workflow: Option<String>,
    /// A project on GitLab, such as acme/tools/greet-kit
    #[arg(long, value_name = "PROJECT")]
    gitlab: Option<String>,
    /// Its pipeline's file, such as .gitlab-ci.yml; with `@refs/heads/main` of that branch alone
    #[arg(long, value_name = "FILE", requires = "gitlab")]
    pipeline: Option<String>,
    /// The environment that the job has to run in
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Who issues the ID tokens, where that is not GitHub.com or GitLab.com
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// A claim that ID tokens have to have, as NAME=VALUE
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim, requires = "issuer")]
    claims: Vec<(String, String)>,
}

impl TrustedPublisher {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let client = session.authenticated(&session.registry()?)?;
        match self {
            Self::Add(add) => {
                let package = add.package.clone();
                let added = client.add_publisher(&package, &add.into_request()).await?;
                session.out.done(&added, || {
                    let mut lines = vec![format!("{package} trusts {}", told(&added))];
                    if added["pending"] == json!(true) {
                        lines.push("The package does not exist yet; the first publish from there makes it".to_owned());
                    }
                    lines
                })
            }
            Self::Ls { package } => {
                let found = client.publishers(&package).await?;
                session.out.result(&found, || {
                    let publishers = found["publishers"].as_array().into_iter().flatten();
                    let text = |value: &Value| plain(value.as_str().unwrap_or_default());
                    let rows: Vec<_> = publishers
                        .map(|one| {
                            let state = if one["pending"] == json!(true) { "pending" } else { "" };
                            vec![text(&one["id"]), told(one), state.to_owned()]
                        })
                        .collect();
                    let mut lines = table(&rows);
                    if found["trusted_publishing_only"] == json!(true) {
                        lines.push("Nobody else may publish".to_owned());
                    }
                    lines
                })
            }
            Self::Rm { package, id } => {
                client.remove_publisher(&package, id).await?;
                let value = json!({"package": package.as_str(), "removed": id.to_string()});
                session.out.done(&value, || vec![format!("{package} no longer trusts {id}")])
            }
            Self::Only { package, state } => {
                let found = client.set_trusted_only(&package, state == State::On).await?;
                session.out.done(&found, || {
                    vec![match state {
                        State::On => format!("Only the trusted publishers of {package} may publish it now"),
                        State::Off => format!("The owners and the trusted publishers of {package} may publish it now"),
                    }]
                })
            }
        }
    }
}

impl Add {
    /// The body of the request.
    fn into_request(self) -> Value {
        let mut claims: BTreeMap<_, _> = self.claims.into_iter().collect();
        claims.extend(self.environment.map(|environment| ("environment".to_owned(), environment)));
        if let (Some(repository), Some(workflow)) = (self.github, self.workflow) {
            let is_whole = workflow.contains("/.github/workflows/");
            let workflow = if is_whole { workflow } else { format!("{repository}/.github/workflows/{workflow}") };
            claims.extend([("repository".to_owned(), repository), ("job_workflow_ref".to_owned(), workflow)]);
            let issuer = self.issuer.unwrap_or_else(|| Issuer::GITHUB.to_owned());
            return json!({"issuer": issuer, "preset": "github", "claims": claims});
        }
        let Some(project) = self.gitlab else {
            return json!({"issuer": self.issuer, "claims": claims});
        };
        let issuer = self.issuer.unwrap_or_else(|| Issuer::GITLAB.to_owned());
        if let Some(file) = self.pipeline {
            let host = issuer.split_once("://").map_or(issuer.as_str(), |(_, rest)| rest).trim_end_matches('/');
            claims.insert("ci_config_ref_uri".to_owned(), format!("{host}/{project}//{file}"));
        }
        claims.insert("project_path".to_owned(), project);
        json!({"issuer": issuer, "preset": "gitlab", "claims": claims})
    }
}

/// A publisher in one line.
fn told(publisher: &Value) -> String {
    let issuer = plain(publisher["issuer"].as_str().unwrap_or_default());
    let claims = publisher["claims"].as_object().into_iter().flatten();
    let claims: Vec<_> =
        claims.map(|(name, value)| format!("{}={}", plain(name), plain(value.as_str().unwrap_or_default()))).collect();
    format!("{issuer} where {}", claims.join(", "))
}

fn claim(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        add: Add,
    }

    fn request(line: &str) -> Value {
        Line::try_parse_from(format!("add kit {line}").split(' ')).expect("a command line").add.into_request()
    }

    #[test]
    fn the_presets_name_the_claims() {
        let github = request("--github acme/kit --workflow publish.yml --environment release");
        assert_eq!(github["issuer"], json!(Issuer::GITHUB));
        assert_eq!(
            github["claims"],
            json!({"environment": "release", "repository": "acme/kit",
                "job_workflow_ref": "acme/kit/.github/workflows/publish.yml"})
        );
        let shared = request("--github acme/kit --workflow acme/ci/.github/workflows/aam.yml@refs/heads/main");
        assert_eq!(shared["claims"]["job_workflow_ref"], json!("acme/ci/.github/workflows/aam.yml@refs/heads/main"));
        let gitlab = request("--gitlab acme/kit --pipeline .gitlab-ci.yml --issuer https://git.example.com");
        assert_eq!(gitlab["preset"], json!("gitlab"));
        assert_eq!(gitlab["claims"]["ci_config_ref_uri"], json!("git.example.com/acme/kit//.gitlab-ci.yml"));
        let other = request("--issuer https://ci.example.com --claim sub=a=b");
        assert_eq!(other, json!({"issuer": "https://ci.example.com", "claims": {"sub": "a=b"}}));
    }

    #[test]
    fn who_is_trusted_has_to_be_said() {
        for line in
            ["", "--issuer https://ci.example.com", "--github acme/kit", "--claim sub=x", "--gitlab a/b --github c/d"]
        {
            let args = format!("add kit {line}");
            assert!(Line::try_parse_from(args.split_whitespace()).is_err(), "{line}");
        }
    }
}
