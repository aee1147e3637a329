use crate::archive::{ArtifactFinding, JudgedArchive};

/// The most warnings about artifacts in one answer.
const MAX_ARTIFACT_WARNINGS: usize = 20;
/// The most characters of one warning about an artifact.
const MAX_WARNING: usize = 500;

/// What the publisher may want to do better next time.
pub(super) fn warnings(judged: &JudgedArchive) -> Vec<String> {
    let mut warnings = Vec::new();
    if judged.readme.as_ref().is_none_or(|text| text.trim().is_empty()) {
        warnings.push("The package has no README.md; people decide by it whether to install".to_owned());
    }
    if judged.manifest.license.is_none() {
        warnings.push("aam.yaml names no `license`; without one nobody knows what they may do with it".to_owned());
    }
    warnings.extend(judged.findings.iter().take(MAX_ARTIFACT_WARNINGS).map(warning));
    if let Some(more @ 1..) = judged.findings.len().checked_sub(MAX_ARTIFACT_WARNINGS) {
        warnings.push(format!("{more} more warnings about artifacts; `aam pkg validate` lists all"));
    }
    warnings
}

/// `path:line: what is wrong`, as compilers write it.
fn warning(ArtifactFinding { path, finding }: &ArtifactFinding) -> String {
    let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
    let warning = format!("{path}{line}: {}", finding.text);
    match warning.char_indices().nth(MAX_WARNING) {
        Some((end, _)) => format!("{}…", &warning[..end]),
        None => warning,
    }
}
