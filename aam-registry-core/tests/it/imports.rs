//! Which modules import which: one way only, and in no circle.
//!
//! A path that goes through a re-export counts as an import of the file that defines the item.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::sources::sources;

/// The folders of this crate, each with those that it may import. Everything may import `types` and
/// `error`, which import each other: an error names what it is about, and parsing a type may fail.
const ALLOWED: &[(&str, &[&str])] = &[
    ("types", &["error"]),
    ("error", &["types"]),
    ("decide", &[]),
    ("archive", &[]),
    ("ports", &["decide"]),
    ("decorate", &["decide", "ports"]),
    ("registry", &["archive", "decide", "ports"]),
    ("jobs", &["decide", "ports", "registry"]),
    ("http", &["archive", "decide", "decorate", "ports", "registry"]),
    // Besides the ports in memory it has a registry that uses them all.
    ("memory", &["decide", "ports", "registry"]),
    ("testing", &["decide", "ports"]),
];

/// The path of a module, without the name of the crate.
type Module = Vec<String>;

/// The source of a crate, without comments and tests.
struct Crate {
    files: BTreeMap<Module, String>,
    /// What a module imports, by the name it has there.
    names: BTreeMap<Module, BTreeMap<String, Module>>,
    /// The modules of which a module passes on everything.
    passed_on: BTreeMap<Module, Vec<Module>>,
}

impl Crate {
    fn read(root: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
        let named = |(path, source): (PathBuf, String)| {
            (module(path.strip_prefix(&root).expect("below the root")), without_tests(&source))
        };
        let mut files: BTreeMap<_, _> = sources(&root).into_iter().map(named).collect();
        let is_test = |module: &Module| {
            (1..=module.len()).any(|len| {
                let parent = files.get(&module[..len - 1]);
                let declared = format!("#[cfg(test)]\nmod {};", module[len - 1]);
                parent.is_some_and(|parent| parent.contains(&declared))
            })
        };
        let tests: Vec<_> = files.keys().filter(|module| is_test(module)).cloned().collect();
        files.retain(|module, _| !tests.contains(module));
        let mut read = Self { files, names: BTreeMap::new(), passed_on: BTreeMap::new() };
        for (module, source) in &read.files {
            let named = used(source).into_iter().filter_map(|(path, name)| Some((name, read.absolute(module, &path)?)));
            let (all, named): (Vec<_>, Vec<_>) = named.partition(|(name, _)| name == "*");
            read.names.insert(module.clone(), named.into_iter().collect());
            let all = all.into_iter().map(|(_, path)| path[..path.len() - 1].to_vec());
            read.passed_on.insert(module.clone(), all.collect());
        }
        read
    }

    /// A path as one from the root of the crate; `None` if it leads to another crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let mut base = match path.first()?.as_str() {
            "crate" => Vec::new(),
            "super" | "self" => module.clone(),
            child => {
                let child: Module = module.iter().cloned().chain([child.to_owned()]).collect();
                return self.files.contains_key(&child).then(|| [&module[..], path].concat());
            }
        };
        let mut rest = path;
        while let Some((step, after)) = rest.split_first() {
            match step.as_str() {
                "super" => drop(base.pop()),
                "self" | "crate" => {}
                _ => break,
            }
            rest = after;
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// The module that defines what a path names.
    fn definition(&self, path: &[String], depth: usize) -> Option<Module> {
        assert!(depth < 20, "a re-export of itself: {path:?}");
        if self.files.contains_key(path) {
            return Some(path.to_vec());
        }
        let (len, names) = (0..path.len()).rev().find_map(|len| Some((len, self.names.get(&path[..len])?)))?;
        let target = names.get(&path[len]).cloned().or_else(|| self.passed_on_from(&path[..len], &path[len]));
        match target.filter(|target| target[..] != *path) {
            Some(target) => self.definition(&[&target[..], &path[len + 1..]].concat(), depth + 1),
            None => Some(path[..len].to_vec()),
        }
    }

    /// The path of an item that a module has because it passes on everything of another one.
    fn passed_on_from(&self, module: &[String], item: &str) -> Option<Module> {
        let mut passed_on = self.passed_on.get(module).into_iter().flatten();
        let has_it = |from: &&Module| {
            let words =
                |source: &String| source.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == item);
            self.names.get(*from).is_some_and(|names| names.contains_key(item))
                || self.files.get(*from).is_some_and(words)
        };
        passed_on.find(has_it).map(|from| from.iter().cloned().chain([item.to_owned()]).collect())
    }

    /// What each module imports. A module that only passes on what lies below it does not import that.
    fn imports(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let mut imports = BTreeMap::<Module, BTreeSet<Module>>::new();
        for (module, source) in &self.files {
            let paths = used(source).into_iter().map(|(path, _)| path).chain(inline(source));
            let absolute = paths.filter_map(|path| self.absolute(module, &path));
            let targets = absolute.filter_map(|path| self.definition(&path, 0)).filter(|target| target != module);
            let passes_on = |target: &Module| target.starts_with(module) && only_passes_on(source);
            imports.entry(module.clone()).or_default().extend(targets.filter(|target| !passes_on(target)));
        }
        imports
    }
}

/// The module of a file below the root.
fn module(path: &Path) -> Module {
    let path = path.with_extension("");
    let mut module: Module = path.iter().map(|part| part.to_str().expect("plain names").to_owned()).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
        module.pop();
    }
    module
}

fn without_tests(source: &str) -> String {
    // Modules of tests stand at the end of a file.
    let is_module = |(at, attribute): &(usize, &str)| {
        let line = source[at + attribute.len()..].lines().next();
        line.is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
    };
    let tests = source.match_indices("#[cfg(test)]\n").find(is_module);
    let code = tests.map_or(source, |(at, _)| &source[..at]);
    let code =
        code.find("#[cfg(all(test, ").filter(|at| code[*at..].contains("mod tests {")).map_or(code, |at| &code[..at]);
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Whether a module has no code of its own.
fn only_passes_on(source: &str) -> bool {
    !["fn ", "struct ", "enum ", "trait "].iter().any(|item| source.contains(item))
}

/// The paths of the `use` declarations, each with the name it gets.
fn used(source: &str) -> Vec<(Vec<String>, String)> {
    let mut used = Vec::new();
    for (at, _) in source.match_indices("use ") {
        let before = source[..at].lines().next_back().unwrap_or_default();
        let line = if source[..at].ends_with('\n') { "" } else { before };
        let is_declaration = line.trim().is_empty() || line.trim_start().starts_with("pub");
        let Some((tree, _)) = source[at + 4..].split_once(';').filter(|_| is_declaration) else { continue };
        expand(&[], &tree.split_whitespace().collect::<Vec<_>>().join(" "), &mut used);
    }
    used
}

/// The paths of a tree such as `a::{b, c::{self, d}}`.
fn expand(prefix: &[String], tree: &str, paths: &mut Vec<(Vec<String>, String)>) {
    let (mut depth, mut start) = (0, 0);
    let mut parts = Vec::new();
    for (at, letter) in tree.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&tree[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tree[start..]);
    for part in parts.into_iter().map(str::trim).filter(|part| !part.is_empty()) {
        let (path, inner) = part.split_once('{').map_or((part, None), |(path, inner)| (path, Some(inner)));
        let (path, alias) = path.split_once(" as ").map_or((path, None), |(path, alias)| (path, Some(alias)));
        let steps =
            path.split("::").map(str::trim).filter(|step| !step.is_empty() && *step != "self" || prefix.is_empty());
        let full: Vec<String> =
            prefix.iter().cloned().chain(steps.filter(|step| !step.is_empty()).map(str::to_owned)).collect();
        if let Some(inner) = inner {
            expand(&full, inner.trim_end().trim_end_matches('}'), paths);
        } else {
            let name = alias.map(str::to_owned).or_else(|| full.last().cloned()).unwrap_or_default();
            paths.push((full, name));
        }
    }
}

/// The paths in code that begin at the crate or at a parent.
fn inline(source: &str) -> Vec<Vec<String>> {
    let part_of_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let paths = source.split(|letter| !part_of_path(letter)).map(|path| path.trim_matches(':'));
    let paths = paths.filter(|path| path.starts_with("crate::") || path.starts_with("super::"));
    paths.map(|path| path.split("::").map(str::to_owned).collect()).collect()
}

/// The groups of modules that can be reached from each other.
fn circles(imports: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<BTreeSet<Module>> {
    let reached: BTreeMap<&Module, BTreeSet<&Module>> = imports
        .keys()
        .map(|start| {
            let (mut reached, mut next) = (BTreeSet::new(), vec![start]);
            while let Some(module) = next.pop() {
                next.extend(imports.get(module).into_iter().flatten().filter(|target| reached.insert(*target)));
            }
            (start, reached)
        })
        .collect();
    let is_both_ways =
        |one: &&Module, other: &&Module| reached.get(other).is_some_and(|reached| reached.contains(*one));
    let circles = reached.iter().filter(|(module, reached)| reached.contains(*module));
    circles
        .map(|(module, reached)| {
            reached.iter().filter(|other| is_both_ways(module, other)).map(|m| (*m).clone()).collect()
        })
        .collect()
}

fn shown(circle: &BTreeSet<Module>) -> String {
    circle.iter().map(|module| module.join("/")).collect::<Vec<_>>().join(", ")
}

#[test]
fn folders_import_one_way() {
    let mut faults = Vec::new();
    for (module, targets) in Crate::read("src").imports() {
        let Some(folder) = module.first() else { continue };
        let (_, allowed) =
            ALLOWED.iter().find(|(name, _)| name == folder).unwrap_or_else(|| panic!("a new folder: {folder}"));
        for target in targets.iter().filter_map(|target| Some((target.first()?, target))) {
            let (to, target) = target;
            if to != folder && !["types", "error"].contains(&to.as_str()) && !allowed.contains(&to.as_str()) {
                faults.push(format!("{} imports {}", module.join("/"), target.join("/")));
            }
        }
    }
    assert!(faults.is_empty(), "imports point the wrong way:\n{}", faults.join("\n"));
}

#[test]
fn only_errors_and_types_import_each_other() {
    let imports = Crate::read("src").imports();
    assert!(imports.values().map(BTreeSet::len).sum::<usize>() > 1_000, "imports are not found");
    for circle in circles(&imports) {
        let is_of_types = circle.iter().all(|module| ["error", "types"].contains(&module[0].as_str()));
        assert!(is_of_types && circle.contains(&vec!["error".to_owned()]), "a circle of {}", shown(&circle));
    }
}

#[test]
fn adapters_have_no_circle() {
    let imports = Crate::read("../aam-registry-backends/src").imports();
    assert!(imports.values().map(BTreeSet::len).sum::<usize>() > 200, "imports are not found");
    let circles: Vec<_> = circles(&imports).iter().map(shown).collect();
    assert!(circles.is_empty(), "circles:\n{}", circles.join("\n"));
}
