//! A prompt as each tool reads it.

use serde_json::{Map, json};

use super::{
    document::Document,
    front_matter::{self, line, quoted},
    limits::{Refusal, Rendered},
};

/// A place in a prompt that a person fills in.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// `{{name}}`, `${input:name}`, `${input:name:hint}`, as it was written, with its name.
    Input(&'a str, &'a str),
    /// `$ARGUMENTS`: whatever is said.
    Arguments,
}

fn pieces(body: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut rest, mut text) = (body, 0);
    while text < rest.len() {
        let found = input(&rest[text..]);
        let Some((length, piece)) = found else {
            text += rest[text..].chars().next().map_or(1, char::len_utf8);
            continue;
        };
        pieces.push(Piece::Text(&rest[..text]));
        pieces.push(piece);
        rest = &rest[text + length..];
        text = 0;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// The input that `text` begins with, and its length.
fn input(text: &str) -> Option<(usize, Piece<'_>)> {
    if text.starts_with("$ARGUMENTS") && !text["$ARGUMENTS".len()..].starts_with('[') {
        return Some(("$ARGUMENTS".len(), Piece::Arguments));
    }
    let (inside, end) = match (text.strip_prefix("{{"), text.strip_prefix("${input:")) {
        (Some(rest), _) => (rest.split_once("}}")?.0, "}}"),
        (None, Some(rest)) => (rest.split_once('}')?.0, "}"),
        _ => return None,
    };
    let name = inside.split(':').next().unwrap_or_default().trim();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let start = if end == "}}" { "{{".len() } else { "${input:".len() };
    let length = start + inside.len() + end.len();
    is_name.then(|| (length, Piece::Input(&text[..length], name)))
}

/// The names of the inputs, each once, in their order.
fn names<'a>(pieces: &[Piece<'a>]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for piece in pieces {
        if let Piece::Input(_, name) = piece
            && !names.contains(name)
        {
            names.push(*name);
        }
    }
    names
}

/// The body, with its inputs as `written` says: by name, and how many there are.
fn filled(body: &str, arguments: &str, written: impl Fn(&str, &[&str]) -> Option<String>) -> String {
    let pieces = pieces(body);
    let names = names(&pieces);
    let piece = |piece: &Piece<'_>| match piece {
        Piece::Text(text) => (*text).to_owned(),
        Piece::Arguments => arguments.to_owned(),
        Piece::Input(raw, name) => written(name, &names).unwrap_or_else(|| (*raw).to_owned()),
    };
    pieces.iter().map(piece).collect()
}

/// The front matter as it was written, without the keys of `without`.
fn kept(document: &Document, without: &[&str]) -> Vec<String> {
    let keys = document.head.keys().filter(|key| !without.contains(key));
    keys.filter_map(|key| document.head.raw(key)).map(str::to_owned).collect()
}

fn described(document: &Document) -> Vec<String> {
    if document.description.is_empty() { Vec::new() } else { vec![line("description", &document.description)] }
}

/// A command of Claude Code: one input is all that is said, several are told apart by their names.
pub(super) fn claude(document: &Document) -> Rendered {
    let plain = |name: &str| name.replace('-', "_");
    let inputs: Vec<String> = names(&pieces(&document.body)).into_iter().map(plain).collect();
    let mut head = described(document);
    if inputs.len() > 1 && document.head.get("arguments").is_none() {
        head.push(format!("arguments: [{}]", inputs.join(", ")));
    }
    if !inputs.is_empty() && document.head.get("argument-hint").is_none() {
        let hint: Vec<_> = inputs.iter().map(|name| format!("[{name}]")).collect();
        head.push(format!("argument-hint: {}", quoted(&hint.join(" "))));
    }
    head.extend(kept(document, &["name", "description", "mode", "agent"]));
    let body = filled(&document.body, "$ARGUMENTS", |name, names| {
        Some(if names.len() == 1 { "$ARGUMENTS".to_owned() } else { format!("${}", plain(name)) })
    });
    front_matter::join(&head, &body).into()
}

/// A command of Cursor: plain Markdown, behind which it puts what is said.
pub(super) fn cursor(document: &Document) -> Rendered {
    let lost = document.head.keys().filter(|key| !matches!(*key, "name" | "description")).map(str::to_owned);
    Rendered { bytes: document.body.clone().into_bytes(), lost: lost.collect() }
}

/// A prompt file of GitHub Copilot.
pub(super) fn copilot(document: &Document) -> Rendered {
    let mut head = vec![line("name", &document.name)];
    head.extend(described(document));
    head.extend(kept(document, &["name", "description"]));
    let body = filled(&document.body, "${input:arguments}", |name, _| Some(format!("${{input:{name}}}")));
    front_matter::join(&head, &body).into()
}

/// A command of Gemini CLI: TOML, with `{{args}}` for what is said.
pub(super) fn gemini(document: &Document) -> Result<Rendered, Refusal> {
    let body = filled(&document.body, "{{args}}", |_, names| (names.len() == 1).then(|| "{{args}}".to_owned()));
    let mut table = Map::new();
    if !document.description.is_empty() {
        table.insert("description".to_owned(), json!(document.description));
    }
    table.insert("prompt".to_owned(), json!(body));
    let text =
        toml::to_string_pretty(&table).map_err(|error| Refusal(format!("it cannot be said in TOML ({error})")))?;
    let lost = document.head.keys().filter(|key| !matches!(*key, "name" | "description")).map(str::to_owned);
    Ok(Rendered { bytes: text.into_bytes(), lost: lost.collect() })
}

/// A command of OpenCode: several inputs are told apart by their position.
pub(super) fn opencode(document: &Document) -> Rendered {
    let mut head = described(document);
    head.extend(kept(document, &["name", "description", "mode"]));
    let body = filled(&document.body, "$ARGUMENTS", |name, names| {
        let at = names.iter().position(|other| *other == name)?;
        Some(if names.len() == 1 { "$ARGUMENTS".to_owned() } else { format!("${}", at + 1) })
    });
    front_matter::join(&head, &body).into()
}

/// A workflow of Windsurf, called by its file.
pub(super) fn windsurf(document: &Document) -> Rendered {
    let lost = document.head.keys().filter(|key| !matches!(*key, "name" | "description")).map(str::to_owned);
    Rendered { bytes: front_matter::join(&described(document), &document.body), lost: lost.collect() }
}

/// A skill.
pub(super) fn skill(document: &Document) -> Rendered {
    let mut head = vec![line("name", &document.name)];
    // Tools read no skill without one.
    let description = if document.description.is_empty() { "A prompt to be asked for" } else { &document.description };
    head.push(line("description", description));
    head.extend(kept(document, &["name", "description"]));
    front_matter::join(&head, &document.body).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_found_in_every_dialect() {
        let body = "a {{diff}} b ${input:file:which?} c $ARGUMENTS {{ no good }} $5 {{";
        let names = names(&pieces(body));
        assert_eq!(names, ["diff", "file"]);
        assert_eq!(filled(body, "X", |name, _| Some(format!("<{name}>"))), "a <diff> b <file> c X {{ no good }} $5 {{");
        assert_eq!(filled("grüße {{x}}ß", "", |_, _| None), "grüße {{x}}ß");
    }
}
