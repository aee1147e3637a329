//! Showing what goes into a package before it cannot be taken back.

use aam_registry_core::types::PackageName;

use crate::{
    api::Client,
    config::RegistryUrl,
    failure::{Failure, Kind, Result},
    package::{Packed, Reason},
    prompt,
    session::Session,
};

/// How many files a summary names.
const NAMED: usize = 20;

/// The lines that tell what stays out of an archive: all of it, or so much as fits a summary.
pub(super) fn left_out(packed: &Packed, all: bool) -> Vec<String> {
    // What never goes in surprises nobody.
    let told: Vec<_> = packed.left_out.iter().filter(|left_out| left_out.reason != Reason::Never).collect();
    let mut lines = Vec::new();
    if !told.is_empty() {
        lines.push("Left out:".to_owned());
        let named = if all { told.len() } else { NAMED };
        lines.extend(
            told.iter().take(named).map(|left_out| format!("  {} ({})", left_out.path, left_out.reason.as_str())),
        );
        lines.extend(more(told.len()).filter(|_| !all));
    }
    lines
}

/// Whether no version of the package is published yet, as far as the caller can see.
pub(super) async fn is_first(client: &Client, name: &PackageName) -> Result<bool> {
    match client.tags(name).await {
        Ok(_) => Ok(false),
        Err(failure) if failure.kind == Kind::NotFound => Ok(true),
        Err(failure) => Err(failure),
    }
}

/// Shows what a first version holds, and asks a person who did not say `--yes`.
pub(super) fn confirm(session: &Session, registry: &RegistryUrl, packed: &Packed, yes: bool) -> Result<()> {
    let files = &packed.judged.files;
    let manifest = &packed.judged.manifest;
    session.out.note(&format!("The first version of {} at {registry} has {} files:", manifest.name, files.len()));
    for file in files.iter().take(NAMED) {
        session.out.note(&format!("  {:>10} {}", file.size, file.path));
    }
    for line in more(files.len()).into_iter().chain(left_out(packed, false)) {
        session.out.note(&line);
    }
    if yes || session.out.is_json() || !prompt::can_ask() {
        return Ok(());
    }
    if prompt::yes("What is published cannot be changed. Publish it?")? {
        return Ok(());
    }
    Err(Failure::new(Kind::Other, "stopped", "Nothing was published"))
}

/// Refuses to publish what looks as if it held a secret, unless a person says that it holds none.
pub(super) fn refuse_secrets(session: &Session, packed: &Packed, allowed: bool) -> Result<()> {
    let Some(refused) = secrets(packed, allowed, "nothing was published") else { return Ok(()) };
    // The files were named in the warnings above the question.
    if prompt::can_ask() && !session.out.is_json() && !session.out.is_quiet() {
        if prompt::yes("Files look as if they held a secret. Publish them all the same?")? {
            return Ok(());
        }
        return Err(Failure::new(Kind::Other, "stopped", "Nothing was published"));
    }
    Err(refused)
}

/// Why `aam pkg publish` refuses what looks as if it held a secret, unless it is `allowed`; `so` says what that means.
pub(super) fn secrets(packed: &Packed, allowed: bool, so: &str) -> Option<Failure> {
    let suspects = &packed.suspects;
    if suspects.is_empty() || allowed {
        return None;
    }
    let many = if suspects.len() == 1 {
        "1 file looks as if it".to_owned()
    } else {
        format!("{} files look as if they", suspects.len())
    };
    let failure = Failure::new(Kind::Invalid, "possible_secret", format!("{many} held a secret; {so}"));
    let hint = "name the file in .aamignore to leave it out; where it holds no secret, publish with --allow-secrets";
    Some(failure.details(suspects.clone()).hint(hint))
}

fn more(all: usize) -> Option<String> {
    (all > NAMED).then(|| format!("  … and {} more; `aam pkg publish --dry-run` lists the files", all - NAMED))
}
