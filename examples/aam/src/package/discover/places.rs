//! Where tools, their plugins and public repositories keep artifacts.

use std::{collections::BTreeSet, path::Path};

use aam_registry_core::types::ArtifactType::{self, Agent, Instruction, Prompt, Skill};
use serde_json::Value;

use super::{Found, Seen, is_below, joined, marketplace::Plugins, naming, plugin_parts};
use crate::{
    deploy,
    failure::{Detail, Result},
};

/// The folders of tools; what is below them is named as in a plugin.
const TOOLS: &[&str] =
    &[".claude", ".agents", ".cursor", ".github", ".opencode", ".windsurf", ".kiro", ".codex", ".gemini", ".apm"];

/// What folders of a tool, of a plugin or of the repository itself hold.
const FOLDERS: &[(&str, ArtifactType)] = &[
    ("agents", Agent),
    ("agent", Agent),
    ("chatmodes", Agent),
    ("commands", Prompt),
    ("command", Prompt),
    ("prompts", Prompt),
    ("instructions", Instruction),
    ("rules", Instruction),
];

/// What folders of one tool alone hold.
const OF_ONE_TOOL: &[(&str, &str, ArtifactType)] =
    &[(".windsurf", "workflows", Prompt), (".kiro", "steering", Instruction)];

/// What ends of names say.
const ENDINGS: &[(&str, ArtifactType)] = &[
    (".agent.md", Agent),
    (".chatmode.md", Agent),
    (".prompt.md", Prompt),
    (".instructions.md", Instruction),
    (".mdc", Instruction),
];

/// Files of one name.
const FILES: &[(&str, ArtifactType)] =
    &[(".github/copilot-instructions.md", Instruction), (".cursorrules", Instruction), (".windsurfrules", Instruction)];

/// Markdown that tells people about a folder.
const ABOUT: &[&str] = &[
    "readme",
    "changelog",
    "contributing",
    "license",
    "code_of_conduct",
    "security",
    "support",
    "index",
    "claude",
    "agents",
    "gemini",
    "template",
];

/// What cannot be taken, by its path at the root, in a plugin or in a tool's
/// folder, and why; a path that ends with `/` is that of all that lies below.
const OTHERS: &[(&str, &str)] = &[
    ("hooks/hooks.json", plugin_parts::HOOKS),
    ("hooks.json", plugin_parts::HOOKS),
    (".mcp.json", plugin_parts::MCP_SERVERS),
    ("mcp.json", plugin_parts::MCP_SERVERS),
    (".lsp.json", plugin_parts::LANGUAGE_SERVERS),
    ("settings.json", plugin_parts::SETTINGS),
    ("config.toml", plugin_parts::SETTINGS),
    ("output-styles/", plugin_parts::OUTPUT_STYLES),
    ("themes/", plugin_parts::THEMES),
    ("monitors/monitors.json", plugin_parts::MONITORS),
];

/// Files that tell agents about the repository itself.
const OF_THE_PROJECT: &[&str] = &["AGENTS.md", "CLAUDE.md", "GEMINI.md"];

/// Whether `path` is where artifacts may lie: worth a word where it is left out.
pub(super) fn is_place(path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').collect();
    let first_tool = TOOLS.contains(&segments[0]) && segments[0] != ".github";
    let folder =
        segments.iter().any(|segment| *segment == "skills" || FOLDERS.iter().any(|(folder, _)| folder == segment));
    (first_tool && segments.len() <= 2) || (folder && segments.len() <= 4) || of_file(path).is_some()
}

/// The type that a file's name alone says.
fn of_file(path: &str) -> Option<ArtifactType> {
    let by_path = FILES.iter().find(|(file, _)| path == *file || path.ends_with(&format!("/{file}")));
    let by_ending = || ENDINGS.iter().find(|(ending, _)| path.ends_with(ending));
    if path == "SKILL.md" || path.ends_with("/SKILL.md") {
        return Some(Skill);
    }
    by_path.or_else(by_ending).map(|(_, kind)| *kind)
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|own| own.eq_ignore_ascii_case(extension))
}

/// The type of a Markdown file in a folder of artifacts, and where that folder is in.
fn of_folder<'a>(path: &'a str, plugins: &Plugins) -> Option<(ArtifactType, &'a str)> {
    if !has_extension(path, "md") {
        return None;
    }
    let ends = path.match_indices('/').map(|(at, _)| at);
    for end in ends {
        let (parent, folder) = path[..end].rsplit_once('/').unwrap_or(("", &path[..end]));
        let tool = parent.rsplit('/').next().unwrap_or_default();
        if let Some((.., kind)) = OF_ONE_TOOL.iter().find(|(of, name, _)| *of == tool && *name == folder) {
            return Some((*kind, parent));
        }
        let is_root = parent.is_empty() || TOOLS.contains(&tool) || plugins.folders.contains_key(parent);
        if let Some((_, kind)) = FOLDERS.iter().find(|(name, _)| is_root && *name == folder) {
            return Some((*kind, parent));
        }
    }
    None
}

/// The artifacts of the folder, each with what it is called by itself.
pub(super) fn artifacts(seen: &Seen, plugins: &Plugins, not_taken: &mut Vec<Detail>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut take = |artifact: Result<Found, Detail>| match artifact {
        Ok(artifact) => found.push(artifact),
        Err(why) => not_taken.push(why),
    };
    let skills = skill_folders(seen);
    let in_skill = |path: &str| skills.iter().any(|folder| !folder.is_empty() && is_below(path, folder));
    for folder in &skills {
        take(skill(seen, plugins, folder));
    }
    let folders = agent_folders(seen, &in_skill);
    for folder in &folders {
        take(agent_folder(seen, plugins, folder));
    }
    for path in &seen.files {
        if in_skill(path) || folders.iter().any(|folder| is_below(path, folder)) {
            continue;
        }
        if let Some(why) = of_no_package(path, plugins) {
            take(Err(Detail::new(path, why)));
            continue;
        }
        let named = plugins
            .named
            .iter()
            .find(|named| is_below(path, &named.path) && (has_extension(path, "md") || has_extension(path, "mdc")));
        let by_name = of_file(path).filter(|kind| *kind != Skill);
        let kind = match (by_name, named, of_folder(path, plugins)) {
            (Some(kind), ..) | (None, None, Some((kind, _))) => kind,
            (None, Some(named), _) => named.kind,
            (None, None, None) => continue,
        };
        let stem = path.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
        let is_named = named.is_some_and(|named| named.path == *path);
        if by_name.is_none() && !is_named && ABOUT.contains(&&*stem.to_ascii_lowercase()) {
            continue;
        }
        let called = named.filter(|named| named.path == *path).and_then(|named| named.name.as_deref());
        take(document(seen, plugins, path, kind).map(|found| match called {
            Some(name) => Found { name: naming::artifact_name(name), ..found },
            None => found,
        }));
    }
    found
}

/// The folders of skills; what lies below one is a part of it, save below the whole folder.
fn skill_folders(seen: &Seen) -> BTreeSet<String> {
    let files = seen.files.iter().filter_map(|file| deploy::skill_folder(file));
    let all: BTreeSet<&str> = files.collect();
    let outer =
        |folder: &&str| !all.iter().any(|other| !other.is_empty() && other != folder && is_below(folder, other));
    all.iter().copied().filter(outer).map(str::to_owned).collect()
}

fn skill(seen: &Seen, plugins: &Plugins, folder: &str) -> Result<Found, Detail> {
    let bytes = seen.read(&joined(folder, "SKILL.md"))?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = deploy::front_matter(&text);
    let own = head.get("name").and_then(Value::as_str).filter(|name| super::super::front_matter::is_skill_name(name));
    let of_folder = match folder.rsplit('/').next().filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => seen.root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    Ok(Found {
        kind: Skill,
        name: own.map_or_else(|| naming::artifact_name(&of_folder), str::to_owned),
        path: folder.to_owned(),
        description: described(head.get("description"), body),
        plugin: plugins.of(folder),
    })
}

/// Folders with an `agent.yaml`.
fn agent_folders(seen: &Seen, in_skill: &dyn Fn(&str) -> bool) -> Vec<String> {
    let folders = seen.files.iter().filter_map(|file| file.strip_suffix("/agent.yaml"));
    folders.filter(|folder| !in_skill(folder)).map(str::to_owned).collect()
}

fn agent_folder(seen: &Seen, plugins: &Plugins, folder: &str) -> Result<Found, Detail> {
    let bytes = seen.read(&joined(folder, "agent.yaml"))?;
    let values: Value = serde_saphyr::from_slice(&bytes).unwrap_or_default();
    Ok(Found {
        kind: Agent,
        name: naming::artifact_name(folder.rsplit('/').next().unwrap_or_default()),
        path: folder.to_owned(),
        description: described(values.get("description"), ""),
        plugin: plugins.of(folder),
    })
}

/// An agent, prompt or instruction, or why the file is none.
fn document(seen: &Seen, plugins: &Plugins, path: &str, kind: ArtifactType) -> Result<Found, Detail> {
    let bytes = seen.read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = deploy::front_matter(&text);
    if text.trim().is_empty() {
        return Err(Detail::new(path, "is empty"));
    }
    let says = |key: &str| head.get(key).is_some_and(|value| !value.is_null());
    if kind == Agent && !says("description") && !says("name") {
        let why = "lies where agents do, and has no front matter with a name or description as agents have";
        return Err(Detail::new(path, why));
    }
    let file = path.rsplit('/').next().unwrap_or_default();
    let ending = ENDINGS.iter().find_map(|(ending, _)| file.strip_suffix(ending));
    let stem = ending.or(file.strip_suffix(".md")).unwrap_or(file);
    let own = head.get("name").and_then(Value::as_str).filter(|name| super::super::front_matter::is_skill_name(name));
    Ok(Found {
        kind,
        name: own.filter(|_| kind == Agent).map_or_else(|| naming::artifact_name(stem), str::to_owned),
        path: path.to_owned(),
        description: described(head.get("description"), body),
        plugin: plugins.of(path),
    })
}

/// What the artifact says of itself, else its first heading or line.
fn described(value: Option<&Value>, body: &str) -> String {
    let own = value.and_then(Value::as_str).unwrap_or_default();
    let lines = body.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines
        .map(|line| line.trim_start_matches('#').trim())
        .find(|line| line.starts_with(|c: char| c.is_alphanumeric()));
    naming::shortened(if own.trim().is_empty() { first.unwrap_or_default() } else { own }, naming::MAX_ARTIFACT)
}

/// Why a file that artifacts commonly lie beside goes into no package.
fn of_no_package(path: &str, plugins: &Plugins) -> Option<&'static str> {
    if OF_THE_PROJECT.contains(&path) {
        return Some("tells agents about this repository itself; what is for others goes into `instructions/`");
    }
    let below =
        |root: &str| path.strip_prefix(root).map(|rest| rest.trim_start_matches('/')).filter(|_| is_below(path, root));
    let tools = TOOLS.iter().filter(|tool| **tool != ".github").filter_map(|tool| below(tool));
    let roots =
        plugins.folders.keys().filter_map(|folder| below(folder)).chain((plugins.folders.is_empty()).then_some(path));
    let mut rests: Vec<&str> = tools.collect();
    let at_roots: Vec<&str> = roots.filter(|rest| rest.contains('/') || rest.starts_with('.')).collect();
    rests.extend(at_roots);
    let is_other =
        |file: &str| rests.iter().any(|rest| if file.ends_with('/') { rest.starts_with(file) } else { *rest == file });
    if let Some((_, why)) = OTHERS.iter().find(|(file, _)| is_other(file)) {
        return Some(why);
    }
    let of_plugin =
        || plugins.folders.keys().any(|folder| below(folder).is_some_and(|rest| rest.starts_with("commands/")));
    let toml = has_extension(path, "toml")
        && (path.starts_with(".codex/agents/") || path.starts_with(".gemini/commands/") || of_plugin());
    toml.then_some("is in the form of one tool alone; write it as Markdown with front matter for all of them")
}
