//! Cursor.

use super::{
    document::Document,
    front_matter,
    place::Base::Project,
    rules::{Rules, Target, as_written},
};

pub(super) const RULES: Rules = Rules {
    signs: &[".cursor", ".cursorrules"],
    skill: Target::Folder { base: Project, folder: ".cursor/skills" },
    agent: Target::File { base: Project, folder: ".cursor/rules", prefix: "agent-", suffix: ".mdc", contents: agent },
    prompt: Target::File { base: Project, folder: ".cursor/prompts", prefix: "", suffix: ".md", contents: as_written },
    instruction: Target::File {
        base: Project,
        folder: ".cursor/rules",
        prefix: "",
        suffix: ".mdc",
        contents: instruction,
    },
};

fn agent(document: &Document) -> Vec<u8> {
    let head = [("description", front_matter::text(&document.description)), ("alwaysApply", "true".to_owned())];
    front_matter::join(&head, &document.body)
}

/// A rule for the files its globs name, else for all.
fn instruction(document: &Document) -> Vec<u8> {
    let mut head = vec![("description", front_matter::text(&document.description))];
    if document.globs.is_empty() {
        head.push(("alwaysApply", "true".to_owned()));
    } else {
        head.push(("globs", front_matter::text(&document.globs.join(","))));
        head.push(("alwaysApply", "false".to_owned()));
    }
    front_matter::join(&head, &document.body)
}
