//! Skills, which tools know by the name of their folder and in their front matter.

use std::collections::BTreeMap;

use aam_registry_core::archive::front_matter::top_level_key;
use serde_json::Value;

use super::front_matter;

/// The folder of a skill whose path names its `SKILL.md`: empty for that of the package itself.
pub(crate) fn folder(path: &str) -> Option<&str> {
    path.strip_suffix("SKILL.md")
        .filter(|folder| folder.is_empty() || folder.ends_with('/'))
        .map(|folder| folder.trim_end_matches('/'))
}

/// Whether a `SKILL.md` says that the skill has another name than `name`, or
/// none, without which some tools leave it out.
pub(super) fn is_called_otherwise(bytes: &[u8], name: &str) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let has_head = front_matter::lines_of(text).is_some();
    has_head && front_matter::split(text).0.get("name").and_then(Value::as_str).map(str::trim) != Some(name)
}

/// Why some tools do not load a skill, to stand after "its SKILL.md".
pub(super) fn trouble(bytes: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Some("is not UTF-8") };
    let Some(head) = front_matter::lines_of(text) else {
        return Some("has no front matter that is closed");
    };
    if !text.starts_with("---") {
        return Some("does not begin with its front matter");
    }
    let Ok(values) = serde_saphyr::from_str::<BTreeMap<String, Value>>(head) else {
        return Some("has front matter that is no YAML");
    };
    let described = values.get("description").and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
    (!described).then_some("has no description")
}

/// `SKILL.md` under another name.
pub(super) fn renamed(bytes: &[u8], name: &str) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(bytes) else { return bytes.to_vec() };
    let mut renamed = String::with_capacity(text.len() + name.len());
    let named =
        front_matter::lines_of(text).is_some_and(|head| head.lines().any(|line| top_level_key(line) == Some("name")));
    let (mut rules, mut done) = (0, false);
    for line in text.split_inclusive('\n') {
        rules += usize::from(line.trim_start_matches('\u{feff}').trim_end() == "---");
        if rules == 1 && !done && !named {
            renamed.push_str(line);
            renamed.push_str(&front_matter::line("name", name));
            renamed.push_str(&line[line.trim_end_matches(['\n', '\r']).len()..]);
            done = true;
        } else if rules == 1 && !done && line.starts_with("name:") {
            let end = &line[line.trim_end_matches(['\n', '\r']).len()..];
            renamed.push_str(&front_matter::line("name", name));
            renamed.push_str(end);
            done = true;
        } else {
            renamed.push_str(line);
        }
    }
    renamed.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_the_front_matter_changes() {
        let text = "---\r\nname: a\r\ndescription: d\r\n---\r\nname: a\r\n";
        let expected = "---\r\nname: x--a\r\ndescription: d\r\n---\r\nname: a\r\n";
        assert_eq!(renamed(text.as_bytes(), "x--a"), expected.as_bytes());
        assert_eq!(renamed(b"name: a\n", "b"), b"name: a\n");
        let nameless = b"---\ndescription: d\n---\nx\n";
        assert!(is_called_otherwise(nameless, "a") && !is_called_otherwise(text.as_bytes(), "a"));
        assert_eq!(renamed(nameless, "a"), b"---\nname: a\ndescription: d\n---\nx\n");
    }
}
