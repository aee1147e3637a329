//! From YAML to a document, within limits.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::{MessageFormatter, UserMessageFormatter};

use super::{Manifest, ManifestFault, faults::quoted};

const MAX_NODES: usize = 50_000;
/// More than may be published, so that the limit for that is what an author is told.
const MAX_DEPTH: usize = 64;
const MAX_ALIASES: usize = 100;

/// The document of an `aam.yaml`.
pub(super) fn read(yaml: &[u8]) -> Result<Value, ManifestFault> {
    if yaml.len() > Manifest::MAX_SIZE {
        return Err(fault(format!("has more than {} bytes", Manifest::MAX_SIZE)));
    }
    let yaml = std::str::from_utf8(yaml).map_err(|_| fault("is not UTF-8 text"))?;
    let mut document: Value = serde_saphyr::from_str_with_options(yaml, limits()).map_err(|error| {
        let text = error.without_snippet().render_with_formatter(&PlainWords);
        fault(format!("is not the YAML expected: {}", quoted(text.trim())))
    })?;
    keep_numbers_as_written(yaml, &mut document);
    Ok(document)
}

/// Tells an author what is wrong with a file; the parser's own words tell a
/// programmer which of its options to change.
struct PlainWords;

impl MessageFormatter for PlainWords {
    fn format_message<'a>(&self, error: &'a serde_saphyr::Error) -> Cow<'a, str> {
        use serde_saphyr::Error::{
            AliasExpansionLimitExceeded, AliasReplayCounterOverflow, AliasReplayLimitExceeded,
            AliasReplayStackDepthExceeded, Budget,
        };
        match error {
            Budget { .. }
            | AliasReplayCounterOverflow { .. }
            | AliasReplayLimitExceeded { .. }
            | AliasExpansionLimitExceeded { .. }
            | AliasReplayStackDepthExceeded { .. } => format!(
                "it has too much in it; at most {MAX_NODES} values, {MAX_DEPTH} levels and {MAX_ALIASES} aliases are read"
            )
            .into(),
            other => UserMessageFormatter.format_message(other),
        }
    }
}

fn fault(error: impl Into<String>) -> ManifestFault {
    ManifestFault { field: "aam.yaml".to_owned(), error: error.into() }
}

/// What keeps a small file from becoming a large document: aliases multiply,
/// depth costs stack.
fn limits() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 200_000,
            max_nodes: MAX_NODES,
            max_depth: MAX_DEPTH,
            max_aliases: MAX_ALIASES,
            max_anchors: 100,
            max_documents: 1,
            max_merge_keys: 100,
            max_total_scalar_bytes: Manifest::MAX_SIZE,
        },
        strict_booleans: true,
        with_snippet: false,
    }
}

#[derive(Deserialize)]
struct VersionText {
    version: String,
}

#[derive(Deserialize)]
struct DependencyTexts {
    dependencies: BTreeMap<String, String>,
}

/// YAML reads an unquoted `1.10` as the number 1.1; where a version or a
/// constraint is meant, the digits as written are what the author said.
fn keep_numbers_as_written(yaml: &str, document: &mut Value) {
    let Value::Object(document) = document else { return };
    if let Some(version) = document.get_mut("version").filter(|version| version.is_number())
        && let Ok(text) = serde_saphyr::from_str_with_options::<VersionText>(yaml, limits())
    {
        *version = Value::String(text.version);
    }
    if let Some(Value::Object(dependencies)) = document.get_mut("dependencies")
        && dependencies.values().any(Value::is_number)
        && let Ok(texts) = serde_saphyr::from_str_with_options::<DependencyTexts>(yaml, limits())
    {
        for (name, text) in texts.dependencies {
            if let Some(constraint) = dependencies.get_mut(&name).filter(|constraint| constraint.is_number()) {
                *constraint = Value::String(text);
            }
        }
    }
}
