//! Plugins of Claude Code, Cursor, Codex and GitHub Copilot, extensions of
//! Gemini CLI, and the marketplaces that list them.

use std::collections::BTreeMap;

use aam_registry_core::types::ArtifactType::{self, Agent, Instruction, Prompt, Skill};
use serde_json::Value;

use super::{
    Seen, is_below, joined,
    plugin_parts::{self, paths},
};
use crate::failure::Detail;

/// Where a plugin's own file lies, below its folder.
pub(super) const PLUGIN_FILES: &[&str] = &[
    ".claude-plugin/plugin.json",
    ".github/plugin/plugin.json",
    ".cursor-plugin/plugin.json",
    ".codex-plugin/plugin.json",
    "gemini-extension.json",
];

/// Where a marketplace's file lies, below the repository.
pub(super) const MARKETPLACES: &[&str] = &[
    ".claude-plugin/marketplace.json",
    ".github/plugin/marketplace.json",
    ".cursor-plugin/marketplace.json",
    ".agents/plugins/marketplace.json",
];

/// The keys of a plugin that name files and folders, what lies there, and where it lies when nothing is said.
const NAMING: &[(&str, ArtifactType, &str)] = &[
    ("agents", Agent, "agents"),
    ("commands", Prompt, "commands"),
    ("prompts", Prompt, "prompts"),
    ("rules", Instruction, "rules"),
    ("instructions", Instruction, "instructions"),
    ("skills", Skill, "skills"),
];

/// A file or folder that a plugin names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: String,
    pub(super) kind: ArtifactType,
    /// What the plugin calls it.
    pub(super) name: Option<String>,
}

/// The plugins of a repository.
#[derive(Debug, Default)]
pub(super) struct Plugins {
    /// By folder, with the file that describes each, where there is one.
    pub(super) folders: BTreeMap<String, Option<String>>,
    /// Files and folders that plugins name.
    pub(super) named: Vec<Named>,
    /// Plugins that lie elsewhere, and what of plugins is not carried.
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
                plugins.add(seen, file, folder);
            }
        }
        // As GitHub Copilot's marketplaces have it: plugins/<name>/plugin.json.
        if let Some(folder) = file.strip_suffix("/plugin.json")
            && folder.strip_prefix("plugins/").is_some_and(|name| !name.contains('/'))
        {
            plugins.add(seen, file, folder);
        }
    }
    for marketplace in MARKETPLACES.iter().filter(|file| seen.has(file)) {
        let listed = json(seen, marketplace);
        let root = listed["metadata"]["pluginRoot"].as_str().and_then(clean).unwrap_or_default();
        for plugin in listed["plugins"].as_array().into_iter().flatten() {
            plugins.add_listed(seen, marketplace, &root, plugin);
        }
    }
    plugins
}

impl Plugins {
    /// Takes the plugin in `folder` that `file` describes.
    fn add(&mut self, seen: &Seen, file: &str, folder: &str) {
        self.folders.entry(folder.to_owned()).or_insert_with(|| Some(file.to_owned()));
        match seen.read(file).map(|bytes| serde_json::from_slice::<Value>(&bytes)) {
            Ok(Ok(plugin)) => self.add_declared(seen, file, folder, &plugin),
            Ok(Err(error)) => {
                let why = format!("is no JSON ({error}), so what it declares is not carried; mend it");
                self.not_taken.push(Detail::new(file, why));
            }
            Err(why) => self.not_taken.push(why),
        }
    }

    /// Takes a plugin of a marketplace whose plugins lie below `root`, or says where it lies.
    fn add_listed(&mut self, seen: &Seen, marketplace: &str, root: &str, plugin: &Value) {
        let name = plugin["name"].as_str().unwrap_or("without a name");
        let mut say =
            |why: String| self.not_taken.push(Detail::new(marketplace, format!("lists the plugin {name}, {why}")));
        let path = match source(&plugin["source"]) {
            Source::Here(path) => path,
            Source::Elsewhere(place) => {
                return say(format!("which lies elsewhere ({place}); make a package of it there"));
            }
            Source::Unsaid => return say("and does not say where it lies".to_owned()),
        };
        let Some(folder) = clean(path) else {
            return say(format!("which lies outside of this folder (`{path}`); make a package of it there"));
        };
        let below_root = joined(root, &folder);
        let is_there = |folder: &str| seen.below(folder).next().is_some();
        let folder = match (is_there(&below_root), is_there(&folder)) {
            (true, _) if !root.is_empty() && !path.starts_with("./") => below_root,
            (_, true) => folder,
            (true, false) => below_root,
            (false, false) => return say(format!("of which nothing is there (`{path}`)")),
        };
        self.folders.entry(folder.clone()).or_insert(None);
        self.add_declared(seen, marketplace, &folder, plugin);
    }

    /// Notes what the plugin in `folder` declares in `file`.
    fn add_declared(&mut self, seen: &Seen, file: &str, folder: &str, plugin: &Value) {
        plugin_parts::not_carried(seen, file, folder, plugin, &mut self.not_taken);
        for (key, kind, usual) in NAMING {
            for path in paths(&plugin[key]) {
                self.add_named(seen, file, folder, Declared { key, kind: *kind, usual, name: None, path });
            }
            // Claude Code's commands may be declared by name.
            for (name, command) in plugin[key].as_object().into_iter().flatten() {
                if let Some(path) = command["source"].as_str() {
                    let declared = Declared { key, kind: *kind, usual, name: Some(name), path };
                    self.add_named(seen, file, folder, declared);
                } else {
                    let why = format!(
                        "`{key}.{name}` is not carried: it is written in there; write it into a file of its own, \
                         {usual}/{name}.md"
                    );
                    self.not_taken.push(Detail::new(file, why));
                }
            }
        }
    }

    /// Notes a file or folder that the plugin in `folder` names in `file`.
    fn add_named(&mut self, seen: &Seen, file: &str, folder: &str, declared: Declared<'_>) {
        let Declared { key, kind, usual, name, path } = declared;
        let Some(inside) = clean(path) else {
            let why =
                format!("`{key}` names `{path}`, which lies outside of the plugin and is not carried; copy it there");
            self.not_taken.push(Detail::new(file, why));
            return;
        };
        let at = joined(folder, &inside);
        if seen.below(&at).next().is_some() {
            // Skills are found by their SKILL.md wherever they lie.
            if kind != Skill {
                self.named.push(Named { path: at, kind, name: name.map(str::to_owned) });
            }
        } else if inside != usual {
            let why = format!("`{key}` names `{path}`, of which nothing is there");
            self.not_taken.push(Detail::new(file, why));
        }
    }
}

/// A path that a plugin declares.
#[derive(Clone, Copy, Debug)]
struct Declared<'a> {
    key: &'a str,
    kind: ArtifactType,
    usual: &'a str,
    name: Option<&'a str>,
    path: &'a str,
}

/// Where a marketplace says that a plugin lies.
#[derive(Debug, PartialEq, Eq)]
enum Source<'a> {
    /// In the repository, at this path.
    Here(&'a str),
    /// Somewhere else, for a person.
    Elsewhere(String),
    Unsaid,
}

fn source(value: &Value) -> Source<'_> {
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    let is_remote = |text: &str| text.contains("://") || text.starts_with("git@");
    if let Some(path) = value.as_str() {
        return if is_remote(path) { Source::Elsewhere(path.to_owned()) } else { Source::Here(path) };
    }
    let place = match text("source") {
        "local" | "directory" | "file" | "path" => return Source::Here(text("path")),
        "url" | "git" if !text("url").is_empty() && !is_remote(text("url")) => return Source::Here(text("url")),
        "github" => format!("github.com/{}", text("repo")),
        "npm" => format!("the npm package {}", text("package")),
        "pip" => format!("the Python package {}", text("package")),
        _ if !text("url").is_empty() => text("url").to_owned(),
        "" => return Source::Unsaid,
        other => other.to_owned(),
    };
    let at = ["path", "ref", "version", "sha"].into_iter().filter(|key| !text(key).is_empty());
    let parts: Vec<_> = std::iter::once(place).chain(at.map(|key| format!("{key} {}", text(key)))).collect();
    Source::Elsewhere(parts.join(", "))
}

/// A path below the folder it is relative to; `None` where it leads out of it.
pub(super) fn clean(path: &str) -> Option<String> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !matches!(*segment, "" | ".")).collect();
    (!segments.contains(&"..") && !path.starts_with(['/', '~'])).then(|| segments.join("/"))
}

/// A JSON file that was seen; null where it is none.
pub(super) fn json(seen: &Seen, path: &str) -> Value {
    seen.read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}
