//! The settings in force, as text and as JSON.

use std::fmt;

use serde::Serialize;

use super::{
    address::{self, MASK},
    resolve::Loaded,
    setting::{Fallback, Kind, Spec},
};

/// Every setting with its value and source, secrets masked.
#[derive(Debug, Serialize)]
pub(crate) struct Listing {
    settings: Vec<Line>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    value: Option<String>,
    source: String,
}

impl Listing {
    /// The listing of a loaded configuration.
    pub(crate) fn of(loaded: &Loaded) -> Self {
        let built = loaded.found.iter().filter_map(|(spec, found)| {
            let Kind::Built { default, .. } = &spec.kind else { return None };
            let (value, source) = match (found, default) {
                (Some(found), _) => (Some(shown(spec, &found.text)), found.source.to_string()),
                (None, Fallback::Computed(what, _)) => (None, (*what).to_owned()),
                (None, _) => (None, "not set".to_owned()),
            };
            Some(Line { name: spec.name(), value, source })
        });
        Self { settings: built.collect(), warnings: loaded.warnings.clone() }
    }
}

/// Of a secret URL, shows the parts that are not secret; of other secrets, nothing.
fn shown(spec: &Spec, text: &str) -> String {
    if !spec.is_secret() {
        return text.to_owned();
    }
    if spec.name().ends_with("_URL") || spec.name() == "HTTPS_PROXY" { address::masked(text) } else { MASK.to_owned() }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.settings.iter().map(|line| line.name.len()).max().unwrap_or_default();
        for Line { name, value, source } in &self.settings {
            writeln!(f, "{name:width$}  {}  ({source})", value.as_deref().unwrap_or("-"))?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}
