//! A Markdown artifact, read once for all platforms.

use std::{fs, path::Path};

use aam_registry_core::types::Artifact;
use serde_json::Value;

use super::front_matter;
use crate::failure::{Failure, Result};

/// An agent, prompt or instruction as platforms need it.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// What it is called where it is deployed.
    pub(super) name: String,
    /// From the file, else from the manifest.
    pub(super) description: String,
    /// The files it is for; empty for all.
    pub(super) globs: Vec<String>,
    /// The text without front matter.
    pub(super) body: String,
    /// The file, byte for byte.
    pub(super) source: Vec<u8>,
}

impl Document {
    /// Reads the Markdown file of a prompt or an instruction.
    pub(super) fn read(package: &Path, artifact: &Artifact) -> Result<Self> {
        let path = package.join(&artifact.path);
        let source = fs::read(&path).map_err(|error| Failure::io("read the artifact", &path, &error))?;
        let text = String::from_utf8_lossy(&source).into_owned();
        let (head, body) = front_matter::split(&text);
        let description = head.get("description").and_then(Value::as_str).unwrap_or(&artifact.description).to_owned();
        let globs = head.get("applyTo").or_else(|| head.get("globs")).map(globs).unwrap_or_default();
        Ok(Self { name: artifact.name.clone(), description, globs, body: body.to_owned(), source })
    }
}

/// Globs are a list, or text with commas between; commas inside braces are part of a glob.
fn globs(value: &Value) -> Vec<String> {
    let text = match value {
        Value::String(text) => text.trim().trim_matches(['[', ']']).to_owned(),
        Value::Array(list) => {
            return list.iter().filter_map(Value::as_str).map(one_line).filter(|glob| !glob.is_empty()).collect();
        }
        _ => return Vec::new(),
    };
    let mut depth = 0i32;
    let pieces = text.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth <= 0
    });
    pieces.map(|piece| one_line(piece.trim().trim_matches(['"', '\'']))).filter(|glob| !glob.is_empty()).collect()
}

fn one_line(text: &str) -> String {
    text.trim().replace(['\n', '\r', '`'], "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn globs_come_as_text_and_as_lists() {
        assert_eq!(globs(&json!("**/*.py")), ["**/*.py"]);
        assert_eq!(globs(&json!("a/*.{ts,tsx}, *.js")), ["a/*.{ts,tsx}", "*.js"]);
        assert_eq!(globs(&json!(["*.rs", "*.toml"])), ["*.rs", "*.toml"]);
        assert_eq!(globs(&json!("[\"*.rs\", \"*.toml\"]")), ["*.rs", "*.toml"]);
        assert!(globs(&json!("")).is_empty() && globs(&json!(null)).is_empty());
    }
}
