//! What a package holds: agents, skills, prompts and instructions.

/// The kinds of artifact a package can contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ArtifactType {
    /// A folder with `agent.yaml` and its system prompt.
    Agent,
    /// A folder with `SKILL.md`.
    Skill,
    /// A Markdown file.
    Prompt,
    /// A Markdown file.
    Instruction,
}

impl ArtifactType {
    /// All four, in the order manifests list them.
    pub const ALL: [Self; 4] = [Self::Agent, Self::Skill, Self::Prompt, Self::Instruction];

    /// The singular: `agent`, `skill`, `prompt`, `instruction`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Skill => "skill",
            Self::Prompt => "prompt",
            Self::Instruction => "instruction",
        }
    }

    /// The manifest's key, the plural.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Agent => "agents",
            Self::Skill => "skills",
            Self::Prompt => "prompts",
            Self::Instruction => "instructions",
        }
    }

    /// Reads the singular.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One artifact as the manifest names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its name.
    pub name: String,
    /// Its path in the archive: relative, `/`-separated, no `..`, without `./` and trailing slash.
    pub path: String,
    /// What it does; may be empty.
    pub description: String,
}

/// The artifacts of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Artifacts {
    /// Agents.
    pub agents: Vec<Artifact>,
    /// Skills.
    pub skills: Vec<Artifact>,
    /// Prompts.
    pub prompts: Vec<Artifact>,
    /// Instructions.
    pub instructions: Vec<Artifact>,
}

impl Artifacts {
    /// The artifacts of one type.
    pub fn of(&self, kind: ArtifactType) -> &[Artifact] {
        match kind {
            ArtifactType::Agent => &self.agents,
            ArtifactType::Skill => &self.skills,
            ArtifactType::Prompt => &self.prompts,
            ArtifactType::Instruction => &self.instructions,
        }
    }

    /// Every artifact with its type, in the order of [`ArtifactType::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (ArtifactType, &Artifact)> {
        ArtifactType::ALL.into_iter().flat_map(|kind| self.of(kind).iter().map(move |artifact| (kind, artifact)))
    }

    /// The types that have at least one artifact.
    pub fn types(&self) -> Vec<ArtifactType> {
        ArtifactType::ALL.into_iter().filter(|kind| !self.of(*kind).is_empty()).collect()
    }
}
