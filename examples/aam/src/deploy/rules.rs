//! The words in which a platform says what goes where.

use aam_registry_core::types::ArtifactType;

use super::{
    document::Document,
    limits::{Refusal, Rendered},
    roots::Base,
};

/// How an artifact is brought into a platform's form.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// A form for every artifact of the type.
    Any(fn(&Document) -> Rendered),
    /// A form for those that ask for nothing that the platform lacks.
    Limited(fn(&Document) -> Result<Rendered, Refusal>),
}

impl Form {
    /// The document in this form.
    pub(super) fn of(self, document: &Document) -> Result<Rendered, Refusal> {
        match self {
            Self::Any(form) => Ok(form(document)),
            Self::Limited(form) => form(document),
        }
    }
}

/// One platform.
#[derive(Debug)]
pub(super) struct Rules {
    /// Files and folders that show that a project uses the platform.
    pub(super) signs: &'static [&'static str],
    /// The user's folder that shows that they use it.
    pub(super) home: Option<Base>,
    pub(super) project: Targets,
    pub(super) user: Targets,
}

/// A target for each artifact type.
#[derive(Debug)]
pub(super) struct Targets {
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
    /// A skill made of one document, `<folder>/<name>/SKILL.md`.
    Skill { base: Base, folder: &'static str, form: Form },
    /// One file, `<folder>/<name><suffix>`.
    File { base: Base, folder: &'static str, suffix: &'static str, form: Form },
    /// A part, between markers, of a file that a person writes too.
    Section { base: Base, file: &'static str, form: Form },
    /// The platform has nowhere to put it; why, to stand after the artifact's name.
    Nowhere(&'static str),
}

impl Targets {
    /// The target of one artifact type.
    pub(super) fn of(&self, kind: ArtifactType) -> &Target {
        match kind {
            ArtifactType::Skill => &self.skill,
            ArtifactType::Agent => &self.agent,
            ArtifactType::Prompt => &self.prompt,
            ArtifactType::Instruction => &self.instruction,
        }
    }
}
