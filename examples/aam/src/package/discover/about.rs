//! Reads the name, version, description and licence of a package to be made from the files of its folder.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use aam_registry_core::types::{PackageName, Version};
use serde_json::Value;

use super::{
    license,
    marketplace::{MARKETPLACES, PLUGIN_FILES},
    naming,
};
use crate::{deploy, package::ignore::Ignore};

/// The most bytes that are read of a file.
const MAX_FILE: u64 = 1024 * 1024;
/// The most keywords of a package.
const MAX_KEYWORDS: usize = 20;

/// What is known of a package that is to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) name: Option<PackageName>,
    pub(crate) version: Option<Version>,
    pub(crate) description: Option<String>,
    pub(crate) author: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) homepage: Option<String>,
    pub(crate) keywords: Vec<String>,
}

/// Reads what `folder` says of itself, and what it does not say from `repository`.
pub(super) fn read(folder: &Path, repository: &Path) -> About {
    let mut about = own(Place { folder, repository });
    if about.name.is_none() {
        about.name = folder.file_name().and_then(|name| naming::package_name(&name.to_string_lossy()));
    }
    if folder == repository {
        return about;
    }
    let of_all = own(Place { folder: repository, repository });
    About {
        version: about.version.or(of_all.version),
        author: about.author.or(of_all.author),
        license: about.license.or(of_all.license),
        repository: about.repository.or(of_all.repository),
        homepage: about.homepage.or(of_all.homepage),
        ..about
    }
}

fn own(place: Place<'_>) -> About {
    let mut sources: Vec<Value> = PLUGIN_FILES.iter().map(|file| place.json(file)).collect();
    sources.push(place.json("plugin.json"));
    for file in ["apm.yml", "apm.yaml"] {
        let text = place.text(file).unwrap_or_default();
        sources.push(serde_saphyr::from_str(&text).unwrap_or_default());
    }
    sources.extend(MARKETPLACES.iter().map(|file| of_marketplace(&place.json(file))));
    sources.push(place.json("package.json"));
    let first = |key: &str| sources.iter().find_map(|source| said(&source[key]));
    let skill = place.text("SKILL.md").map(|text| deploy::front_matter(&text).0).unwrap_or_default();
    let of_skill = |key: &str| skill.get(key).and_then(said);
    let git = GitConfig::read(place.folder);
    let remote = git.as_ref().and_then(|git| git.origin.as_deref()).and_then(web_address);
    let of_remote = remote.as_deref().and_then(|url| url.rsplit('/').next()).map(str::to_owned);
    let name = of_skill("name").or_else(|| first("name")).or(of_remote);
    let version = sources.iter().filter_map(|source| said(&source["version"])).find_map(|text| version(&text));
    let of_metadata = skill.get("metadata").and_then(|metadata| said(&metadata["version"]));
    let url = |text: String| web_address(&text);
    About {
        name: name.and_then(|name| naming::package_name(&name)),
        version: of_metadata.and_then(|text| self::version(&text)).or(version),
        description: of_skill("description")
            .or_else(|| first("description"))
            .or_else(|| readme(place))
            .map(|text| naming::shortened(&text, naming::MAX_PACKAGE))
            .filter(|text| !text.is_empty()),
        author: sources.iter().find_map(|source| person(&source["author"])).map(|text| short(&text)),
        license: of_skill("license")
            .or_else(|| first("license"))
            .or_else(|| license_file(place))
            .map(|text| short(&text)),
        repository: sources
            .iter()
            .find_map(|source| said(&source["repository"]).or_else(|| said(&source["repository"]["url"])))
            .and_then(url)
            .or(remote),
        homepage: first("homepage").and_then(url),
        keywords: keywords(&sources),
    }
}

fn short(text: &str) -> String {
    naming::shortened(text, naming::MAX_PACKAGE)
}

fn said(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A person's name, without the e-mail address that may stand behind it.
fn person(value: &Value) -> Option<String> {
    let text = said(value).or_else(|| said(&value["name"]))?;
    let name = text.split(['<', '(']).next().unwrap_or_default().trim();
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

/// What a marketplace says, by the keys of a plugin; of one with a single plugin, the plugin's words.
fn of_marketplace(marketplace: &Value) -> Value {
    let plugins = marketplace["plugins"].as_array().map(Vec::as_slice).unwrap_or_default();
    let one = match plugins {
        [plugin] => plugin.clone(),
        _ => Value::Null,
    };
    let either = |key: &str| if one[key].is_null() { marketplace["metadata"][key].clone() } else { one[key].clone() };
    let name = if one["name"].is_null() { &marketplace["name"] } else { &one["name"] };
    serde_json::json!({
        "name": name,
        "version": either("version"),
        "description": either("description"),
        "author": if one["author"].is_null() { &marketplace["owner"] } else { &one["author"] },
        "license": one["license"],
        "homepage": one["homepage"],
        "repository": one["repository"],
    })
}

/// A version by SemVer; `1` and `1.2` are taken for `1.0.0` and `1.2.0`.
fn version(text: &str) -> Option<Version> {
    let text = text.trim_start_matches(['v', 'V']);
    let plain = text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    match text.matches('.').count() {
        0 if plain => format!("{text}.0.0").parse().ok(),
        1 if plain => format!("{text}.0").parse().ok(),
        _ => text.parse().ok(),
    }
}

fn keywords(sources: &[Value]) -> Vec<String> {
    let Some(list) = sources.iter().find_map(|source| source["keywords"].as_array()) else { return Vec::new() };
    let mut keywords: Vec<String> = Vec::new();
    for keyword in list.iter().filter_map(Value::as_str).filter_map(naming::package_name) {
        let keyword = keyword.bare().to_owned();
        if keyword.len() <= 32 && !keywords.contains(&keyword) && keywords.len() < MAX_KEYWORDS {
            keywords.push(keyword);
        }
    }
    keywords
}

/// The first paragraph of the README that is a sentence.
fn readme(place: Place<'_>) -> Option<String> {
    let text = ["README.md", "readme.md", "Readme.md"].iter().find_map(|file| place.text(file))?;
    let (_, body) = deploy::front_matter(&text);
    let mut fenced = false;
    let mut paragraph = String::new();
    for line in body.lines().map(str::trim).chain([""]) {
        if line.starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let is_text = !fenced && line.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '*' | '_' | '`' | '"'));
        let is_list = line.starts_with("* ") || line.starts_with("*\t");
        if is_text && !is_list {
            paragraph.push_str(line);
            paragraph.push(' ');
        } else if paragraph.chars().filter(|c| c.is_alphabetic()).count() >= 20 {
            break;
        } else {
            paragraph.clear();
        }
    }
    let plain = without_links(paragraph.trim());
    Some(plain.replace(['*', '`'], "")).filter(|text| !text.is_empty())
}

/// `[text](address)` as `text`.
fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before.trim_end_matches('!'));
        match after.split_once("](").and_then(|(words, tail)| Some((words, tail.split_once(')')?.1))) {
            Some((words, tail)) if !words.contains(['[', ']']) => {
                plain.push_str(words);
                rest = tail;
            }
            _ => {
                plain.push('[');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn license_file(place: Place<'_>) -> Option<String> {
    let names = ["LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "LICENCE.md", "COPYING", "LICENSE-MIT"];
    names.iter().find_map(|file| license::identify(&place.text(file)?)).map(str::to_owned)
}

/// A folder that is asked, and the one that it is a part of, or itself.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    folder: &'a Path,
    repository: &'a Path,
}

impl Place<'_> {
    fn json(self, file: &str) -> Value {
        self.text(file).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// The text of a file of the folder; `None` too where it is a link that
    /// leads out of it, or to what stays out of packages.
    fn text(self, file: &str) -> Option<String> {
        let root = fs::canonicalize(self.folder).ok()?;
        let path = root.join(file);
        let real = fs::canonicalize(&path).ok()?;
        if !real.starts_with(&root) || real != path && self.leaves_out(&real) {
            return None;
        }
        let mut bytes = Vec::new();
        open(&real)?.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').to_owned())
    }

    /// Whether the rules of the folder or the repository leave out what a link leads to.
    fn leaves_out(self, target: &Path) -> bool {
        [self.folder, self.repository].into_iter().any(|root| {
            let left = || {
                let root = fs::canonicalize(root).ok()?;
                let mut ignore = Ignore::read(&root, vec![PathBuf::new()], None).ok()?;
                ignore.leaves_out_target(target.strip_prefix(&root).ok()?).ok()
            };
            // What cannot be judged is not read.
            left().is_none_or(|left| left.is_some())
        })
    }
}

/// Opens a regular file: whoever opens a pipe waits for its writer.
fn open(path: &Path) -> Option<File> {
    if path.is_file() { File::open(path).ok() } else { None }
}

/// The https address of a repository, without a credential, from any way to write it.
fn web_address(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches("git+");
    let text = text.strip_suffix(".git").unwrap_or(text).trim_end_matches('/');
    if let Some(path) = text.strip_prefix("github:") {
        return Some(format!("https://github.com/{path}"));
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (scheme, rest.to_owned()),
        Some(("ssh" | "git", rest)) => ("https", rest.to_owned()),
        Some(_) => return None,
        // git@github.com:owner/repository
        None => match text.split_once(':') {
            Some((host, path)) if host.contains('@') => ("https", format!("{host}/{path}")),
            _ => return None,
        },
    };
    let (host, path) = rest.split_once('/')?;
    // What stands before the `@` may be a token.
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = if scheme == "https" { host.strip_suffix(":22").unwrap_or(host) } else { host };
    let plain = !host.is_empty() && !path.is_empty() && !format!("{host}{path}").contains(char::is_whitespace);
    plain.then(|| format!("{scheme}://{host}/{path}"))
}

/// The part of a repository's `.git/config` that is of use. git itself is not
/// run: what a repository configures could run commands.
#[derive(Debug)]
struct GitConfig {
    origin: Option<String>,
}

impl GitConfig {
    /// Reads the configuration of the repository that `folder` is the root of.
    fn read(folder: &Path) -> Option<Self> {
        let dir = folder.join(".git");
        let dir = if dir.is_dir() { dir } else { worktree(&dir)? };
        let mut text = String::new();
        open(&dir.join("config"))?.take(MAX_FILE).read_to_string(&mut text).ok()?;
        let (mut section, mut origin, mut any) = ("", None, None);
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                section = line;
            } else if let Some((key, value)) = line.split_once('=')
                && key.trim() == "url"
                && section.starts_with("[remote ")
            {
                let value = value.trim().trim_matches('"').to_owned();
                if section == "[remote \"origin\"]" {
                    origin.get_or_insert(value);
                } else {
                    any.get_or_insert(value);
                }
            }
        }
        Some(Self { origin: origin.or(any) })
    }
}

/// The folder of the repository that a worktree's `.git` file names.
fn worktree(file: &Path) -> Option<PathBuf> {
    let read = |path: &Path| {
        let mut text = String::new();
        open(path)?.take(MAX_FILE).read_to_string(&mut text).ok()?;
        Some(text)
    };
    let text = read(file)?;
    let dir = file.parent()?.join(text.strip_prefix("gitdir:")?.trim());
    match read(&dir.join("commondir")) {
        Some(common) => Some(dir.join(common.trim())),
        None => Some(dir),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_credentials_and_the_way_to_them() {
        for (text, url) in [
            ("https://user:ghp_secret@github.com/a/b.git", "https://github.com/a/b"),
            ("git@github.com:a/b.git", "https://github.com/a/b"),
            ("ssh://git@example.com:22/a/b", "https://example.com/a/b"),
            ("git+https://github.com/a/b.git", "https://github.com/a/b"),
            ("github:a/b", "https://github.com/a/b"),
            ("http://git.local:3000/a/b", "http://git.local:3000/a/b"),
        ] {
            assert_eq!(web_address(text).as_deref(), Some(url), "{text}");
        }
        for text in ["/srv/git/a.git", "../a", "C:\\a", "file:///a/b", ""] {
            assert_eq!(web_address(text), None, "{text}");
        }
    }

    #[test]
    fn versions_are_filled_up() {
        for (text, expected) in [("1", "1.0.0"), ("v1.2", "1.2.0"), ("1.2.3-rc.1", "1.2.3-rc.1")] {
            assert_eq!(version(text).map(|version| version.to_string()).as_deref(), Some(expected));
        }
        assert!(version("latest").is_none());
    }

    #[test]
    fn a_readme_gives_its_first_sentence_and_a_person_no_address() {
        let folder = tempfile::tempdir().expect("folder");
        let readme = "# Title\n\n[![CI](https://x/y.svg)](https://x)\n\n```sh\ncurl x\n```\n\nA set of **skills** for \
                      [reviews](https://x).\nMore.\n\nSecond.\n";
        fs::write(folder.path().join("README.md"), readme).expect("written");
        let place = Place { folder: folder.path(), repository: folder.path() };
        assert_eq!(super::readme(place).as_deref(), Some("A set of skills for reviews. More."));
        assert_eq!(person(&"Ada <ada@example.com>".into()).as_deref(), Some("Ada"));
    }
}
