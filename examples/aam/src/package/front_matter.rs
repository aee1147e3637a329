//! Front matter that tools cannot read: where, and how to mend it.
//!
//! A skill is installed byte for byte, so what keeps the tools that follow the
//! Agent Skills specification from loading it is a fault. Agents, prompts and
//! instructions are written anew in each tool's own form, from what can be
//! read of them, so there it is a warning; what may hide a restriction of an
//! agent is a fault.

use std::collections::BTreeMap;

use aam_registry_core::types::{Artifact, ArtifactType};
use serde_json::Value;

use crate::{deploy, failure::Detail};

/// The most characters of a description, by the Agent Skills specification.
const MAX_DESCRIPTION: usize = 1024;
/// The most characters of a skill's name, by the same.
const MAX_NAME: usize = 64;
/// The most characters of a value that is shown in a mended line.
const SHOWN: usize = 60;

/// What is wrong with one line.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// From 1.
    line: usize,
    /// Whether tools cannot load the artifact for it.
    fatal: bool,
    text: String,
}

/// Looks at the file `shown` of an artifact; adds what keeps tools from loading
/// it to `faults`, the rest to `warnings`.
pub(super) fn check(
    kind: ArtifactType,
    artifact: &Artifact,
    shown: &str,
    bytes: &[u8],
    faults: &mut Vec<Detail>,
    warnings: &mut Vec<Detail>,
) {
    for Finding { line, fatal, text } in findings(kind, artifact, bytes) {
        let list = if fatal { &mut *faults } else { &mut *warnings };
        list.push(Detail::new(format!("{shown}:{line}"), text));
    }
}

fn findings(kind: ArtifactType, artifact: &Artifact, bytes: &[u8]) -> Vec<Finding> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return vec![not_text(bytes, error.valid_up_to())],
    };
    let mut found = Vec::new();
    let is_skill = kind == ArtifactType::Skill;
    if kind == ArtifactType::Instruction {
        found.extend(markers(artifact, bytes));
    }
    if text.starts_with('\u{feff}') {
        let text = "the file begins with a byte order mark, behind which tools such as Codex and Gemini CLI see no \
                    front matter; save it as UTF-8 without BOM";
        found.push(Finding { line: 1, fatal: is_skill, text: text.to_owned() });
    }
    let Some(head) = deploy::lines_of(text) else {
        found.extend(missing(kind, artifact, text));
        return found;
    };
    let first = deploy::first_line(text);
    if is_skill && first > 2 {
        let text = "the front matter does not begin on the first line: remove the empty lines before it";
        found.push(Finding { line: first - 1, fatal: true, text: text.to_owned() });
    }
    found.extend(flaw(kind, text));
    if kind == ArtifactType::Agent
        && let Some(key) = deploy::hidden_limit(text)
    {
        let at = head.lines().position(|line| line.contains(&*key) && deploy::top_level_key(line).is_none());
        let text = format!("`{key}` stands where it is no key of the front matter: begin its line with `{key}: `");
        found.push(Finding { line: at.map_or(1, |at| at + first), fatal: true, text });
    }
    let values: BTreeMap<String, Value> = match serde_saphyr::from_str(head) {
        Ok(values) => values,
        // A front matter without keys is one.
        Err(_) if head.lines().all(|line| line.trim().is_empty() || line.starts_with('#')) => BTreeMap::new(),
        Err(error) => {
            let at = error.location().and_then(|location| usize::try_from(location.line()).ok());
            let why = error.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter);
            found.extend(broken(kind, head, first, at, why.lines().next().unwrap_or_default()));
            deploy::front_matter(text).0
        }
    };
    let line = |key: &str| {
        let at = head.lines().position(|line| deploy::top_level_key(line) == Some(key));
        at.map_or(1, |at| at + first)
    };
    let mut say = |key: &str, fatal: bool, text: String| found.push(Finding { line: line(key), fatal, text });
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
                    let text = format!("is called `{name}` here and `{own}` in aam.yaml; installs write `{own}`");
                    say("name", false, text);
                } else if !is_skill_name(name) {
                    let text = format!(
                        "`{name}` is no name of a skill by the Agent Skills specification (1 to {MAX_NAME} lower-case \
                         letters, digits and single hyphens between them); some tools leave it out: rename it"
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
                let text = format!("the name is no text; tools want it in quotes: `name: \"{other}\"`");
                say("name", false, text);
            }
        }
    }
    found
}

/// Whether a name is one by the Agent Skills specification.
pub(super) fn is_skill_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

/// What would be taken for the end of a section in AGENTS.md or GEMINI.md.
fn markers(artifact: &Artifact, bytes: &[u8]) -> Option<Finding> {
    const MARKS: &str = "`<!-- BEGIN AAM:` or `<!-- END AAM:`, with which aam marks its sections of AGENTS.md and \
                         GEMINI.md, so it cannot be installed there";
    let say = |line: usize, text: String| Finding { line, fatal: true, text };
    if let Some(line) = deploy::marker_line(bytes) {
        return Some(say(line, format!("holds {MARKS}: remove the line, or write `AAM` in it otherwise")));
    }
    let described = deploy::marker_line(artifact.description.as_bytes()).is_some();
    described.then(|| say(1, format!("its description in aam.yaml holds {MARKS}: take it out of the description")))
}

fn not_text(bytes: &[u8], valid: usize) -> Finding {
    let line = bytes[..valid].split(|byte| *byte == b'\n').count();
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let what = if utf16 { "the file is UTF-16" } else { "the line holds bytes that are not UTF-8" };
    Finding { line, fatal: true, text: format!("{what}, which tools cannot read; save the file as UTF-8") }
}

/// What keeps something that looks like front matter from being read; an agent could lose its restrictions by it.
fn flaw(kind: ArtifactType, text: &str) -> Option<Finding> {
    let fatal = matches!(kind, ArtifactType::Skill | ArtifactType::Agent);
    deploy::flaw(text).map(|flaw| Finding { line: flaw.line, fatal, text: flaw.text.to_owned() })
}

/// What to say where there is no front matter.
fn missing(kind: ArtifactType, artifact: &Artifact, text: &str) -> Option<Finding> {
    let fatal = kind == ArtifactType::Skill;
    if let Some(flaw) = flaw(kind, text) {
        return Some(flaw);
    }
    let name = &artifact.name;
    match kind {
        ArtifactType::Skill => {
            let text = format!(
                "has no front matter, without which tools do not load a skill: begin the file with `---`, \
                 `name: {name}`, `description: <what it does and when to use it>` and `---`, each on a line of its own"
            );
            Some(Finding { line: 1, fatal, text })
        }
        ArtifactType::Agent if artifact.description.trim().is_empty() => {
            let text = "has neither front matter nor a description in aam.yaml; tools choose an agent by it: add \
                        one of them";
            Some(Finding { line: 1, fatal, text: text.to_owned() })
        }
        _ => None,
    }
}

/// What keeps a front matter from being YAML: each key that is none by itself,
/// else what the reader of the whole said of its line `at`.
fn broken(kind: ArtifactType, head: &str, first: usize, at: Option<usize>, why: &str) -> Vec<Finding> {
    let fatal = kind == ArtifactType::Skill;
    let mut found = Vec::new();
    let mut chunks: Vec<(usize, &str, Vec<&str>)> = Vec::new();
    for (at, line) in head.lines().enumerate() {
        match (deploy::top_level_key(line), chunks.last_mut()) {
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
        let fatal = fatal || (kind == ArtifactType::Agent && deploy::is_demand(key));
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
                found.push(Finding { line: *line, fatal, text });
            } else if kind != ArtifactType::Instruction {
                let text = format!("the bare glob is no YAML: write `{key}: {}`", quoted(value));
                found.push(Finding { line: *line, fatal, text });
            }
            continue;
        }
        let items = found.len();
        for (below, item) in lines.iter().enumerate().skip(1) {
            if item.starts_with('\t') {
                let text = "the line is indented with a tab, which YAML refuses; use spaces".to_owned();
                found.push(Finding { line: line + below, fatal, text });
            } else if let Some(value) = item.trim().strip_prefix("- ").map(str::trim)
                && serde_saphyr::from_str::<Value>(value).is_err()
            {
                let text = format!("`{}` is no YAML: write `- {}`", shown(value), quoted(value));
                found.push(Finding { line: line + below, fatal, text });
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
        found.push(Finding { line: *line, fatal, text });
    }
    let silent = chunks.iter().any(|(_, key, _)| is_globs(key)) && kind == ArtifactType::Instruction;
    if found.is_empty() && !silent {
        let text = format!("the front matter is no YAML: {why}");
        found.push(Finding { line: at.map_or(1, |at| at + first - 1), fatal, text });
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

fn shown(value: &str) -> String {
    if value.chars().count() <= SHOWN {
        return value.to_owned();
    }
    value.chars().take(SHOWN).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: ArtifactType, text: &str) -> Vec<(usize, bool, String)> {
        let artifact = Artifact { name: "a".to_owned(), path: "a".to_owned(), description: String::new() };
        findings(kind, &artifact, text.as_bytes()).into_iter().map(|one| (one.line, one.fatal, one.text)).collect()
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
                assert!(found[0].fatal && found[0].line == line && found[0].text.contains(what), "{found:?}");
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
