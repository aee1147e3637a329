//! `aam audit`

use std::collections::BTreeMap;

use aam_registry_core::types::PackageName;
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::install::project;
use crate::{
    api::{Client, Recall},
    config::RegistryUrl,
    failure::{Detail, Failure, Kind, Result},
    install::{self, tell_interrupted},
    output::plain,
    project::{LockFile, LockedPackage},
    session::Session,
    text::Text,
};

/// Check what is installed against recalls, yanks, deprecations and what was published
#[derive(Debug, Args)]
#[command(
    long_about = "Check what is installed in the project of the current folder, as .aam/aam-lock.yaml names it:\n\n\
    - whether the registries have recalled, removed, yanked or deprecated any of it, or no longer have it;\n\
    - whether the files in .aam/packages and where the tools look for them are those that were published: files that \
    were changed, are missing, or were put beside them in the folder of a skill are named. Archives are compared by the \
    digests of the lock file; what was not unpacked on this machine is downloaded for that, and nothing is written.\n\n\
    Each finding is a line. Exits with 9 if there is one, so that a pipeline stops.\n\n  \
    aam audit\n  \
    aam audit --json\n  \
    aam install --locked --force     # puts back what was published\n\n\
    Files that were planted are yours to look at and to remove."
)]
pub(crate) struct Audit {
    /// What is installed for yourself, instead of this project
    #[arg(long, short)]
    global: bool,
    /// Ask every registry that .aam/aam-lock.yaml names, also one you do not use
    #[arg(long, short)]
    yes: bool,
}

/// Something to know about an installed version.
#[derive(Debug, Serialize)]
struct Finding {
    name: String,
    version: String,
    registry: String,
    /// `recalled`, `removed`, `unavailable`, `yanked`, `deprecated`, `changed`, `missing` or `planted`.
    kind: &'static str,
    message: String,
    /// The file, of one that is not what was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

impl Finding {
    /// Whether its version can be downloaded by nobody, so that its files are compared only with what is on record.
    fn withholds(&self) -> bool {
        matches!(self.kind, "recalled" | "removed" | "unavailable")
    }
}

impl Audit {
    pub(crate) async fn run(self, session: Session) -> Result<()> {
        let session = &session.trusting_lock(self.yes);
        let project = project(session, self.global)?;
        tell_interrupted(session, &project)?;
        let lock = LockFile::read(&project, session.out)?.unwrap_or_default();
        let mut recalls: BTreeMap<RegistryUrl, Vec<Recall>> = BTreeMap::new();
        let mut findings = Vec::new();
        for (name, package) in &lock.packages {
            let registry = &package.registry.0;
            let client = session.client_of_lock(registry)?;
            if !recalls.contains_key(registry) {
                recalls.insert(registry.clone(), client.recalls().await?);
            }
            let recalled = recalls.get(registry).map(Vec::as_slice).unwrap_or_default();
            findings.extend(look_at(&client, &name.0, package, recalled).await?);
        }
        let withheld = findings.iter().filter(|finding| finding.withholds());
        let withheld = withheld.filter_map(|finding| finding.name.parse().ok()).collect();
        let differences = install::differences(session, &project, &lock, &withheld).await?;
        findings.extend(differences.into_iter().filter_map(|found| {
            let package = lock.packages.get(&Text(found.package.clone()))?;
            Some(Finding {
                name: found.package.to_string(),
                version: package.version.to_string(),
                registry: package.registry.to_string(),
                kind: found.kind.as_str(),
                message: found.kind.told(&found.path),
                path: Some(found.path),
            })
        }));
        let checked = lock.packages.len();
        if findings.is_empty() {
            let value = json!({"checked": checked, "findings": findings});
            return session.out.result(&value, || {
                vec![match checked {
                    0 => "Nothing is installed here".to_owned(),
                    1 => "1 package checked: nothing found".to_owned(),
                    _ => format!("{checked} packages checked: nothing found"),
                }]
            });
        }
        let details = findings.iter().map(|finding| Detail {
            field: plain(&format!("{} {}", finding.name, finding.version)),
            error: plain(&format!("{}: {}", finding.kind, finding.message)),
        });
        let what = if findings.len() == 1 { "1 finding".to_owned() } else { format!("{} findings", findings.len()) };
        let failure = Failure::new(Kind::Unsafe, "audit_findings", format!("{what} in {checked} installed packages"))
            .details(details.collect())
            .hint(what_helps(&lock, &findings));
        Err(failure.with(json!({"checked": checked, "findings": findings})))
    }
}

/// What to do, in one sentence: a package that only others need goes with these.
fn what_helps(lock: &LockFile, findings: &[Finding]) -> String {
    let has = |kinds: &[&str]| findings.iter().any(|finding| kinds.contains(&finding.kind));
    let of_registry =
        |name: &PackageName| findings.iter().any(|finding| finding.path.is_none() && finding.name == name.as_str());
    let mut ways = Vec::new();
    if findings.iter().any(|finding| finding.path.is_none()) {
        ways.push(
            "install another version of what is listed with `aam install <PACKAGE>@<VERSION>`, or remove it with `aam \
             uninstall <PACKAGE>`"
                .to_owned(),
        );
    }
    for (name, package) in lock.packages.iter().filter(|(name, _)| of_registry(name)) {
        let users: Vec<_> = lock.dependents(name).into_iter().map(PackageName::as_str).collect();
        if package.requested.is_none() && !users.is_empty() {
            ways.push(format!("{name} is there for {}: update or uninstall that", users.join(", ")));
        }
    }
    if has(&["changed", "missing"]) {
        ways.push("put back what was published with `aam install --locked --force`".to_owned());
    }
    if has(&["planted"]) {
        ways.push("look at the files that are not of the package, and remove them".to_owned());
    }
    ways.join("; ")
}

/// What there is to know about one installed version.
async fn look_at(
    client: &Client,
    name: &PackageName,
    package: &LockedPackage,
    recalls: &[Recall],
) -> Result<Vec<Finding>> {
    let version = package.version.to_string();
    let finding = |kind, message: String| Finding {
        name: name.to_string(),
        version: version.clone(),
        registry: package.registry.to_string(),
        kind,
        message,
        path: None,
    };
    let mut findings = Vec::new();
    let is_it = |recall: &&Recall| {
        let is_named = recall.package == name.as_str() && recall.version == version;
        recall.lifted_at.is_none() && (is_named || *recall.sha256 == *package.sha256)
    };
    for recall in recalls.iter().filter(is_it) {
        findings.push(finding("recalled", format!("{} ({})", recall.reason, recall.category)));
    }
    match client.version(name, &package.version).await {
        Ok(answer) => {
            let info = answer.read;
            if info.yanked {
                findings.push(finding("yanked", info.yanked_reason.unwrap_or_else(|| "no reason given".to_owned())));
            }
            for (word, text) in info.texts.iter() {
                findings.push(finding(word, text.to_owned()));
            }
        }
        Err(failure) if &*failure.code == "version_gone" => {
            findings.push(finding("removed", "the registry has removed it; use another version".to_owned()));
        }
        // What is recalled is not shown; the recall says more.
        Err(failure) if failure.kind == Kind::NotFound => {
            if findings.is_empty() {
                let why = "the registry no longer has it, or does not show it to you: it may wait for approval or be in \
                           quarantine";
                findings.push(finding("unavailable", why.to_owned()));
            }
        }
        Err(failure) => return Err(failure),
    }
    Ok(findings)
}
