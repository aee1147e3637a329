//! Looking at a package by the limits of the registry in use.

use std::path::Path;

use crate::{
    failure::{Detail, Result},
    package::{Packed, inspect},
    session::Session,
};

/// The archive of the package at `path` and its warnings, which are told.
pub(super) async fn inspected(session: &Session, path: &Path) -> Result<(Packed, Vec<Detail>)> {
    let limits = session.limits().await;
    let findings = inspect(path, &limits.archive);
    for warning in &findings.warnings {
        session.out.warn(&format!("{}: {}", warning.field, warning.error));
    }
    let about_size = |text: &str| ["at most", "more than", "larger than"].iter().any(|words| text.contains(words));
    findings.into_result().map_err(|failure| {
        let sized = about_size(&failure.message) || failure.details.iter().any(|detail| about_size(&detail.error));
        if limits.told || !sized {
            return failure;
        }
        failure.hint("the registry could not be asked for its limits, so these are the usual ones; it may take more")
    })
}
