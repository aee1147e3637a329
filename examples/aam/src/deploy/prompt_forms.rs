//! A prompt as each tool reads it.

use serde_json::{Map, Value, json};

use super::{
    agent_forms::is_claude_alias,
    document::Document,
    front_matter::{self, line, quoted},
    limits::{Refusal, Rendered},
    prompt_syntax::{Filled, Filler, filled, underscored},
};

/// The keys of the front matter that every format writes itself.
const SAID: &[&str] = &["name", "description"];

fn described(document: &Document) -> Vec<String> {
    if document.description.is_empty() { Vec::new() } else { vec![line("description", &document.description)] }
}

/// The lines of the front matter whose key `fits` says that the platform
/// reads, as they were written, and the keys of the others.
fn kept(document: &Document, fits: impl Fn(&str, &Value) -> bool) -> (Vec<String>, Vec<String>) {
    let (mut lines, mut lost) = (Vec::new(), Vec::new());
    for key in document.head.keys().filter(|key| !SAID.contains(key)) {
        match document.head.get(key) {
            None | Some(Value::Null) => {}
            Some(value) if fits(key, value) => lines.extend(document.head.raw(key).map(str::to_owned)),
            Some(_) => lost.push(key.to_owned()),
        }
    }
    (lines, lost)
}

/// What was rendered, with what became of its placeholders.
fn rendered(bytes: Vec<u8>, lost: Vec<String>, filled: Filled) -> Rendered {
    Rendered { bytes, lost, as_text: filled.as_text, commands: filled.commands }
}

fn is_of_claude(model: &Value) -> bool {
    model.as_str().is_some_and(|model| is_claude_alias(model) || model.starts_with("claude-") || model == "inherit")
}

/// A command of Claude Code: a single input is everything that the user typed; several are told apart by name.
pub(super) fn claude(document: &Document) -> Rendered {
    let filled = filled(document, Filler::Claude);
    let inputs: Vec<String> = filled.inputs.iter().map(|name| underscored(name)).collect();
    let mut head = described(document);
    if inputs.len() > 1 && document.head.get("arguments").is_none() {
        head.push(format!("arguments: [{}]", inputs.join(", ")));
    }
    if !inputs.is_empty() && document.head.get("argument-hint").is_none() {
        let hint: Vec<_> = inputs.iter().map(|name| format!("[{name}]")).collect();
        head.push(format!("argument-hint: {}", quoted(&hint.join(" "))));
    }
    // Copilot names its modes and tools by these.
    let of_others = |key: &str| matches!(key, "mode" | "tools");
    let is_copilots = document.path.ends_with(".prompt.md");
    let (lines, lost) = kept(document, |key, value| match key {
        "model" => is_of_claude(value),
        "agent" => !is_copilots,
        key => !of_others(key),
    });
    head.extend(lines);
    rendered(front_matter::join(&head, &filled.body), lost, filled)
}

/// A command of Cursor: plain Markdown, behind which it puts what the user typed.
pub(super) fn cursor(document: &Document) -> Rendered {
    let filled = filled(document, Filler::Nobody);
    rendered(filled.body.clone().into_bytes(), kept(document, |_, _| false).1, filled)
}

/// A prompt file of GitHub Copilot.
pub(super) fn copilot(document: &Document) -> Rendered {
    let filled = filled(document, Filler::Copilot);
    let mut head = vec![line("name", &document.name)];
    head.extend(described(document));
    let own = ["argument-hint", "agent", "mode", "tools"];
    let (lines, lost) = kept(document, |key, value| match key {
        "model" => !is_of_claude(value),
        key => own.contains(&key),
    });
    head.extend(lines);
    rendered(front_matter::join(&head, &filled.body), lost, filled)
}

/// A command of Gemini CLI: TOML, with `{{args}}` for what the user typed.
pub(super) fn gemini(document: &Document) -> Result<Rendered, Refusal> {
    let filled = filled(document, Filler::Gemini);
    let mut table = Map::new();
    if !document.description.is_empty() {
        table.insert("description".to_owned(), json!(document.description));
    }
    table.insert("prompt".to_owned(), json!(filled.body));
    let text =
        toml::to_string_pretty(&table).map_err(|error| Refusal(format!("it cannot be said in TOML ({error})")))?;
    Ok(rendered(text.into_bytes(), kept(document, |_, _| false).1, filled))
}

/// A command of OpenCode: several inputs are told apart by their position.
pub(super) fn opencode(document: &Document) -> Rendered {
    let filled = filled(document, Filler::OpenCode);
    let mut head = described(document);
    let is_copilots = document.path.ends_with(".prompt.md");
    let (lines, lost) = kept(document, |key, value| match key {
        // As in `anthropic/claude-sonnet-4`.
        "model" => value.as_str().is_some_and(|model| model.contains('/')),
        "agent" => !is_copilots,
        key => key == "subtask",
    });
    head.extend(lines);
    rendered(front_matter::join(&head, &filled.body), lost, filled)
}

/// A workflow of Windsurf, whose name is that of its file.
pub(super) fn windsurf(document: &Document) -> Rendered {
    let filled = filled(document, Filler::Nobody);
    let bytes = front_matter::join(&described(document), &filled.body);
    rendered(bytes, kept(document, |_, _| false).1, filled)
}

/// A skill.
pub(super) fn skill(document: &Document) -> Rendered {
    let filled = filled(document, Filler::Nobody);
    let mut head = vec![line("name", &document.name)];
    // Tools read no skill without one.
    let description = if document.description.is_empty() { "A prompt to be asked for" } else { &document.description };
    head.push(line("description", description));
    head.extend(kept(document, |_, _| true).0);
    rendered(front_matter::join(&head, &filled.body), Vec::new(), filled)
}
