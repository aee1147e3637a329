//! The YAML between `---` lines at the head of a Markdown file.

use std::collections::BTreeMap;

use serde_json::Value;

/// The keys of a front matter, each with its lines as they were written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    key: String,
    /// The key's lines, without the last line end.
    raw: String,
    value: Value,
}

impl Head {
    /// Reads the lines of a front matter. What is not YAML to the letter, such
    /// as `globs: **/*.py`, is read as tools read it: key by key.
    pub(super) fn parse(text: &str) -> Self {
        let mut raw: Vec<(String, String)> = Vec::new();
        for line in text.lines().filter(|line| !matches!(line.trim_end(), "---" | "...")) {
            match top_level_key(line) {
                Some(key) => raw.push((key.to_owned(), line.to_owned())),
                None => {
                    if let Some((_, lines)) = raw.last_mut() {
                        lines.push('\n');
                        lines.push_str(line);
                    }
                }
            }
        }
        let whole: Option<BTreeMap<String, Value>> = serde_saphyr::from_str(text).ok();
        let Some(mut values) = whole else {
            let entry = |(key, raw): (String, String)| {
                let raw = raw.trim_end().to_owned();
                Entry { value: alone(&key, &raw), key, raw }
            };
            return Self { entries: raw.into_iter().map(entry).collect() };
        };
        let mut entries = Vec::new();
        for (key, raw) in raw {
            if let Some(value) = values.remove(&key) {
                entries.push(Entry { key, raw: raw.trim_end().to_owned(), value });
            }
        }
        // YAML has more ways to write a key than lines that begin with it.
        entries.extend(values.into_iter().map(|(key, value)| Entry { raw: format!("{key}: {value}"), key, value }));
        Self { entries }
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().rev().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The value of `key`, where it is text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// The lines of `key`.
    pub(super) fn raw(&self, key: &str) -> Option<&str> {
        self.entries.iter().rev().find(|entry| entry.key == key).map(|entry| &*entry.raw)
    }

    /// The keys, in their order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| &*entry.key)
    }

    /// A key that stands there twice: tools disagree on which one counts.
    pub(super) fn twice(&self) -> Option<&str> {
        self.keys().find(|key| self.keys().filter(|other| other == key).count() > 1)
    }

    fn values(self) -> BTreeMap<String, Value> {
        self.entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
    }
}

/// The key of a line that begins one.
pub(crate) fn top_level_key(line: &str) -> Option<&str> {
    let (key, rest) = line.split_once(':')?;
    let starts = key.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\''));
    let ends = rest.is_empty() || rest.starts_with([' ', '\t', '\r']);
    (starts && ends).then(|| key.trim_end().trim_matches(['"', '\'']))
}

/// The value of one key by itself.
fn alone(key: &str, raw: &str) -> Value {
    if let Ok(mut map) = serde_saphyr::from_str::<BTreeMap<String, Value>>(raw)
        && let Some(value) = map.remove(key)
    {
        return value;
    }
    let rest = raw.split_once(':').map_or("", |(_, rest)| rest).trim();
    let list = rest.lines().map(|line| line.trim().strip_prefix("- ")).collect::<Option<Vec<_>>>();
    match list {
        // A list with a bare glob in it.
        Some(items) if !items.is_empty() => {
            items.into_iter().map(|item| Value::String(unquoted(item).to_owned())).collect()
        }
        _ => Value::String(unquoted(rest).to_owned()),
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

/// Splits a file into its front matter and what follows.
pub(super) fn split_head(text: &str) -> (Head, &str) {
    let (head, body) = parts(text);
    (head.map(Head::parse).unwrap_or_default(), body)
}

/// Splits a file into the keys of its front matter and what follows.
pub(crate) fn split(text: &str) -> (BTreeMap<String, Value>, &str) {
    let (head, body) = split_head(text);
    (head.values(), body)
}

/// The lines of a front matter, from the file's second on; `None` where there is none that is closed.
pub(crate) fn lines_of(text: &str) -> Option<&str> {
    parts(text).0
}

fn parts(text: &str) -> (Option<&str>, &str) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else {
        return (None, text);
    };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return (Some(&rest[..at]), rest[at + line.len()..].trim_start_matches(['\n', '\r']));
        }
        at += line.len();
    }
    (None, text)
}

/// A front matter of `lines` before `body`; none where there are no lines.
pub(super) fn join(lines: &[String], body: &str) -> Vec<u8> {
    if lines.is_empty() {
        return body.as_bytes().to_vec();
    }
    format!("---\n{}\n---\n{body}", lines.join("\n")).into_bytes()
}

/// The line of a key whose value is `value`.
pub(super) fn line(key: &str, value: &str) -> String {
    format!("{key}: {}", text(value))
}

/// `text` as a YAML scalar on one line: plain where that is safe, else quoted as in JSON, which YAML reads too.
pub(crate) fn text(text: &str) -> String {
    let text = &*spaced(text);
    let safe = |c: char| c.is_ascii_alphanumeric() || " ,._/()-".contains(c);
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(safe)
        && !text.ends_with(' ')
        && !words.contains(&&*text.to_ascii_lowercase());
    if plain { text.to_owned() } else { Value::String(text.to_owned()).to_string() }
}

/// `text` as a YAML scalar that is always quoted.
pub(super) fn quoted(text: &str) -> String {
    Value::String(spaced(text)).to_string()
}

/// Without control characters, which YAML refuses and JSON does not escape all of.
fn spaced(text: &str) -> String {
    text.replace(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'), " ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn front_matter_is_split_from_the_body() {
        let (head, body) = split("---\ndescription: Rules\nglobs: \"**/*.py\"\n---\n\nBody\n---\nmore\n");
        assert_eq!(head["globs"], "**/*.py");
        assert_eq!(body, "Body\n---\nmore\n");
        assert_eq!(split("no front matter\n").1, "no front matter\n");
        assert_eq!(split("---\nnever closed\n").1, "---\nnever closed\n");
    }

    #[test]
    fn globs_that_are_not_yaml_are_read_all_the_same() {
        let (head, body) = split("---\r\nglobs: **/*.py\r\nalwaysApply: false\r\n---\r\nBody");
        assert_eq!(head["globs"], "**/*.py");
        assert_eq!(body, "Body");
    }

    #[test]
    fn one_line_that_is_not_yaml_takes_no_other_key_along() {
        let text = "---\ndescription: Reviews: fast\ntools:\n  - Read\n  - Grep\nglobs:\n  - *.py\n  - a/**\n---\nBody";
        let (head, _) = split(text);
        assert_eq!(head["description"], "Reviews: fast");
        assert_eq!(head["tools"], json!(["Read", "Grep"]));
        assert_eq!(head["globs"], json!(["*.py", "a/**"]));
        let (head, _) = split_head(text);
        assert_eq!(head.raw("tools"), Some("tools:\n  - Read\n  - Grep"));
        let (head, _) = split_head("---\n{name: x, \"to\\u006fls\": [Read]}\n---\n");
        assert_eq!(head.raw("tools"), Some("tools: [\"Read\"]"));
        assert_eq!(split_head("---\na: 1\nb: 2\na: 3\n---\n").0.twice(), Some("a"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in "[^\u{fffe}\u{ffff}]{0,40}", body in "[a-z\n]{0,20}") {
            let file = join(&[line("description", &value)], &body);
            let file = String::from_utf8(file).expect("text");
            let (head, rest) = split(&file);
            prop_assert_eq!(head.get("description"), Some(&Value::String(spaced(&value))));
            prop_assert_eq!(rest, body.trim_start_matches('\n'));
        }
    }
}
