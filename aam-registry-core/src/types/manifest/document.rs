//! From YAML to a document, within limits.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter, budget::BudgetBreach};

use super::{
    Manifest, ManifestFault,
    advice::{self, Spot},
    faults::quoted,
};

const MAX_NODES: usize = 50_000;
/// Deeper than a publish allows, so that a manifest that is too deep is refused with the message about
/// that limit.
const MAX_DEPTH: usize = 64;
const MAX_ALIASES: usize = 100;

/// Parses an `aam.yaml` into a document.
pub(super) fn read(yaml: &[u8]) -> Result<Value, ManifestFault> {
    if yaml.len() > Manifest::MAX_SIZE {
        return Err(fault(format!("has more than {} bytes", Manifest::MAX_SIZE)));
    }
    let yaml = std::str::from_utf8(yaml).map_err(|_| fault("is not UTF-8 text"))?;
    let mut document: Value =
        serde_saphyr::from_str_with_options(yaml, limits()).map_err(|error| fault(explained(yaml, &error)))?;
    keep_numbers_as_written(yaml, &mut document);
    Ok(document)
}

/// What is wrong with `yaml`, in the words of its author where the line shows what they meant.
fn explained(yaml: &str, error: &Error) -> String {
    if let Some(conflict) = advice::merge_conflict(yaml) {
        return conflict;
    }
    let spot = error.location().and_then(|at| {
        Some(Spot { line: usize::try_from(at.line()).ok()?, column: usize::try_from(at.column()).ok()? })
    });
    if let (
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } | Error::MultipleDocuments { .. },
        Some(spot),
    ) = (error.without_snippet(), spot)
    {
        return format!(
            "line {}: a second document begins here; an aam.yaml is one document: remove the line `---` and what belongs \
             to another file",
            spot.line
        );
    }
    let advice = match error.without_snippet() {
        Error::Budget { .. } => None,
        _ => spot.and_then(|spot| advice::at(yaml, spot)),
    };
    let text = error.without_snippet().render_with_formatter(&PlainWords);
    let misplaced = || spot.filter(|_| text.contains("did not find expected key"));
    advice
        .or_else(|| misplaced().and_then(|spot| advice::misplaced(yaml, spot)))
        .unwrap_or_else(|| format!("is not the YAML expected: {}", quoted(text.trim())))
}

/// Words the parser's errors for authors. Its own messages tell programmers which of its options to
/// change.
struct PlainWords;

impl MessageFormatter for PlainWords {
    fn format_message<'a>(&self, error: &'a Error) -> Cow<'a, str> {
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

/// Keeps a small file from becoming a large document: aliases multiply its contents, and depth uses the
/// stack.
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

/// YAML reads an unquoted `1.10` as the number 1.1. For versions and constraints, the digits as written
/// count.
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
