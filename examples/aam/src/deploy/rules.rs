//! The words in which a platform says what goes where.

use aam_registry_core::types::ArtifactType;

use super::{document::Document, place::Base};

/// One platform: its signs in a project, and a target for each artifact type.
#[derive(Debug)]
pub(super) struct Rules {
    /// Files and folders that show that a project uses the platform.
    pub(super) signs: &'static [&'static str],
    pub(super) skill: Target,
    pub(super) agent: Target,
    pub(super) prompt: Target,
    pub(super) instruction: Target,
}

/// Where artifacts of one type go, and in what shape.
#[derive(Debug)]
pub(super) enum Target {
    /// The artifact's folder as it is, at `<folder>/<name>/`.
    Folder { base: Base, folder: &'static str },
    /// One file, `<folder>/<prefix><name><suffix>`.
    File {
        base: Base,
        folder: &'static str,
        prefix: &'static str,
        suffix: &'static str,
        contents: fn(&Document) -> Vec<u8>,
    },
    /// A part, between markers, of a file that a person writes too.
    Section { file: &'static str, contents: fn(&Document) -> Vec<u8> },
}

impl Rules {
    /// The target of one artifact type.
    pub(super) fn target(&self, kind: ArtifactType) -> &Target {
        match kind {
            ArtifactType::Skill => &self.skill,
            ArtifactType::Agent => &self.agent,
            ArtifactType::Prompt => &self.prompt,
            ArtifactType::Instruction => &self.instruction,
        }
    }
}

/// The artifact's file, byte for byte.
pub(super) fn as_written(document: &Document) -> Vec<u8> {
    document.source.clone()
}
