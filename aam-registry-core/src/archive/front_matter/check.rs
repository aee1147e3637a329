//! What keeps tools from reading the text of an artifact: where, and how to mend it.
//!
//! A skill is installed byte for byte, so what keeps the tools that follow the
//! Agent Skills specification from loading it is a fault. Agents, prompts and
//! instructions are written anew in each tool's own form, from what can be
//! read of them, so there it is a warning; what may hide a restriction of an
//! agent is a fault.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    broken::{broken, shown},
    fence::{self, Parts, top_level_key},
    finding::Finding,
    value::{guessed_value, value_of},
};
use crate::types::{Artifact, ArtifactType};

/// The most characters of a description, by the Agent Skills specification.
const MAX_DESCRIPTION: usize = 1024;
/// The most characters of a skill's name, by the same.
const MAX_NAME: usize = 64;
/// What is said of a skill without its file.
pub const NO_SKILL: &str = "is missing: a skill is a folder with SKILL.md";

/// What is said of a folder where an artifact of this kind is a file.
pub fn folder_instead(kind: ArtifactType) -> String {
    let article = if kind == ArtifactType::Instruction { "an" } else { "a" };
    format!("is a folder; {article} {} is one Markdown file", kind.as_str())
}

/// What keeps tools from reading the text `bytes` of an artifact, or makes it worse, in no particular order.
///
/// The text of a skill is its `SKILL.md`.
pub fn findings(kind: ArtifactType, artifact: &Artifact, bytes: &[u8]) -> Vec<Finding> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return vec![not_text(bytes, error.valid_up_to())],
    };
    let mut found = Vec::new();
    let is_skill = kind == ArtifactType::Skill;
    if text.starts_with('\u{feff}') {
        let text = "the file begins with a byte order mark, behind which tools such as Codex and Gemini CLI see no \
                    front matter; save it as UTF-8 without BOM";
        found.push(Finding { line: Some(1), fatal: is_skill, text: text.to_owned() });
    }
    let Parts { head, first, flaw, .. } = fence::parts(text);
    // An agent could lose its restrictions because of it.
    let flaw_is_fatal = matches!(kind, ArtifactType::Skill | ArtifactType::Agent);
    let flaw = flaw.map(|flaw| Finding { line: Some(flaw.line), fatal: flaw_is_fatal, text: flaw.text.to_owned() });
    let Some(head) = head else {
        found.extend(flaw.or_else(|| missing(kind, artifact)));
        return found;
    };
    if is_skill && first > 2 {
        let text = "the front matter does not begin on the first line: remove the empty lines before it";
        found.push(Finding { line: Some(first - 1), fatal: true, text: text.to_owned() });
    }
    found.extend(flaw);
    let values: BTreeMap<String, Value> = match serde_saphyr::from_str(head) {
        Ok(values) => values,
        // A front matter without keys is one.
        Err(_) if head.lines().all(|line| line.trim().is_empty() || line.starts_with('#')) => BTreeMap::new(),
        Err(error) => {
            let at = error.location().and_then(|location| usize::try_from(location.line()).ok());
            let why = match error.without_snippet() {
                // The parser would name its own limits.
                serde_saphyr::Error::Budget { .. } => "there is too much in it, or too deep inside".to_owned(),
                error => error.render_with_formatter(&serde_saphyr::UserMessageFormatter),
            };
            found.extend(broken(kind, head, first, at, why.lines().next().unwrap_or_default()));
            guessed(head)
        }
    };
    let line = |key: &str| {
        let at = head.lines().position(|line| top_level_key(line) == Some(key));
        at.map_or(1, |at| at + first)
    };
    let mut say = |key: &str, fatal: bool, text: String| found.push(Finding { line: Some(line(key)), fatal, text });
    match values.get("description") {
        Some(Value::String(text)) if !text.trim().is_empty() => {
            let length = text.chars().count();
            if length > MAX_DESCRIPTION && kind != ArtifactType::Instruction {
                let text = format!(
                    "the description has {length} characters; the Agent Skills specification takes \
                     {MAX_DESCRIPTION}, and tools cut what is beyond or leave the skill out: shorten it"
                );
                say("description", false, text);
            }
        }
        None | Some(Value::String(_) | Value::Null) if is_skill => {
            let text = "its front matter has no `description`, without which tools do not load a skill: say what it \
                        does and when to use it";
            say("description", true, text.to_owned());
        }
        Some(Value::Null | Value::String(_)) | None => {}
        Some(_) => say("description", is_skill, "the description is no text: put it in double quotes".to_owned()),
    }
    if is_skill {
        match values.get("name") {
            Some(Value::String(name)) if !name.is_empty() => {
                if *name != artifact.name {
                    let own = &artifact.name;
                    let name = shown(name);
                    let text = format!("is called `{name}` here and `{own}` in aam.yaml; installs write `{own}`");
                    say("name", false, text);
                } else if !is_skill_name(name) {
                    let text = format!(
                        "`{name}` is no name of a skill by the Agent Skills specification (1 to {MAX_NAME} lower-case \
                         letters, digits and single hyphens between them); some tools leave it out: rename it"
                    );
                    say("name", false, text);
                } else if let Some(folder) = folder(artifact).filter(|folder| folder != name) {
                    let text = format!(
                        "is called `{name}` and lies in the folder `{folder}`; the Agent Skills specification wants the \
                         same name for both: rename one of them"
                    );
                    say("name", false, text);
                }
            }
            None | Some(Value::Null | Value::String(_)) => {
                let text = format!(
                    "its front matter has no `name`, which some tools need; installs add `name: {}`",
                    artifact.name
                );
                say("name", false, text);
            }
            Some(other) => {
                let other = shown(&other.to_string());
                let text = format!("the name is no text; tools want it in quotes: `name: \"{other}\"`");
                say("name", false, text);
            }
        }
    }
    found
}

/// The name of the folder that a skill lies in; `None` for that of the whole package.
fn folder(artifact: &Artifact) -> Option<&str> {
    let folder = artifact.path.strip_suffix("SKILL.md").unwrap_or(&artifact.path).trim_end_matches('/');
    folder.rsplit('/').next().filter(|folder| !folder.is_empty())
}

/// Whether a name is one by the Agent Skills specification.
pub fn is_skill_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

fn not_text(bytes: &[u8], valid: usize) -> Finding {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let text = "the file is UTF-16, which tools cannot read; save the file as UTF-8";
        return Finding { line: Some(1), fatal: true, text: text.to_owned() };
    }
    not_utf8(bytes[..valid].split(|byte| *byte == b'\n').count())
}

/// The finding of a line that is not UTF-8.
pub(in crate::archive) fn not_utf8(line: usize) -> Finding {
    let text = "the line holds bytes that are not UTF-8, which tools cannot read; save the file as UTF-8";
    Finding { line: Some(line), fatal: true, text: text.to_owned() }
}

/// The values of a front matter that is no YAML, as tools read it: key by key.
fn guessed(head: &str) -> BTreeMap<String, Value> {
    let mut keys: Vec<(&str, String)> = Vec::new();
    for line in head.lines() {
        match (top_level_key(line), keys.last_mut()) {
            (Some(key), _) => keys.push((key, line.to_owned())),
            (None, Some((_, lines))) => {
                lines.push('\n');
                lines.push_str(line);
            }
            (None, None) => {}
        }
    }
    let value =
        |(key, lines): (&str, String)| (key.to_owned(), value_of(key, &lines).unwrap_or_else(|| guessed_value(&lines)));
    keys.into_iter().map(value).collect()
}

/// What to say where there is no front matter.
fn missing(kind: ArtifactType, artifact: &Artifact) -> Option<Finding> {
    let fatal = kind == ArtifactType::Skill;
    let name = &artifact.name;
    match kind {
        ArtifactType::Skill => {
            let text = format!(
                "has no front matter, without which tools do not load a skill: begin the file with `---`, \
                 `name: {name}`, `description: <what it does and when to use it>` and `---`, each on a line of its own"
            );
            Some(Finding { line: Some(1), fatal, text })
        }
        ArtifactType::Agent if artifact.description.trim().is_empty() => {
            let text = "has neither front matter nor a description in aam.yaml; tools choose an agent by it: add \
                        one of them";
            Some(Finding { line: Some(1), fatal, text: text.to_owned() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: ArtifactType, text: &str) -> Vec<(usize, bool, String)> {
        let artifact = Artifact { name: "a".to_owned(), path: "a".to_owned(), description: String::new() };
        let found = findings(kind, &artifact, text.as_bytes()).into_iter();
        found.map(|one| (one.line.expect("a line"), one.fatal, one.text)).collect()
    }

    #[track_caller]
    fn says(kind: ArtifactType, text: &str, line: usize, fatal: bool, what: &str) {
        let found = of(kind, text);
        assert!(
            found.iter().any(|one| one.0 == line && one.1 == fatal && one.2.contains(what)),
            "{what} is missing in {found:?}"
        );
    }

    #[test]
    fn a_front_matter_that_is_no_yaml_is_named_with_its_line_and_the_mend() {
        use ArtifactType::{Agent, Instruction, Prompt, Skill};
        let colon = "---\nname: a\ndescription: Reviews: fast\n---\nx\n";
        says(Skill, colon, 3, true, "`description: \"Reviews: fast\"`");
        says(Agent, colon, 3, false, "`description: \"Reviews: fast\"`");
        says(Prompt, colon, 3, false, "in double quotes");
        let list = "---\ndescription: d\nglobs:\n  - a/**\n  - *.py\n---\nx\n";
        says(Instruction, list, 5, false, "`- \"*.py\"`");
        let folded = "---\ndescription: >-\n  Long\n  text\nglobs: **/*.go\nalwaysApply: false\n---\nx\n";
        says(Instruction, folded, 5, false, "write `globs: \"**/*.go\"`");
        says(Skill, "---\nname: a\ndescription: d\nmetadata:\n\tx: 1\n---\n", 5, true, "tab");
        says(Skill, "---\nname: a\nname: a\ndescription: d\n---\n", 3, true, "no YAML");
        says(Skill, "---\nname: a\ndescription: [x]\n---\n", 3, true, "no text");
        // As Cursor writes its rules, and reads them.
        assert_eq!(of(Instruction, "---\ndescription: d\nglobs: **/*.go\nalwaysApply: false\n---\nx\n"), []);
        assert_eq!(of(Instruction, "---\nglobs: *.{ts,tsx},*.js\n---\nx\n"), []);
        assert_eq!(
            of(Skill, "---\nname: a\ndescription: >-\n  Long: text\nallowed-tools: Bash(git:*) Read\n---\n"),
            []
        );
    }

    #[test]
    fn a_skill_without_a_usable_front_matter_is_a_fault() {
        use ArtifactType::{Agent, Instruction, Prompt, Skill};
        says(Skill, "# A\n", 1, true, "has no front matter");
        says(Skill, "\n---\nname: a\ndescription: d\n---\n", 2, true, "first line");
        says(Skill, "---\nname: a\ndescription: d\n", 1, true, "not closed");
        says(Skill, "---\nname: a\n---\n", 1, true, "no `description`");
        says(Skill, "---\ndescription: d\n---\n", 1, false, "`name: a`");
        says(Skill, "---\nname: b\ndescription: d\n---\n", 2, false, "installs write `a`");
        says(Skill, "---\nname: 7\ndescription: d\n---\n", 2, false, "`name: \"7\"`");
        says(Skill, "\u{feff}---\nname: a\ndescription: d\n---\n", 1, true, "byte order mark");
        says(Agent, "You review.\n", 1, false, "neither front matter");
        assert_eq!(of(Prompt, "Do.\n"), []);
        assert_eq!(of(Instruction, "Do.\n"), []);
    }

    #[test]
    fn long_descriptions_and_foreign_bytes_are_found() {
        let long = format!("---\nname: a\ndescription: {}\n---\n", "x".repeat(1025));
        says(ArtifactType::Skill, &long, 3, false, "1025 characters");
        let artifact = Artifact { name: "a".to_owned(), path: "a".to_owned(), description: String::new() };
        for (bytes, line, what) in
            [(&b"---\nname: a\ndescription: caf\xe9\n---\n"[..], 3, "not UTF-8"), (b"\xff\xfe-\0", 1, "UTF-16")]
        {
            for kind in ArtifactType::ALL {
                let found = findings(kind, &artifact, bytes);
                assert!(found[0].fatal && found[0].line == Some(line) && found[0].text.contains(what), "{found:?}");
            }
        }
    }

    #[test]
    fn names_are_those_of_the_specification() {
        for good in ["a", "code-review", "x2"] {
            assert!(is_skill_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "a_b", "a.b", &"a".repeat(65)] {
            assert!(!is_skill_name(bad), "{bad}");
        }
    }
}
