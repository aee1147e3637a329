//! What differs between two manifests.

use std::io::{self, Write};

use serde_json::Value;

use super::{MAX_MANIFEST_CHANGES, MAX_MANIFEST_DIFF, MAX_MANIFEST_VALUE, ManifestChange};

/// The most bytes of a key that are listed; a longer key is cut.
const MAX_KEY: usize = 1024;
/// How many bytes a change counts beside its key and values.
const OVERHEAD: usize = 64;

/// The keys whose values differ, sorted, and whether there are more than are listed.
pub(super) fn changes(before: &Value, after: &Value) -> (Vec<ManifestChange>, bool) {
    let mut listing = Listing { listed: Vec::new(), room: MAX_MANIFEST_DIFF, full: false, path: Vec::new() };
    listing.compare(Some(before), Some(after));
    let Listing { mut listed, full, .. } = listing;
    listed.sort_by(|a, b| a.key.cmp(&b.key));
    (listed, full)
}

struct Listing<'a> {
    listed: Vec<ManifestChange>,
    /// How many bytes may still be listed.
    room: usize,
    full: bool,
    /// The keys that lead to the compared values. Joined to a string only for changes that are listed,
    /// since a long key may have many others below it.
    path: Vec<&'a str>,
}

impl<'a> Listing<'a> {
    /// Lists the differences at the current path: the two values, or, if both are mappings with keys,
    /// the differences below.
    fn compare(&mut self, before: Option<&'a Value>, after: Option<&'a Value>) {
        if self.full || before == after {
            return;
        }
        let fields = |value: Option<&'a Value>| value.and_then(Value::as_object).filter(|fields| !fields.is_empty());
        let (old, new) = (fields(before), fields(after));
        let leaf = |value: Option<&'a Value>, has_fields: bool| value.filter(|_| !has_fields);
        let (before, after) = (leaf(before, old.is_some()), leaf(after, new.is_some()));
        if before.is_some() || after.is_some() {
            self.list(before, after);
        }
        for (key, value) in old.into_iter().flatten() {
            self.path.push(key);
            self.compare(Some(value), new.and_then(|new| new.get(key)));
            self.path.pop();
        }
        for (key, value) in new.into_iter().flatten() {
            if old.is_none_or(|old| !old.contains_key(key)) {
                self.path.push(key);
                self.compare(None, Some(value));
                self.path.pop();
            }
        }
    }

    fn list(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let (key, key_cut) = self.key();
        let (before, before_cut) = before.map(shortened).unzip();
        let (after, after_cut) = after.map(shortened).unzip();
        let sizes = [&before, &after].map(|value| value.as_ref().map_or(0, |(_, size)| *size));
        let size = OVERHEAD + key.len() + sizes.iter().sum::<usize>();
        if self.listed.len() == MAX_MANIFEST_CHANGES || size > self.room {
            self.full = true;
            return;
        }
        self.room -= size;
        let truncated = key_cut || before_cut == Some(true) || after_cut == Some(true);
        let value = |sized: Option<(Value, usize)>| sized.map(|(value, _)| value);
        self.listed.push(ManifestChange { key, before: value(before), after: value(after), truncated });
    }

    /// The keys that lead here, joined by dots, and whether the result is cut.
    fn key(&self) -> (String, bool) {
        let mut key = String::new();
        for (index, part) in self.path.iter().enumerate() {
            let dot = usize::from(index > 0);
            let room = MAX_KEY - key.len();
            if part.len() + dot > room {
                if index > 0 && room > 0 {
                    key.push('.');
                }
                key.push_str(&part[..part.floor_char_boundary(MAX_KEY - key.len())]);
                return (key, true);
            }
            if index > 0 {
                key.push('.');
            }
            key.push_str(part);
        }
        (key, false)
    }
}

/// A value with its size as JSON, and whether it is cut. A value that is too large becomes the
/// beginning of its text.
fn shortened(value: &Value) -> ((Value, usize), bool) {
    let mut text = Beginning(Vec::new());
    // Writing fails only if the buffer is full.
    if serde_json::to_writer(&mut text, value).is_ok() {
        return ((value.clone(), text.0.len()), false);
    }
    let beginning = match value {
        Value::String(whole) => whole[..whole.floor_char_boundary(MAX_MANIFEST_VALUE)].to_owned(),
        // If the cut fell inside a character, drop the rest of that character.
        _ => match std::str::from_utf8(&text.0) {
            Ok(whole) => whole.to_owned(),
            Err(error) => String::from_utf8_lossy(&text.0[..error.valid_up_to()]).into_owned(),
        },
    };
    let size = beginning.len();
    ((Value::String(beginning), size), true)
}

/// Keeps the first bytes that are written to it.
struct Beginning(Vec<u8>);

impl Write for Beginning {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = MAX_MANIFEST_VALUE - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room { Err(io::ErrorKind::WriteZero.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
        let (changes, cut) = changes(&before, &after);
        let listed: Vec<_> = changes.into_iter().map(|change| (change.key, change.before, change.after)).collect();
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
        assert!(!cut);
    }

    #[test]
    fn a_long_key_with_many_leaves_below_is_listed_in_little_room() {
        let below = |offset: u32| -> Value { (0..20_000).map(|i| (format!("k{i}"), json!(i + offset))).collect() };
        let key = "é".repeat(500_000);
        let (listed, cut) = changes(&json!({&*key: below(0)}), &json!({&*key: below(1)}));
        assert!(cut);
        assert!(listed.len() <= MAX_MANIFEST_CHANGES);
        assert!(listed.iter().all(|change| change.truncated && change.key.len() <= MAX_KEY));
        let text: usize = listed.iter().map(|change| change.key.len()).sum();
        assert!((MAX_MANIFEST_DIFF / 2..=MAX_MANIFEST_DIFF).contains(&text), "{text}");
    }

    #[test]
    fn many_changes_and_large_values_are_cut() {
        let many = |n: u32| -> Value { (0..n).map(|i| (format!("k{i}"), json!(i))).collect() };
        let most = u32::try_from(MAX_MANIFEST_CHANGES).expect("a small number");
        for (count, expected) in [(most, (MAX_MANIFEST_CHANGES, false)), (most + 1, (MAX_MANIFEST_CHANGES, true))] {
            let one_key = json!({"k0": "before"});
            let (listed, cut) = changes(&one_key, &many(count));
            assert_eq!((listed.len(), cut), expected);
        }

        let (text, list) = ("ü".repeat(MAX_MANIFEST_VALUE), vec![1; MAX_MANIFEST_VALUE]);
        let (listed, cut) = changes(&json!({"x": text, "y": 1}), &json!({"x": "short", "y": list}));
        assert!(!cut);
        assert_eq!(listed.len(), 2);
        let start = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::len);
        assert_eq!((start(&listed[0].before), &listed[0].after), (Some(MAX_MANIFEST_VALUE), &Some(json!("short"))));
        assert_eq!((&listed[1].before, start(&listed[1].after)), (&Some(json!(1)), Some(MAX_MANIFEST_VALUE)));
        assert!(listed.iter().all(|change| change.truncated));
    }
}
