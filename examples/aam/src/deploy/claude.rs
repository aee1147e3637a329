//! Claude Code.

use super::{
    document::Document,
    front_matter,
    place::Base::Project,
    rules::{Rules, Target, as_written},
};

pub(super) const RULES: Rules = Rules {
    signs: &[".claude", "CLAUDE.md"],
    skill: Target::Folder { base: Project, folder: ".claude/skills" },
    agent: Target::File { base: Project, folder: ".claude/agents", prefix: "", suffix: ".md", contents: agent },
    prompt: Target::File { base: Project, folder: ".claude/prompts", prefix: "", suffix: ".md", contents: as_written },
    instruction: Target::Section { file: "CLAUDE.md", contents: instruction },
};

/// A subagent: Claude Code reads its name and when to use it from the front matter.
pub(super) fn agent(document: &Document) -> Vec<u8> {
    let head =
        [("name", front_matter::text(&document.name)), ("description", front_matter::text(&document.description))];
    front_matter::join(&head, &document.body)
}

/// An instruction inside a file that is always read: what it is limited to is said in words.
pub(super) fn instruction(document: &Document) -> Vec<u8> {
    let everything = document.globs.iter().any(|glob| matches!(&**glob, "*" | "**" | "**/*"));
    if everything || document.globs.is_empty() {
        return document.body.clone().into_bytes();
    }
    let globs: Vec<_> = document.globs.iter().map(|glob| format!("`{glob}`")).collect();
    format!("For files that match {}:\n\n{}", globs.join(", "), document.body).into_bytes()
}
