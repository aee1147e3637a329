//! Where an earlier aam put things, and in what shape: what it wrote is moved
//! to where tools really read it.

use std::collections::BTreeMap;

use aam_registry_core::types::{Artifact, ArtifactType, PackageName, Sha256Digest};

use super::{
    claims::section_id,
    document::Document,
    front_matter::{self, line},
    place::Place,
    plan::{Deployable, PlannedSection},
    platform::Platform,
    roots::Base,
    section,
    source::{Package, Source},
};
use crate::failure::Result;

/// What an earlier aam wrote, or would have written.
#[derive(Debug, Default)]
pub(crate) struct Earlier {
    pub(super) files: BTreeMap<Place, (PackageName, Sha256Digest)>,
    pub(super) sections: BTreeMap<Place, BTreeMap<String, PlannedSection>>,
    /// Files of the user's, in Codex's folder: other projects may need them.
    pub(super) of_user: BTreeMap<Place, Sha256Digest>,
}

/// What an earlier aam wrote for `packages`.
pub(crate) fn earlier(packages: &[Deployable]) -> Result<Earlier> {
    let mut earlier = Earlier::default();
    for Deployable { package, platforms } in packages {
        for (kind, artifact) in package.manifest.artifacts.iter() {
            for platform in platforms {
                // Where two packages had an artifact of one name.
                let joined = format!("{}--{}", package.manifest.name.fs_name(), artifact.name);
                for name in [&artifact.name, &joined] {
                    earlier.add(package, *platform, kind, artifact, name)?;
                }
            }
        }
    }
    Ok(earlier)
}

impl Earlier {
    fn add(
        &mut self,
        package: &Package,
        platform: Platform,
        kind: ArtifactType,
        artifact: &Artifact,
        name: &str,
    ) -> Result<()> {
        use ArtifactType::{Agent, Instruction, Prompt, Skill};
        let folder = match platform {
            Platform::Claude => ".claude",
            Platform::Cursor => ".cursor",
            Platform::Copilot => ".github",
            Platform::Codex => "",
            _ => return Ok(()),
        };
        let codex = platform == Platform::Codex;
        let base = if codex { Base::Codex } else { Base::Project };
        let place = |path: &str| base.place(if codex { path.trim_start_matches('/') } else { path });
        if kind == Skill {
            let one = package.file(&artifact.path).map(|file| (&*artifact.path, "SKILL.md", file));
            for (_, inner, file) in one.into_iter().chain(package.below(&artifact.path)) {
                self.put(package, codex, place(&format!("{folder}/skills/{name}/{inner}"))?, file.sha256);
            }
            return Ok(());
        }
        let mut document = Document::read(package, kind, artifact)?;
        name.clone_into(&mut document.name);
        let file = match (platform, kind) {
            (_, Prompt) => (format!("{folder}/prompts/{name}.md"), prompt(package, artifact)?),
            (Platform::Claude, Agent) => (format!(".claude/agents/{name}.md"), agent(&document)),
            (Platform::Copilot, Agent) => (format!(".github/agents/{name}.agent.md"), agent(&document)),
            (Platform::Cursor, Agent) => (format!(".cursor/rules/agent-{name}.mdc"), cursor_agent(&document)),
            (Platform::Cursor, Instruction) => (format!(".cursor/rules/{name}.mdc"), cursor_rule(&document)),
            (Platform::Copilot, Instruction) => {
                (format!(".github/instructions/{name}.instructions.md"), copilot_instruction(&document))
            }
            _ => {
                let (file, body) = match (platform, kind) {
                    (Platform::Codex, Agent) => ("AGENTS.md", agent_section(&document)),
                    (Platform::Codex, _) => ("AGENTS.md", instruction_section(&document)),
                    _ => ("CLAUDE.md", instruction_section(&document)),
                };
                let planned =
                    PlannedSection { package: package.manifest.name.clone(), body: section::closed(body.as_bytes()) };
                let sections = self.sections.entry(Place::new(None, file)?).or_default();
                sections.insert(section_id(kind, name), planned);
                return Ok(());
            }
        };
        self.put(package, codex, place(&file.0)?, Sha256Digest::of(&file.1));
        Ok(())
    }

    fn put(&mut self, package: &Package, of_user: bool, place: Place, sha256: Sha256Digest) {
        if of_user {
            self.of_user.insert(place, sha256);
        } else {
            self.files.insert(place, (package.manifest.name.clone(), sha256));
        }
    }
}

fn prompt(package: &Package, artifact: &Artifact) -> Result<Vec<u8>> {
    Ok(package.read(&artifact.path)?.unwrap_or_default())
}

fn agent(document: &Document) -> Vec<u8> {
    let head = [line("name", &document.name), line("description", &document.description)];
    front_matter::join(&head, &document.body)
}

fn cursor_agent(document: &Document) -> Vec<u8> {
    let head = [line("description", &document.description), "alwaysApply: true".to_owned()];
    front_matter::join(&head, &document.body)
}

fn cursor_rule(document: &Document) -> Vec<u8> {
    let mut head = vec![line("description", &document.description)];
    let globs = document.written_globs();
    if globs.is_empty() {
        head.push("alwaysApply: true".to_owned());
    } else {
        head.push(line("globs", &globs.join(",")));
        head.push("alwaysApply: false".to_owned());
    }
    front_matter::join(&head, &document.body)
}

fn copilot_instruction(document: &Document) -> Vec<u8> {
    let globs = document.written_globs();
    let globs = if globs.is_empty() { "**".to_owned() } else { globs.join(",") };
    let head = [line("description", &document.description), line("applyTo", &globs)];
    front_matter::join(&head, &document.body)
}

fn instruction_section(document: &Document) -> String {
    let globs = document.written_globs();
    let everything = globs.iter().any(|glob| matches!(&**glob, "*" | "**" | "**/*"));
    if everything || globs.is_empty() {
        return document.body.clone();
    }
    let globs: Vec<_> = globs.iter().map(|glob| format!("`{glob}`")).collect();
    format!("For files that match {}:\n\n{}", globs.join(", "), document.body)
}

fn agent_section(document: &Document) -> String {
    let about = if document.description.is_empty() { String::new() } else { format!("{}\n\n", document.description) };
    format!("## Agent: {}\n\n{about}{}", document.name, document.body)
}
