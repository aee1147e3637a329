//! The rules for a manifest. All are checked before any fault is reported.

use std::{
    collections::{BTreeMap, HashSet},
    str::FromStr,
};

use http::Uri;
use serde_json::{Map, Value};

use super::{Manifest, ManifestFault, ManifestLimits, faults::Faults};
use crate::{
    error::InvalidName,
    types::{Artifact, ArtifactType, Artifacts, Constraint, PackageName, package_path},
};

pub(crate) const MAX_DESCRIPTION: usize = 256;
const MAX_TEXT: usize = 256;
const MAX_URL: usize = 2048;
const MAX_ARTIFACT_DESCRIPTION: usize = 1024;
const MAX_ARTIFACT_NAME: usize = 64;
pub(crate) const MAX_KEYWORDS: usize = 20;
pub(crate) const MAX_KEYWORD: usize = 32;

pub(super) fn validate(document: Value, limits: &ManifestLimits) -> Result<Manifest, Vec<ManifestFault>> {
    let mut faults = Faults::default();
    let Value::Object(fields) = &document else {
        faults.add("aam.yaml", "is not a mapping of keys to values");
        return Err(faults.into_vec());
    };
    let mut check = Check { faults: &mut faults };

    let name = check.required_name(fields, "name");
    let version = check.required_name(fields, "version");
    let description = check.required_text(fields, "description", MAX_DESCRIPTION);
    let author = check.text(fields, "author", "author", MAX_TEXT);
    let license = check.text(fields, "license", "license", MAX_TEXT);
    let repository = check.url(fields, "repository");
    let homepage = check.url(fields, "homepage");
    let keywords = check.keywords(fields);
    let artifacts = check.artifacts(fields);
    let dependencies = check.dependencies(fields, name.as_ref());
    let private = check.private(fields, name.as_ref());
    limits.check(&document, &mut faults);

    match (name, version, description, faults.into_vec()) {
        (Some(name), Some(version), Some(description), faults) if faults.is_empty() => Ok(Manifest {
            name,
            version,
            description,
            author,
            license,
            repository,
            homepage,
            keywords,
            artifacts,
            dependencies,
            private,
            document,
        }),
        (_, _, _, faults) => Err(faults),
    }
}

/// The value of a key; a key without a value (`author:`) counts as absent.
fn value<'a>(fields: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    fields.get(key).filter(|value| !value.is_null())
}

struct Check<'a> {
    faults: &'a mut Faults,
}

impl Check<'_> {
    fn text(&mut self, fields: &Map<String, Value>, key: &str, path: &str, max: usize) -> Option<String> {
        match value(fields, key)? {
            Value::String(text) if text.chars().count() > max => {
                self.faults.add(path, format_args!("has more than {max} characters"));
                None
            }
            Value::String(text) => Some(text.clone()),
            _ => {
                self.faults.add(path, "must be text; put it in quotes");
                None
            }
        }
    }

    fn required_text(&mut self, fields: &Map<String, Value>, key: &str, max: usize) -> Option<String> {
        if value(fields, key).is_none() {
            self.faults.add(key, "is required");
            return None;
        }
        let text = self.text(fields, key, key, max)?;
        if text.trim().is_empty() {
            self.faults.add(key, format_args!("is empty; write 1 to {max} characters"));
            return None;
        }
        Some(text)
    }

    fn required_name<T: FromStr<Err = InvalidName>>(&mut self, fields: &Map<String, Value>, key: &str) -> Option<T> {
        let text = self.required_text(fields, key, MAX_TEXT)?;
        text.parse().map_err(|error| self.faults.add(key, error)).ok()
    }

    fn url(&mut self, fields: &Map<String, Value>, key: &str) -> Option<String> {
        let text = self.text(fields, key, key, MAX_URL)?;
        let uri = text.parse::<Uri>().ok();
        let is_url = uri.as_ref().is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
        });
        if !is_url {
            self.faults.add(key, "must be a URL that starts with https:// or http://");
            return None;
        }
        Some(text)
    }

    fn keywords(&mut self, fields: &Map<String, Value>) -> Vec<String> {
        let keywords = match value(fields, "keywords") {
            None => return Vec::new(),
            Some(Value::Array(keywords)) => keywords,
            Some(_) => {
                self.faults.add("keywords", "must be a list");
                return Vec::new();
            }
        };
        if keywords.len() > MAX_KEYWORDS {
            self.faults
                .add("keywords", format_args!("has {} entries; at most {MAX_KEYWORDS} are allowed", keywords.len()));
        }
        let is_keyword = |text: &str| {
            (1..=MAX_KEYWORD).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let mut valid = Vec::new();
        for (index, keyword) in keywords.iter().enumerate() {
            match keyword {
                Value::String(text) if is_keyword(text) => valid.push(text.clone()),
                Value::String(_) => self
                    .faults
                    .add(format_args!("keywords[{index}]"), "must be 1 to 32 lower-case letters, digits and hyphens"),
                _ => self.faults.add(format_args!("keywords[{index}]"), "must be text; put it in quotes"),
            }
        }
        valid
    }

    fn artifacts(&mut self, fields: &Map<String, Value>) -> Artifacts {
        let mut artifacts = Artifacts::default();
        let lists = match value(fields, "artifacts") {
            None => {
                self.faults.add("artifacts", "is required: at least one agent, skill, prompt or instruction");
                return artifacts;
            }
            Some(Value::Object(lists)) => lists,
            Some(_) => {
                self.faults.add("artifacts", "must be a mapping with agents, skills, prompts or instructions");
                return artifacts;
            }
        };
        let mut any = false;
        for kind in ArtifactType::ALL {
            let key = kind.plural();
            let list = match value(lists, key) {
                None => continue,
                Some(Value::Array(list)) => list,
                Some(_) => {
                    any = true;
                    self.faults.add(format_args!("artifacts.{key}"), "must be a list");
                    continue;
                }
            };
            any |= !list.is_empty();
            let valid = self.artifacts_of(kind, list);
            match kind {
                ArtifactType::Agent => artifacts.agents = valid,
                ArtifactType::Skill => artifacts.skills = valid,
                ArtifactType::Prompt => artifacts.prompts = valid,
                ArtifactType::Instruction => artifacts.instructions = valid,
            }
        }
        if !any {
            self.faults.add("artifacts", "is empty; name at least one agent, skill, prompt or instruction");
        }
        artifacts
    }

    fn artifacts_of(&mut self, kind: ArtifactType, list: &[Value]) -> Vec<Artifact> {
        let mut names = HashSet::new();
        let mut valid = Vec::new();
        for (index, artifact) in list.iter().enumerate() {
            let at = format!("artifacts.{}[{index}]", kind.plural());
            let Value::Object(fields) = artifact else {
                self.faults.add(at, "must be a mapping with name, path and description");
                continue;
            };
            let name = self.artifact_name(fields, &at);
            let path = self.artifact_path(fields, &at);
            let described = format!("{at}.description");
            let description = self.text(fields, "description", &described, MAX_ARTIFACT_DESCRIPTION);
            if let Some(name) = &name
                && !names.insert(name.to_ascii_lowercase())
            {
                self.faults
                    .add(format_args!("{at}.name"), format_args!("another {} is called `{name}`", kind.as_str()));
            }
            if let (Some(name), Some(path)) = (name, path) {
                valid.push(Artifact { name, path, description: description.unwrap_or_default() });
            }
        }
        valid
    }

    /// Clients create a file or folder with that name.
    fn artifact_name(&mut self, fields: &Map<String, Value>, at: &str) -> Option<String> {
        let at = format!("{at}.name");
        if value(fields, "name").is_none() {
            self.faults.add(at, "is required");
            return None;
        }
        let name = self.text(fields, "name", &at, MAX_ARTIFACT_NAME)?;
        let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !is_name {
            self.faults.add(
                at,
                "must be 1 to 64 letters, digits, hyphens, underscores and dots, starting with a letter or digit",
            );
            return None;
        }
        Some(name)
    }

    fn artifact_path(&mut self, fields: &Map<String, Value>, at: &str) -> Option<String> {
        let at = format!("{at}.path");
        if value(fields, "path").is_none() {
            self.faults.add(at, "is required");
            return None;
        }
        let text = self.text(fields, "path", &at, MAX_URL)?;
        match package_path(text.strip_suffix('/').unwrap_or(&text)) {
            Ok(path) => Some(path.to_owned()),
            Err(fault) => {
                self.faults.add(at, fault);
                None
            }
        }
    }

    fn dependencies(
        &mut self,
        fields: &Map<String, Value>,
        this: Option<&PackageName>,
    ) -> BTreeMap<PackageName, Constraint> {
        let mut dependencies = BTreeMap::new();
        let wanted = match value(fields, "dependencies") {
            None => return dependencies,
            Some(Value::Object(wanted)) => wanted,
            Some(_) => {
                self.faults.add("dependencies", "must be a mapping of package names to version constraints");
                return dependencies;
            }
        };
        for (name, constraint) in wanted {
            let at = format!("dependencies.{name}");
            let package = match name.parse::<PackageName>() {
                Ok(package) => Some(package),
                Err(error) => {
                    self.faults.add(&at, error);
                    None
                }
            };
            if package.is_some() && package.as_ref() == this {
                self.faults.add(&at, "is this package itself; remove it");
            }
            match constraint {
                // What follows an unquoted `>` or `|` on its line is no text of the value.
                Value::String(text) if text.trim().is_empty() => {
                    self.faults.add(&at, "is empty; write a version constraint in quotes, such as '>=1.0'");
                }
                Value::String(text) => match text.parse() {
                    Ok(constraint) => {
                        dependencies.extend(package.map(|package| (package, constraint)));
                    }
                    Err(error) => self.faults.add(&at, error),
                },
                _ => self.faults.add(&at, "must be a version constraint in quotes, such as \"^1.2\""),
            }
        }
        dependencies
    }

    /// Whether the package shall be private, which only one in a scope can be: a name without a scope would be known
    /// by its being taken.
    fn private(&mut self, fields: &Map<String, Value>, name: Option<&PackageName>) -> bool {
        match value(fields, "private") {
            None | Some(Value::Bool(false)) => return false,
            Some(Value::Bool(true)) if name.is_some_and(|name| name.scope().is_none()) => self.faults.add(
                "private",
                "only a package in a scope can be private; name it `@scope/name`, or remove this to publish for everybody",
            ),
            Some(Value::Bool(true)) => return true,
            Some(_) => self.faults.add("private", "must be true or false"),
        }
        false
    }
}
