//! What differs between two manifests.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ManifestChange;

/// The keys whose values differ, by key.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<ManifestChange> {
    let mut values: BTreeMap<String, [Option<&Value>; 2]> = BTreeMap::new();
    for (side, document) in [before, after].into_iter().enumerate() {
        flatten(String::new(), document, &mut |key, value| values.entry(key).or_default()[side] = Some(value));
    }
    values.retain(|_, [before, after]| before != after);
    let change = |(key, [before, after]): (String, [Option<&Value>; 2])| ManifestChange {
        key,
        before: before.cloned(),
        after: after.cloned(),
    };
    values.into_iter().map(change).collect()
}

/// Shows everything that is not itself a mapping with keys.
fn flatten<'a>(key: String, value: &'a Value, show: &mut dyn FnMut(String, &'a Value)) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (field, value) in fields {
                let key = if key.is_empty() { field.clone() } else { format!("{key}.{field}") };
                flatten(key, value, show);
            }
        }
        _ => show(key, value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_listed_by_dotted_key() {
        let before = json!({"a": 1, "same": [1], "deep": {"x": 1, "gone": {}}, "list": [1, 2], "kind": {"x": 1}});
        let after = json!({"a": 2, "same": [1], "deep": {"x": 1, "new": null}, "list": [1], "kind": "text"});
        let listed: Vec<_> =
            changes(&before, &after).into_iter().map(|change| (change.key, change.before, change.after)).collect();
        assert_eq!(
            listed,
            [
                ("a".to_owned(), Some(json!(1)), Some(json!(2))),
                ("deep.gone".to_owned(), Some(json!({})), None),
                ("deep.new".to_owned(), None, Some(Value::Null)),
                ("kind".to_owned(), None, Some(json!("text"))),
                ("kind.x".to_owned(), Some(json!(1)), None),
                ("list".to_owned(), Some(json!([1, 2])), Some(json!([1]))),
            ]
        );
    }
}
