//! GitHub Copilot.

use super::{
    claude,
    document::Document,
    front_matter,
    place::Base::Project,
    rules::{Rules, Target, as_written},
};

pub(super) const RULES: Rules = Rules {
    // A bare `.github` is in most projects, whatever they use.
    signs: &[
        ".github/copilot-instructions.md",
        ".github/instructions",
        ".github/prompts",
        ".github/agents",
        ".github/skills",
    ],
    skill: Target::Folder { base: Project, folder: ".github/skills" },
    agent: Target::File {
        base: Project,
        folder: ".github/agents",
        prefix: "",
        suffix: ".agent.md",
        contents: claude::agent,
    },
    prompt: Target::File { base: Project, folder: ".github/prompts", prefix: "", suffix: ".md", contents: as_written },
    instruction: Target::File {
        base: Project,
        folder: ".github/instructions",
        prefix: "",
        suffix: ".instructions.md",
        contents: instruction,
    },
};

/// Copilot reads an instruction only where `applyTo` says for which files.
fn instruction(document: &Document) -> Vec<u8> {
    let globs = if document.globs.is_empty() { "**".to_owned() } else { document.globs.join(",") };
    let head = [("description", front_matter::text(&document.description)), ("applyTo", front_matter::text(&globs))];
    front_matter::join(&head, &document.body)
}
