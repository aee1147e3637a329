//! The YAML between `---` lines at the head of a Markdown file.

use std::collections::BTreeMap;

use serde_json::Value;

/// Splits a file into the keys of its front matter and what follows.
pub(crate) fn split(text: &str) -> (BTreeMap<String, Value>, &str) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else {
        return (BTreeMap::new(), text);
    };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            let head = &rest[..at];
            let body = rest[at + line.len()..].trim_start_matches(['\n', '\r']);
            return (serde_saphyr::from_str(head).unwrap_or_else(|_| loose(head)), body);
        }
        at += line.len();
    }
    (BTreeMap::new(), text)
}

/// Tools accept what is not YAML, such as `globs: **/*.py`: one `key: value` a line.
fn loose(head: &str) -> BTreeMap<String, Value> {
    let pair = |line: &str| {
        let (key, value) = line.split_once(':')?;
        Some((key.trim().to_owned(), Value::String(value.trim().trim_matches(['"', '\'']).to_owned())))
    };
    head.lines().filter(|line| !line.starts_with([' ', '\t', '-', '#'])).filter_map(pair).collect()
}

/// A front matter of `head`, in that order, before `body`.
pub(super) fn join(head: &[(&str, String)], body: &str) -> Vec<u8> {
    let lines: Vec<_> = head.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    format!("---\n{}\n---\n{body}", lines.join("\n")).into_bytes()
}

/// `text` as a YAML scalar on one line: plain where that is safe, else quoted as in JSON, which YAML reads too.
pub(super) fn text(text: &str) -> String {
    let text = &*spaced(text);
    let safe = |c: char| c.is_ascii_alphanumeric() || " ,._/()-".contains(c);
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(safe)
        && !text.ends_with(' ')
        && !words.contains(&&*text.to_ascii_lowercase());
    if plain { text.to_owned() } else { Value::String(text.to_owned()).to_string() }
}

/// Without control characters, which YAML refuses and JSON does not escape all of.
fn spaced(text: &str) -> String {
    text.replace(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'), " ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in "[^\u{fffe}\u{ffff}]{0,40}", body in "[a-z\n]{0,20}") {
            let file = join(&[("description", text(&value))], &body);
            let file = String::from_utf8(file).expect("text");
            let (head, rest) = split(&file);
            prop_assert_eq!(head.get("description"), Some(&Value::String(spaced(&value))));
            prop_assert_eq!(rest, body.trim_start_matches('\n'));
        }
    }
}
