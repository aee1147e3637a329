//! A Markdown artifact, read once for all platforms.

use aam_registry_core::types::{Artifact, ArtifactType};
use serde_json::Value;

use super::{
    agent,
    front_matter::{self, Head},
    prompt_syntax::declared,
    source::Source,
};
use crate::failure::{Failure, Result};

/// An agent, prompt or instruction as platforms need it.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// What it is called where it is deployed.
    pub(super) name: String,
    /// Where it lies in its package.
    pub(super) path: String,
    /// From the file, else from the manifest.
    pub(super) description: String,
    /// What its front matter, or `agent.yaml`, says.
    pub(super) head: Head,
    /// The text without front matter.
    pub(super) body: String,
    /// The arguments that its front matter names.
    pub(super) arguments: Vec<String>,
    /// What may hide a restriction: a front matter that is none to any reader.
    pub(super) flaw: Option<String>,
}

impl Document {
    /// Reads an artifact that is no skill.
    pub(super) fn read(package: &dyn Source, kind: ArtifactType, artifact: &Artifact) -> Result<Self> {
        match package.read(&artifact.path)? {
            Some(source) => Ok(Self::of_file(kind, artifact, &source)),
            None if kind == ArtifactType::Agent => agent::read_folder(package, artifact),
            None => Err(Failure::invalid(format!("The package lacks {}", artifact.path))),
        }
    }

    pub(super) fn of_file(kind: ArtifactType, artifact: &Artifact, source: &[u8]) -> Self {
        let text = String::from_utf8_lossy(source).into_owned();
        let (mut head, body) = front_matter::split_head(&text);
        if kind == ArtifactType::Agent {
            head = head.canonical();
        }
        let flaw = front_matter::flaw(&text).map(|flaw| format!("{} (line {})", flaw.text, flaw.line));
        let hidden = head.hidden().map(|key| format!("its `{key}` stands where it is no key of the front matter"));
        let flaw = flaw.or(hidden);
        let description = head.text("description").unwrap_or(&artifact.description).trim().to_owned();
        let arguments = declared(head.get("arguments"));
        let (name, path, body) = (artifact.name.clone(), artifact.path.clone(), body.to_owned());
        Self { name, path, description, head, body, arguments, flaw }
    }

    /// The prompt with the text `text` at `path`.
    #[cfg(test)]
    pub(super) fn of_text(path: &str, text: &str) -> Self {
        let artifact = Artifact { name: "a".to_owned(), path: path.to_owned(), description: String::new() };
        Self::of_file(ArtifactType::Prompt, &artifact, text.as_bytes())
    }

    /// The files an instruction is for; empty for all.
    pub(super) fn globs(&self) -> Vec<String> {
        let globs = self.written_globs();
        let everything = |glob: &String| matches!(&**glob, "*" | "**" | "**/*");
        let always = self.always_apply() == Some(true);
        if always || globs.iter().any(everything) { Vec::new() } else { globs }
    }

    /// As [`Self::globs`], with those that fit everything.
    pub(super) fn written_globs(&self) -> Vec<String> {
        let keys = ["applyTo", "globs", "paths", "fileMatchPattern"];
        let found = keys.iter().find_map(|key| self.head.get(key).filter(|value| !value.is_null()));
        found.map(globs).unwrap_or_default()
    }

    /// Cursor's `alwaysApply`, where it was written.
    pub(super) fn always_apply(&self) -> Option<bool> {
        self.head.get("alwaysApply").map(is_true)
    }

    /// When an instruction is read, of those files that it is for.
    pub(super) fn reading(&self) -> Reading {
        let trigger = self.head.text("trigger").or(self.head.text("inclusion")).unwrap_or_default();
        let narrowed = self.always_apply() == Some(false) || matches!(trigger, "model_decision" | "auto");
        let limited = !self.written_globs().is_empty();
        if limited || self.always_apply() == Some(true) || !(narrowed || trigger == "manual") {
            Reading::Always
        } else if trigger == "manual" || self.description.is_empty() {
            Reading::Asked
        } else {
            Reading::Fitting
        }
    }
}

/// When an instruction is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Always,
    /// When its description fits what is done.
    Fitting,
    /// When a person asks for it.
    Asked,
}

fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true")))
}

/// Globs are a list, or text with commas between; commas inside braces are part of a glob.
pub(super) fn globs(value: &Value) -> Vec<String> {
    let text = match value {
        Value::String(text) => text.trim(),
        Value::Array(list) => {
            return list.iter().filter_map(Value::as_str).map(one_line).filter(|glob| !glob.is_empty()).collect();
        }
        _ => return Vec::new(),
    };
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
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
        assert_eq!(globs(&json!("src/[ab]")), ["src/[ab]"]);
        assert!(globs(&json!("")).is_empty() && globs(&json!(null)).is_empty());
    }
}
