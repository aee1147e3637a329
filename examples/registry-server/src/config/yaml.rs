//! The configuration file.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Map, Value};

use super::{
    fault::Fault,
    near_miss,
    sources::{Source, by_key},
    table::TABLE,
};

type Values = BTreeMap<String, (String, Source)>;

/// Reads `text`, the contents of the file at `path`, into values by the names of the table.
pub(super) fn read(path: &Path, text: &str, faults: &mut Vec<Fault>) -> Values {
    let shown = path.display().to_string();
    let document = serde_saphyr::from_str_with_options::<Option<Value>>(text, options());
    let mut values = Values::new();
    match document {
        Ok(None | Some(Value::Null)) => {}
        Ok(Some(Value::Object(keys))) => {
            let mut reader = Reader { path, values: &mut values, faults };
            reader.section(None, keys);
        }
        Ok(Some(_)) => faults.push(Fault::between(shown, "is no mapping of keys to values")),
        Err(error) => {
            let error = error.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter);
            faults.push(Fault::between(shown, format!("is not valid YAML: {}", error.trim())));
        }
    }
    values
}

/// A configuration is small, so limits are low; errors must not quote it, since it may contain secrets.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: 10_000,
            max_depth: 16,
            max_documents: 1,
        },
        strict_booleans: true,
        with_snippet: false,
    }
}

struct Reader<'a> {
    path: &'a Path,
    values: &'a mut Values,
    faults: &'a mut Vec<Fault>,
}

impl Reader<'_> {
    fn section(&mut self, section: Option<&str>, keys: Map<String, Value>) {
        for (key, value) in keys {
            let full = section.map_or_else(|| key.clone(), |section| format!("{section}.{key}"));
            match value {
                Value::Object(keys) if section.is_none() && is_section(&key) => self.section(Some(&key), keys),
                value => self.key(&full, value),
            }
        }
    }

    fn key(&mut self, key: &str, value: Value) {
        let Some((spec, name)) = by_key(key) else {
            let problem = match near_miss::of_key(key) {
                Some(ours) => format!("unknown key; did you mean `{ours}`?"),
                None => "unknown key; `aam-registry config show` lists those there are".to_owned(),
            };
            self.faults.push(Fault::new(key, self.path.display(), problem));
            return;
        };
        let text = match value {
            Value::Null => return,
            // A list of mappings goes on as JSON.
            Value::Array(items) if spec.name() == "webhooks" => {
                Ok(if items.is_empty() { String::new() } else { Value::Array(items).to_string() })
            }
            Value::String(text) => Ok(text),
            // YAML has already parsed the text as a number, so the original digits are lost.
            _ if spec.is_secret() => Err("its value must be text: put it in quotes"),
            value @ (Value::Number(_) | Value::Bool(_)) => Ok(value.to_string()),
            Value::Array(items) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Some(text),
                    Value::Number(number) => Some(number.to_string()),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>()
                .map(|items| items.join(","))
                .ok_or("its list must hold plain values"),
            Value::Object(_) => Err("its value must be a plain value or a list"),
        };
        let source = Source::File(self.path.to_owned(), key.to_owned());
        match text {
            Ok(text) => {
                self.values.insert(name, (text, source));
            }
            Err(problem) => self.faults.push(Fault::new(key, self.path.display(), problem)),
        }
    }
}

/// Whether the table has keys below `key`.
fn is_section(key: &str) -> bool {
    let names = TABLE.iter().flat_map(|spec| spec.names);
    names.filter_map(|name| name.split_once('.')).any(|(section, _)| section == key)
}
