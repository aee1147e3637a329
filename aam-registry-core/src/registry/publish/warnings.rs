use crate::archive::JudgedArchive;

/// What the publisher may want to do better next time.
pub(super) fn warnings(judged: &JudgedArchive) -> Vec<String> {
    let mut warnings = Vec::new();
    if judged.readme.as_ref().is_none_or(|text| text.trim().is_empty()) {
        warnings.push("The package has no README.md; people decide by it whether to install".to_owned());
    }
    if judged.manifest.license.is_none() {
        warnings.push("aam.yaml names no `license`; without one nobody knows what they may do with it".to_owned());
    }
    warnings
}
