//! What the file of a plugin declares that no package holds, each with why.

use serde_json::Value;

use super::{Seen, joined, marketplace::clean};
use crate::failure::Detail;

pub(super) const HOOKS: &str = "hooks run commands on a person's machine; packages hold none";
pub(super) const MCP_SERVERS: &str =
    "packages set up no MCP servers; an agent may spell out those that it needs in its front matter (`mcpServers`)";
pub(super) const LANGUAGE_SERVERS: &str = "packages set up no language servers";
pub(super) const SETTINGS: &str = "settings and hooks are a person's own";
pub(super) const OUTPUT_STYLES: &str = "only Claude Code has output styles; what all tools should read goes into \
                                        `instructions/`";
pub(super) const THEMES: &str = "only one tool has themes; packages hold none";
pub(super) const MONITORS: &str = "monitors run commands on a person's machine; packages hold none";

/// The keys that declare something no package holds.
const NOT_CARRIED: &[(&str, &str)] = &[
    ("hooks", HOOKS),
    ("mcpServers", MCP_SERVERS),
    ("lspServers", LANGUAGE_SERVERS),
    ("outputStyles", OUTPUT_STYLES),
    ("themes", THEMES),
    ("monitors", MONITORS),
    ("settings", SETTINGS),
    ("userConfig", "packages ask for no settings where they are installed"),
    ("channels", "packages bring no channels"),
    ("apps", "packages bring no apps"),
    ("excludeTools", "which tools there are is a person's own setting"),
    ("contextFileName", "only Gemini CLI reads it; what all tools should read goes into `instructions/`"),
    ("dependencies", "packages depend on packages: name those in `dependencies` of aam.yaml"),
];

/// The keys that are carried, or that only say what the plugin is and how it is listed.
const CARRIED: &[&str] = &[
    "$schema",
    "agents",
    "author",
    "category",
    "commands",
    "defaultEnabled",
    "description",
    "displayName",
    "homepage",
    "instructions",
    "interface",
    "keywords",
    "license",
    "logo",
    "name",
    "policy",
    "prompts",
    "ref",
    "repository",
    "rules",
    "skills",
    "source",
    "strict",
    "tags",
    "version",
];

/// The keys of objects that hold such keys themselves.
const NESTED: &[&str] = &["experimental", "extensions"];

/// Says what of the plugin in `folder`, declared by the values `plugin` of `file`, is not carried.
pub(super) fn not_carried(seen: &Seen, file: &str, folder: &str, plugin: &Value, not_taken: &mut Vec<Detail>) {
    let listed = file.ends_with("marketplace.json");
    let of = if listed { format!("of the plugin {}, ", plugin["name"].as_str().unwrap_or("?")) } else { String::new() };
    for (key, value) in plugin.as_object().into_iter().flatten() {
        if CARRIED.contains(&&**key) || is_empty(value) {
            continue;
        }
        if NESTED.contains(&&**key) {
            for (inner, value) in value.as_object().into_iter().flatten() {
                if is_empty(value) || only_tells(value) {
                    continue;
                }
                let why = why(inner).unwrap_or("packages hold nothing like it");
                not_taken.push(Detail::new(file, format!("{of}`{key}.{inner}`{} is not carried: {why}", names(value))));
            }
            continue;
        }
        let why = why(key).unwrap_or("packages hold nothing like it");
        let paths: Vec<_> = paths(value).filter_map(clean).map(|path| joined(folder, &path)).collect();
        if !paths.is_empty() && paths.iter().all(|path| seen.has(path)) {
            // Told of by what is there.
            not_taken.extend(paths.into_iter().map(|path| Detail::new(path, why)));
        } else {
            not_taken.push(Detail::new(file, format!("{of}`{key}`{} is not carried: {why}", names(value))));
        }
    }
}

/// Whether an object holds nothing but what says what a plugin is.
fn only_tells(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.keys().all(|key| CARRIED.contains(&&**key)))
}

fn why(key: &str) -> Option<&'static str> {
    NOT_CARRIED.iter().find(|(known, _)| *known == key).map(|(_, why)| *why)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The paths that a value is, where it is nothing else.
pub(super) fn paths(value: &Value) -> impl Iterator<Item = &str> {
    let one = value.as_str();
    let list = value.as_array().filter(|list| list.iter().all(Value::is_string));
    one.into_iter().chain(list.into_iter().flatten().filter_map(Value::as_str))
}

/// What a value is, in few words, to stand after its key.
fn names(value: &Value) -> String {
    const NAMED: usize = 4;
    let names: Vec<&str> = match value {
        Value::Object(map) => map.keys().map(String::as_str).collect(),
        other => paths(other).collect(),
    };
    match names.len() {
        0 => String::new(),
        many if many > NAMED => format!(" ({} and {} more)", names[..NAMED].join(", "), many - NAMED),
        _ => format!(" ({})", names.join(", ")),
    }
}
