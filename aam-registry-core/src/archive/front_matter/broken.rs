//! Front matter that is no YAML: which lines keep it from being YAML, and what to write instead.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{fence::top_level_key, finding::Finding, keys};
use crate::types::ArtifactType;

/// The most characters of a value that is shown in a mended line.
const SHOWN: usize = 60;

/// What keeps a front matter from being YAML: each key that is none by itself,
/// else what the reader of the whole said of its line `at`.
pub(super) fn broken(kind: ArtifactType, head: &str, first: usize, at: Option<usize>, why: &str) -> Vec<Finding> {
    let fatal = kind == ArtifactType::Skill;
    let mut found = Vec::new();
    let mut chunks: Vec<(usize, &str, Vec<&str>)> = Vec::new();
    for (at, line) in head.lines().enumerate() {
        match (top_level_key(line), chunks.last_mut()) {
            (Some(key), _) => chunks.push((at + first, key, vec![line])),
            (None, Some((_, _, lines))) => lines.push(line),
            (None, None) => {}
        }
    }
    let whole = |lines: &[&str]| lines.join("\n");
    let folded = chunks.iter().any(|(_, _, lines)| {
        let value = lines[0].split_once(':').map_or("", |(_, value)| value.trim());
        value.starts_with(['>', '|'])
    });
    for (line, key, lines) in &chunks {
        if serde_saphyr::from_str::<BTreeMap<String, Value>>(&whole(lines)).is_ok() {
            continue;
        }
        // A restriction that cannot be read keeps the agent from being installed.
        let fatal = fatal || (kind == ArtifactType::Agent && keys::is_demand(key));
        let value = lines[0].split_once(':').map_or("", |(_, value)| value.trim());
        let bare = value.starts_with(['*', '?']) || (value.starts_with(['{', '[']) && is_globs(key));
        // Cursor writes its globs so, and reads them.
        if is_globs(key) && bare && lines[1..].iter().all(|line| line.trim().is_empty()) {
            if folded && kind == ArtifactType::Instruction {
                let text = format!(
                    "the bare glob makes the front matter no YAML, so tools read the `>-` or `|` of another key as \
                     its value: write `{key}: {}`",
                    quoted(value)
                );
                found.push(Finding { line: Some(*line), fatal, text });
            } else if kind != ArtifactType::Instruction {
                let text = format!("the bare glob is no YAML: write `{key}: {}`", quoted(value));
                found.push(Finding { line: Some(*line), fatal, text });
            }
            continue;
        }
        let items = found.len();
        for (below, item) in lines.iter().enumerate().skip(1) {
            if item.starts_with('\t') {
                let text = "the line is indented with a tab, which YAML refuses; use spaces".to_owned();
                found.push(Finding { line: Some(line + below), fatal, text });
            } else if let Some(value) = item.trim().strip_prefix("- ").map(str::trim)
                && serde_saphyr::from_str::<Value>(value).is_err()
            {
                let text = format!("`{}` is no YAML: write `- {}`", shown(value), quoted(value));
                found.push(Finding { line: Some(line + below), fatal, text });
            }
        }
        if found.len() > items {
            continue;
        }
        let text = if lines.len() == 1 || value.contains(": ") {
            format!("`{key}` is no YAML; put its value in double quotes: `{key}: {}`", quoted(value))
        } else {
            format!("`{key}` is no YAML: put its value in double quotes, or indent its lines alike")
        };
        found.push(Finding { line: Some(*line), fatal, text });
    }
    let silent = chunks.iter().any(|(_, key, _)| is_globs(key)) && kind == ArtifactType::Instruction;
    if found.is_empty() && !silent {
        let text = format!("the front matter is no YAML: {why}");
        found.push(Finding { line: Some(at.map_or(1, |at| at + first - 1)), fatal, text });
    }
    found
}

fn is_globs(key: &str) -> bool {
    matches!(key, "globs" | "paths" | "applyTo" | "fileMatchPattern")
}

/// A value in double quotes, as YAML and JSON have them.
fn quoted(value: &str) -> String {
    let plain = value.trim_matches(['"', '\'']);
    Value::String(shown(plain)).to_string()
}

pub(super) fn shown(value: &str) -> String {
    if value.chars().count() <= SHOWN {
        return value.to_owned();
    }
    value.chars().take(SHOWN).chain(['…']).collect()
}
