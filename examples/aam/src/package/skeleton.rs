//! A new package: small, and publishable as it is.

use aam_registry_core::types::{PackageName, Version};

use crate::{
    confined::{Entry, Folder, Mode},
    failure::{Failure, Kind, Result},
};

/// What a skill of a new package says until somebody writes what it does.
const PLACEHOLDER: &str = "Say here, step by step, what to do when this skill is used.";

/// What a new package is described as until somebody says what it is for.
fn placeholder(name: &PackageName) -> String {
    format!("Skills of {name}")
}

/// Whether a skill's file is as [`write()`] made it.
pub(super) fn is_untouched(skill: &[u8]) -> bool {
    skill.windows(PLACEHOLDER.len()).any(|text| text == PLACEHOLDER.as_bytes())
}

/// Whether a description is the one that [`write()`] made up.
pub(super) fn is_placeholder(name: &PackageName, description: &str) -> bool {
    description == placeholder(name)
}

/// What a new package shall be.
#[derive(Debug)]
pub(crate) struct Skeleton {
    pub(crate) name: PackageName,
    pub(crate) version: Version,
    pub(crate) description: String,
    pub(crate) author: Option<String>,
    pub(crate) license: Option<String>,
    /// The name of its first skill.
    pub(crate) skill: String,
}

impl Skeleton {
    /// A package called `name` with everything else as it is where nobody says.
    pub(crate) fn named(name: PackageName) -> Self {
        Self {
            version: "0.1.0".parse().expect("0.1.0 is SemVer"),
            description: placeholder(&name),
            author: None,
            license: Some("Apache-2.0".to_owned()),
            skill: name.bare().to_owned(),
            name,
        }
    }
}

/// Writes the files of a new package; returns their paths.
pub(crate) fn write(folder: &Folder, skeleton: &Skeleton) -> Result<Vec<String>> {
    let skill = format!("skills/{}/SKILL.md", skeleton.skill);
    let files = [("aam.yaml".to_owned(), manifest(skeleton)), (skill, skill_file(skeleton)), readme(skeleton)];
    if folder.look("aam.yaml")? != Entry::Nothing {
        return Err(Failure::new(
            Kind::Conflict,
            "exists",
            format!("There is a package already: {}", folder.path().join("aam.yaml").display()),
        ));
    }
    let mut written = Vec::new();
    for (name, text) in files {
        // What a person has there is better than what we would put there.
        if folder.look(&name)? == Entry::Nothing {
            folder.write(&name, text.as_bytes(), Mode::Plain)?;
            written.push(name);
        }
    }
    Ok(written)
}

/// A JSON string is a YAML string.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

fn manifest(skeleton: &Skeleton) -> String {
    let line = |key: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!("{key}: {}\n", quoted(value))).unwrap_or_default()
    };
    let (name, skill, description) = (quoted(skeleton.name.as_str()), &skeleton.skill, quoted(&skeleton.description));
    format!(
        "name: {name}\nversion: {version}\ndescription: {description}\n{author}{license}keywords: []\n\n\
         artifacts:\n  skills:\n    - name: {skill}\n      path: skills/{skill}/\n      description: {description}\n  \
         agents: []\n  prompts: []\n  instructions: []\n\n\
         # What it needs, for example:\n#   \"@my_org/style-guide\": ^1.0\ndependencies: {{}}\n",
        version = skeleton.version,
        author = line("author", &skeleton.author),
        license = line("license", &skeleton.license),
    )
}

fn skill_file(skeleton: &Skeleton) -> String {
    let (skill, description) = (&skeleton.skill, &skeleton.description);
    format!(
        "---\nname: {skill}\ndescription: {}\n---\n\n# {skill}\n\n\
         {PLACEHOLDER} Scripts, templates and references that it needs go into files beside this one.\n",
        quoted(description)
    )
}

fn readme(skeleton: &Skeleton) -> (String, String) {
    let Skeleton { name, description, .. } = skeleton;
    ("README.md".to_owned(), format!("# {name}\n\n{description}\n\n```sh\naam install {name}\n```\n"))
}
