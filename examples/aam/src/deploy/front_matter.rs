//! The YAML between `---` lines at the head of a Markdown file.

use std::collections::BTreeMap;

use aam_registry_core::archive::front_matter::{Flaw, Parts, guessed_value, keys, parts, top_level_key, value_of};
use serde_json::Value;

/// The keys of a front matter, each with its lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    entries: Vec<Entry>,
    /// A key that limits an agent, in lines that belong to no key.
    hidden: Option<String>,
}

#[derive(Clone, Debug)]
struct Entry {
    key: String,
    /// The key's lines as they were written where they are YAML, else with the
    /// value in quotes; without the last line end.
    raw: String,
    value: Value,
    /// Whether the lines are no YAML, and the value a guess.
    guessed: bool,
}

impl Entry {
    /// The entry of `key`, as the whole front matter has it.
    fn of(key: String, raw: &str, value: Value) -> Self {
        let raw = raw.trim_end();
        let same = value_of(&key, raw).is_some_and(|alone| alone == value);
        let raw = if same { raw.to_owned() } else { format!("{key}: {}", flow(&value)) };
        Self { key, raw, value, guessed: false }
    }

    /// The entry of `key` by itself.
    fn alone(key: String, raw: &str) -> Self {
        let raw = raw.trim_end();
        if let Some(value) = value_of(&key, raw) {
            return Self { raw: raw.to_owned(), value, key, guessed: false };
        }
        let value = guessed_value(raw);
        Self { raw: format!("{key}: {}", flow(&value)), value, key, guessed: true }
    }
}

impl Head {
    /// Reads the lines of a front matter. What is not YAML to the letter, such
    /// as `globs: **/*.py`, is read as tools read it: key by key.
    pub(super) fn parse(text: &str) -> Self {
        let mut raw: Vec<(String, String)> = Vec::new();
        let mut strays = Vec::new();
        for line in text.lines().filter(|line| !matches!(line.trim_end(), "---" | "...")) {
            match (top_level_key(line), raw.last_mut()) {
                (Some(key), _) => raw.push((key.to_owned(), line.to_owned())),
                (None, Some((_, lines))) => {
                    lines.push('\n');
                    lines.push_str(line);
                }
                (None, None) => strays.push(line),
            }
        }
        let whole: Option<BTreeMap<String, Value>> = serde_saphyr::from_str(text).ok();
        let Some(mut values) = whole else {
            let entries: Vec<_> = raw.iter().map(|(key, raw)| Entry::alone(key.clone(), raw)).collect();
            let guessed = raw.iter().zip(&entries).filter(|(_, entry)| entry.guessed);
            strays.extend(guessed.flat_map(|((_, raw), _)| raw.lines().skip(1)));
            let hidden = strays.into_iter().find_map(limiting).map(str::to_owned);
            return Self { entries, hidden };
        };
        let mut entries = Vec::new();
        for (key, raw) in raw {
            if let Some(value) = values.remove(&key) {
                entries.push(Entry::of(key, &raw, value));
            }
        }
        // YAML has more ways to write a key than lines that begin with it.
        entries.extend(values.into_iter().map(|(key, value)| Entry::of(key, "", value)));
        Self { entries, hidden: None }
    }

    /// The same with every key of an agent in one spelling.
    pub(super) fn canonical(mut self) -> Self {
        for entry in &mut self.entries {
            let key = keys::canonical(&entry.key);
            if key != entry.key {
                let value = entry.raw.split_once(':').map_or("", |(_, value)| value);
                (entry.raw, entry.key) = (format!("{key}:{value}"), key.to_owned());
            }
        }
        self
    }

    /// A key that limits an agent and stands where no reader sees it as a key.
    pub(super) fn hidden(&self) -> Option<&str> {
        self.hidden.as_deref()
    }

    /// The keys whose value is no YAML, each with what it was taken for.
    pub(super) fn guessed(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().filter(|entry| entry.guessed).map(|entry| (&*entry.key, &entry.value))
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().rev().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The value of `key`, where it is text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// The lines of `key`, which are YAML.
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

/// The limiting key that a line begins with, behind whatever stands before it.
fn limiting(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '?' | '"' | '\'' | '{'));
    let (key, _) = line.split_once([':', '='])?;
    let key = key.trim_end_matches([' ', '"', '\'']);
    (!key.contains(char::is_whitespace) && (keys::is_limit(key) || key.eq_ignore_ascii_case("hooks"))).then_some(key)
}

/// A value as YAML on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(value) => text(value),
        value => value.to_string().chars().map(|c| if is_unprintable(c) { ' ' } else { c }).collect(),
    }
}

/// Splits a file into its front matter and what follows.
pub(super) fn split_head(text: &str) -> (Head, &str) {
    let Parts { head, body, .. } = parts(text);
    (head.map(Head::parse).unwrap_or_default(), body)
}

/// Splits a file into the keys of its front matter and what follows.
pub(crate) fn split(text: &str) -> (BTreeMap<String, Value>, &str) {
    let (head, body) = split_head(text);
    (head.values(), body)
}

/// The lines of a front matter; `None` where there is none that is closed.
pub(super) fn lines_of(text: &str) -> Option<&str> {
    parts(text).head
}

/// A key that limits an agent and stands where no reader sees it as a key.
pub(crate) fn hidden_limit(text: &str) -> Option<String> {
    split_head(text).0.hidden
}

/// What keeps something that looks like front matter from being read as one.
pub(super) fn flaw(text: &str) -> Option<Flaw> {
    parts(text).flaw
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
    text.replace(is_unprintable, " ")
}

fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
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
