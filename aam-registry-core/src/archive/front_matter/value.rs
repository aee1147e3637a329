use std::collections::BTreeMap;

use serde_json::Value;

/// The value of `key` in lines that are YAML by themselves.
pub fn value_of(key: &str, lines: &str) -> Option<Value> {
    let mut map = serde_saphyr::from_str::<BTreeMap<String, Value>>(lines).ok()?;
    let value = map.remove(key)?;
    map.is_empty().then_some(value)
}

/// What the value of one key most likely is whose lines are no YAML: a list with a bare glob in it, or text.
pub fn guessed_value(lines: &str) -> Value {
    let rest = lines.split_once(':').map_or("", |(_, rest)| rest).trim();
    let list = rest.lines().map(|line| line.trim().strip_prefix("- ")).collect::<Option<Vec<_>>>();
    match list {
        Some(items) if !items.is_empty() => {
            items.into_iter().map(|item| Value::String(unquoted(item).to_owned())).collect()
        }
        _ => Value::String(unquoted(rest).to_owned()),
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}
