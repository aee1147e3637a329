//! Where the front matter of a Markdown file begins and ends.

use std::collections::BTreeMap;

use serde_json::Value;

use super::keys;

/// A file, taken apart.
#[derive(Debug)]
pub struct Parts<'a> {
    /// The lines of the front matter; `None` if there is none that is closed.
    pub head: Option<&'a str>,
    /// The number of the first of them, from 1.
    pub first: usize,
    /// What follows the front matter.
    pub body: &'a str,
    /// What keeps something that looks like front matter from being read as one.
    pub flaw: Option<Flaw>,
}

/// What is wrong with a front matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong, and how to mend it.
    pub text: &'static str,
}

const NOT_CLOSED: &str = "the front matter is not closed: write `---` on a line of its own behind its last key";
const CLOSED_OTHERWISE: &str =
    "the front matter is closed by a line that is not `---`: write `---`, at the beginning of the line and alone";
const BEGINS_OTHERWISE: &str =
    "the front matter is not read as such: begin the file with the line `---`, and put nothing before it";
const NO_KEYS: &str = "what stands between the first two lines `---` has no keys, so it is no front matter: write \
                       `key: value`, or leave out the lines `---`";

/// The key of a line that begins one.
pub fn top_level_key(line: &str) -> Option<&str> {
    let (key, rest) = line.split_once(':')?;
    let starts = key.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\''));
    let ends = rest.is_empty() || rest.starts_with([' ', '\t', '\r']);
    (starts && ends).then(|| key.trim_end().trim_matches(['"', '\'']))
}

/// Takes a file apart. Blank lines before the front matter and spaces behind its `---` are no part of it.
pub fn parts(text: &str) -> Parts<'_> {
    let text = text.trim_start_matches('\u{feff}');
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        at += line.len();
        if line.trim_end() == "---" {
            return opened(text, at, number + 2);
        }
        if !line.trim().is_empty() {
            break;
        }
    }
    Parts { head: None, first: 1, body: text, flaw: flaw(text) }
}

/// A file whose front matter begins at the byte `start`, with the line `first`.
fn opened(text: &str, start: usize, first: usize) -> Parts<'_> {
    let rest = &text[start..];
    let without = |line: usize, text_of: &'static str| Parts {
        head: None,
        first: 1,
        body: text,
        flaw: Some(Flaw { line, text: text_of }),
    };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            let head = &rest[..at];
            if !has_keys(head) {
                return without(first - 1, NO_KEYS);
            }
            let body = rest[at + line.len()..].trim_start_matches(['\n', '\r']);
            return Parts { head: Some(head), first, body, flaw: closed_before(head, first) };
        }
        at += line.len();
    }
    without(first - 1, NOT_CLOSED)
}

/// Whether the lines hold keys, or nothing.
fn has_keys(head: &str) -> bool {
    let mut lines = head.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    lines.peek().is_none() || lines.any(|line| line.starts_with('{') || top_level_key(line).is_some())
}

/// The line that was meant to close the front matter, where the body is in it.
fn closed_before(head: &str, first: usize) -> Option<Flaw> {
    let is_yaml = || serde_saphyr::from_str::<BTreeMap<String, Value>>(head).is_ok();
    let mut lines = head.lines().enumerate();
    let (at, _) = lines.find(|(_, line)| line.trim_end() == "..." || is_dashes(line))?;
    let follows = lines.any(|(_, line)| !line.trim().is_empty());
    (follows && !is_yaml()).then_some(Flaw { line: first + at, text: CLOSED_OTHERWISE })
}

/// What looks like front matter at the beginning of a file that has none.
fn flaw(text: &str) -> Option<Flaw> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(is_invisible);
        match rest.strip_prefix("<!--").and_then(|comment| comment.split_once("-->")) {
            Some((_, after)) => rest = after,
            None => break,
        }
    }
    let line = text[..text.len() - rest.len()].matches('\n').count() + 1;
    let first = rest.lines().next()?.trim_matches(is_invisible);
    let next = rest.lines().skip(1).map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let key_follows = next.split_once(':').is_some_and(|(key, _)| keys::is_known(key.trim_matches(['"', '\'', ' '])));
    let opens = first.starts_with("---") || first.starts_with("+++") || is_dashes(first);
    let is_begun = first == "---"
        || (opens && (key_follows || first.starts_with("+++")))
        || (first.starts_with("```") && (key_follows || is_dashes(next)));
    (is_begun || begins_without_fence(rest)).then_some(Flaw { line, text: BEGINS_OTHERWISE })
}

/// Whether keys of an agent and then `---` stand there, with no `---` before them.
fn begins_without_fence(text: &str) -> bool {
    let Some(end) = text.lines().position(is_dashes).filter(|end| *end > 0) else { return false };
    let head: Vec<_> = text.lines().take(end).collect();
    serde_saphyr::from_str::<BTreeMap<String, Value>>(&head.join("\n"))
        .is_ok_and(|map| map.keys().any(|key| keys::is_known(key)))
}

/// Whether a line is a rule of dashes of some kind.
fn is_dashes(line: &str) -> bool {
    let line = line.trim_matches(is_invisible);
    let dashes = line.chars().all(|c| matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}'));
    dashes && (line.len() >= 3 || line == "--")
}

fn is_invisible(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_tolerate_is_read() {
        for text in
            ["---\na: 1\n---\nB", "\u{feff}---\na: 1\n---\nB", "\n \n--- \na: 1\n---\t\nB", "---\r\na: 1\r\n---\r\nB"]
        {
            let parts = parts(text);
            assert_eq!((parts.head.map(str::trim_end), parts.body, parts.flaw), (Some("a: 1"), "B", None), "{text:?}");
        }
    }

    #[test]
    fn what_looks_like_front_matter_and_is_none_has_a_flaw() {
        for (text, line) in [
            ("<!-- c -->\n---\ntools: Read\n---\nB", 2),
            (" ---\ntools: Read\n---\nB", 1),
            ("---\ntools: Read\nB", 1),
            ("---\ntools: Read\n...\nB", 1),
            ("---\ntools: Read\n...\nB\n---\nmore", 3),
            ("---\ntools: Read\n ---\nYou: help.\nB\n---\nmore", 3),
            ("---\nB\n---\nC", 1),
            ("----\ntools: Read\n----\nB", 1),
            ("---yaml\ntools: Read\n---\nB", 1),
            ("\u{2014}\ntools: Read\n\u{2014}\nB", 1),
            ("+++\ntools = []\n+++\nB", 1),
            ("tools: Read\n---\nB", 1),
            ("\u{200b}---\ntools: Read\n---\nB", 1),
            ("```yaml\ntools: Read\n```\nB", 1),
        ] {
            assert_eq!(parts(text).flaw.map(|flaw| flaw.line), Some(line), "{text:?}");
        }
        for text in ["You help.\n\n---\nmore", "# Title\n---\n", "Note: be kind.\n---\nB", "", "- a\n- b\n"] {
            assert_eq!(parts(text).flaw, None, "{text:?}");
        }
        assert_eq!(parts("---\nx: |\n  ---\n  a\n---\nB").flaw, None);
    }
}
