//! Codex, whose skills and prompts are the user's (`CODEX_HOME`, else `~/.codex`), not the project's.

use super::{
    claude,
    document::Document,
    place::Base::CodexHome,
    rules::{Rules, Target, as_written},
};

pub(super) const RULES: Rules = Rules {
    signs: &[".codex"],
    skill: Target::Folder { base: CodexHome, folder: "skills" },
    agent: Target::Section { file: "AGENTS.md", contents: agent },
    prompt: Target::File { base: CodexHome, folder: "prompts", prefix: "", suffix: ".md", contents: as_written },
    instruction: Target::Section { file: "AGENTS.md", contents: claude::instruction },
};

/// `AGENTS.md` knows no agents of their own: the section says whose words follow.
fn agent(document: &Document) -> Vec<u8> {
    let about = if document.description.is_empty() { String::new() } else { format!("{}\n\n", document.description) };
    format!("## Agent: {}\n\n{about}{}", document.name, document.body).into_bytes()
}
