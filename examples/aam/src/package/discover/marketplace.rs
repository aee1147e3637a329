//! Plugins of Claude Code, Cursor, Codex and GitHub Copilot, and the
//! marketplaces that list them.

use std::collections::BTreeMap;

use aam_registry_core::types::ArtifactType::{self, Agent, Prompt};
use serde_json::Value;

use super::{Seen, is_below, joined};
use crate::failure::Detail;

/// Where a plugin's own file lies, below its folder.
pub(super) const PLUGIN_FILES: &[&str] = &[
    ".claude-plugin/plugin.json",
    ".github/plugin/plugin.json",
    ".cursor-plugin/plugin.json",
    ".codex-plugin/plugin.json",
];

/// Where a marketplace's file lies, below the repository.
pub(super) const MARKETPLACES: &[&str] =
    &[".claude-plugin/marketplace.json", ".github/plugin/marketplace.json", ".cursor-plugin/marketplace.json"];

/// The plugins of a repository.
#[derive(Debug, Default)]
pub(super) struct Plugins {
    /// By folder, with the file that describes each, where there is one.
    pub(super) folders: BTreeMap<String, Option<String>>,
    /// Files and folders that plugins name, with the type of what lies there.
    pub(super) named: Vec<(String, ArtifactType)>,
    /// Plugins that lie elsewhere.
    pub(super) not_taken: Vec<Detail>,
}

impl Plugins {
    /// The folder of the plugin that `path` is in, the innermost; empty for none.
    pub(super) fn of(&self, path: &str) -> String {
        let inside = self.folders.keys().filter(|folder| is_below(path, folder));
        inside.max_by_key(|folder| folder.len()).cloned().unwrap_or_default()
    }
}

/// Reads what plugins there are.
pub(super) fn plugins(seen: &Seen) -> Plugins {
    let mut plugins = Plugins::default();
    for file in &seen.files {
        for plugin in PLUGIN_FILES {
            let folder = file.strip_suffix(plugin).map(|folder| folder.trim_end_matches('/'));
            if let Some(folder) = folder.filter(|folder| *file == joined(folder, plugin)) {
                plugins.folders.entry(folder.to_owned()).or_insert_with(|| Some(file.clone()));
                plugins.add_named(seen, folder, &json(seen, file));
            }
        }
        // As GitHub Copilot's marketplaces have it: plugins/<name>/plugin.json.
        if let Some(folder) = file.strip_suffix("/plugin.json")
            && folder.strip_prefix("plugins/").is_some_and(|name| !name.contains('/'))
        {
            plugins.folders.entry(folder.to_owned()).or_insert_with(|| Some(file.clone()));
            plugins.add_named(seen, folder, &json(seen, file));
        }
    }
    for marketplace in MARKETPLACES.iter().filter(|file| seen.has(file)) {
        let listed = json(seen, marketplace);
        for plugin in listed["plugins"].as_array().into_iter().flatten() {
            plugins.add_listed(seen, marketplace, plugin);
        }
    }
    plugins
}

impl Plugins {
    fn add_listed(&mut self, seen: &Seen, marketplace: &str, plugin: &Value) {
        let name = plugin["name"].as_str().unwrap_or("a plugin without a name");
        let Some(source) = plugin["source"].as_str().filter(|source| !source.contains("://")) else {
            let why = format!("lists the plugin {name}, which lies elsewhere; make a package of it there");
            self.not_taken.push(Detail::new(marketplace, why));
            return;
        };
        let Some(folder) = clean(source) else { return };
        if seen.below(&folder).next().is_some() {
            self.folders.entry(folder.clone()).or_insert(None);
            self.add_named(seen, &folder, plugin);
        }
    }

    /// Notes the files and folders that a plugin names.
    fn add_named(&mut self, seen: &Seen, folder: &str, plugin: &Value) {
        for (key, kind) in [("agents", Agent), ("commands", Prompt)] {
            let paths: Vec<&str> = match &plugin[key] {
                Value::String(path) => vec![path],
                Value::Array(paths) => paths.iter().filter_map(Value::as_str).collect(),
                _ => continue,
            };
            for path in paths.into_iter().filter_map(clean) {
                let path = joined(folder, &path);
                if seen.below(&path).next().is_some() {
                    self.named.push((path, kind));
                }
            }
        }
    }
}

/// A path below the folder it is relative to; `None` where it leads out of it.
fn clean(path: &str) -> Option<String> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !matches!(*segment, "" | ".")).collect();
    (!segments.contains(&"..") && !path.starts_with('/')).then(|| segments.join("/"))
}

/// A JSON file that was seen; null where it is none.
pub(super) fn json(seen: &Seen, path: &str) -> Value {
    seen.read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}
