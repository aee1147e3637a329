//! What each platform reads, and where.

use super::{
    agent_forms, instruction_forms, prompt_forms,
    roots::Base::{self, Project},
    rules::{Form, Rules, Target, Targets},
};

/// A Markdown file `<name>.md`.
const fn markdown(base: Base, folder: &'static str, form: Form) -> Target {
    Target::File { base, folder, suffix: ".md", form }
}

const fn skills(base: Base, folder: &'static str) -> Target {
    Target::Folder { base, folder }
}

const fn agent_as_skill(base: Base, folder: &'static str) -> Target {
    Target::Skill { base, folder, form: Form::Limited(agent_forms::skill) }
}

const fn prompt_as_skill(base: Base, folder: &'static str) -> Target {
    Target::Skill { base, folder, form: Form::Any(prompt_forms::skill) }
}

const fn section(base: Base, file: &'static str) -> Target {
    Target::Section { base, file, form: Form::Any(instruction_forms::section) }
}

/// The folder of skills that several tools read.
const SHARED: &str = ".agents/skills";

pub(super) const CLAUDE: Rules = Rules {
    signs: &[".claude", "CLAUDE.md"],
    home: Some(Base::Claude),
    project: Targets {
        skill: skills(Project, ".claude/skills"),
        agent: markdown(Project, ".claude/agents", Form::Limited(agent_forms::claude)),
        prompt: markdown(Project, ".claude/commands", Form::Any(prompt_forms::claude)),
        instruction: markdown(Project, ".claude/rules", Form::Any(instruction_forms::claude)),
    },
    user: Targets {
        skill: skills(Base::Claude, "skills"),
        agent: markdown(Base::Claude, "agents", Form::Limited(agent_forms::claude)),
        prompt: markdown(Base::Claude, "commands", Form::Any(prompt_forms::claude)),
        instruction: markdown(Base::Claude, "rules", Form::Any(instruction_forms::claude)),
    },
};

pub(super) const CURSOR: Rules = Rules {
    signs: &[".cursor", ".cursorrules"],
    home: Some(Base::Cursor),
    project: Targets {
        skill: skills(Project, SHARED),
        agent: markdown(Project, ".cursor/agents", Form::Limited(agent_forms::cursor)),
        prompt: markdown(Project, ".cursor/commands", Form::Any(prompt_forms::cursor)),
        instruction: Target::File {
            base: Project,
            folder: ".cursor/rules",
            suffix: ".mdc",
            form: Form::Any(instruction_forms::cursor),
        },
    },
    user: Targets {
        skill: skills(Base::Cursor, "skills"),
        agent: markdown(Base::Cursor, "agents", Form::Limited(agent_forms::cursor)),
        prompt: markdown(Base::Cursor, "commands", Form::Any(prompt_forms::cursor)),
        instruction: Target::Nowhere("Cursor keeps a user's rules in its settings, not in files"),
    },
};

pub(super) const COPILOT: Rules = Rules {
    // A bare `.github` is in most projects, whatever they use.
    signs: &[".github/copilot-instructions.md", ".github/instructions", ".github/agents", ".github/prompts"],
    home: Some(Base::Copilot),
    project: Targets {
        skill: skills(Project, SHARED),
        agent: Target::File {
            base: Project,
            folder: ".github/agents",
            suffix: ".agent.md",
            form: Form::Limited(agent_forms::copilot),
        },
        prompt: Target::File {
            base: Project,
            folder: ".github/prompts",
            suffix: ".prompt.md",
            form: Form::Any(prompt_forms::copilot),
        },
        instruction: Target::File {
            base: Project,
            folder: ".github/instructions",
            suffix: ".instructions.md",
            form: Form::Any(instruction_forms::copilot),
        },
    },
    user: Targets {
        skill: skills(Base::Agents, "skills"),
        agent: Target::File {
            base: Base::Copilot,
            folder: "agents",
            suffix: ".agent.md",
            form: Form::Limited(agent_forms::copilot),
        },
        prompt: Target::Nowhere("GitHub Copilot reads prompts of projects only"),
        instruction: Target::File {
            base: Base::Copilot,
            folder: "instructions",
            suffix: ".instructions.md",
            form: Form::Any(instruction_forms::copilot),
        },
    },
};

pub(super) const CODEX: Rules = Rules {
    signs: &[".codex"],
    home: Some(Base::Codex),
    project: Targets {
        skill: skills(Project, SHARED),
        agent: Target::File {
            base: Project,
            folder: ".codex/agents",
            suffix: ".toml",
            form: Form::Limited(agent_forms::codex),
        },
        prompt: prompt_as_skill(Project, SHARED),
        instruction: section(Project, "AGENTS.md"),
    },
    user: Targets {
        skill: skills(Base::Agents, "skills"),
        agent: Target::File {
            base: Base::Codex,
            folder: "agents",
            suffix: ".toml",
            form: Form::Limited(agent_forms::codex),
        },
        prompt: prompt_as_skill(Base::Agents, "skills"),
        instruction: section(Base::Codex, "AGENTS.md"),
    },
};

pub(super) const GEMINI: Rules = Rules {
    signs: &[".gemini", "GEMINI.md"],
    home: Some(Base::Gemini),
    project: Targets {
        skill: skills(Project, SHARED),
        agent: agent_as_skill(Project, SHARED),
        prompt: Target::File {
            base: Project,
            folder: ".gemini/commands",
            suffix: ".toml",
            form: Form::Limited(prompt_forms::gemini),
        },
        instruction: section(Project, "GEMINI.md"),
    },
    user: Targets {
        skill: skills(Base::Agents, "skills"),
        agent: agent_as_skill(Base::Agents, "skills"),
        prompt: Target::File {
            base: Base::Gemini,
            folder: "commands",
            suffix: ".toml",
            form: Form::Limited(prompt_forms::gemini),
        },
        instruction: section(Base::Gemini, "GEMINI.md"),
    },
};

pub(super) const OPENCODE: Rules = Rules {
    signs: &[".opencode"],
    home: Some(Base::OpenCode),
    project: Targets {
        skill: skills(Project, SHARED),
        agent: markdown(Project, ".opencode/agents", Form::Limited(agent_forms::opencode)),
        prompt: markdown(Project, ".opencode/commands", Form::Any(prompt_forms::opencode)),
        instruction: section(Project, "AGENTS.md"),
    },
    user: Targets {
        skill: skills(Base::Agents, "skills"),
        agent: markdown(Base::OpenCode, "agents", Form::Limited(agent_forms::opencode)),
        prompt: markdown(Base::OpenCode, "commands", Form::Any(prompt_forms::opencode)),
        instruction: section(Base::OpenCode, "AGENTS.md"),
    },
};

pub(super) const WINDSURF: Rules = Rules {
    signs: &[".windsurf"],
    home: Some(Base::Windsurf),
    project: Targets {
        skill: skills(Project, SHARED),
        agent: agent_as_skill(Project, SHARED),
        prompt: markdown(Project, ".windsurf/workflows", Form::Any(prompt_forms::windsurf)),
        instruction: markdown(Project, ".windsurf/rules", Form::Any(instruction_forms::windsurf)),
    },
    user: Targets {
        skill: skills(Base::Windsurf, "skills"),
        agent: agent_as_skill(Base::Windsurf, "skills"),
        prompt: markdown(Base::Windsurf, "global_workflows", Form::Any(prompt_forms::windsurf)),
        instruction: section(Base::Windsurf, "memories/global_rules.md"),
    },
};

pub(super) const KIRO: Rules = Rules {
    signs: &[".kiro"],
    home: Some(Base::Kiro),
    project: Targets {
        skill: skills(Project, ".kiro/skills"),
        agent: markdown(Project, ".kiro/agents", Form::Limited(agent_forms::kiro)),
        prompt: prompt_as_skill(Project, ".kiro/skills"),
        instruction: markdown(Project, ".kiro/steering", Form::Any(instruction_forms::kiro)),
    },
    user: Targets {
        skill: skills(Base::Kiro, "skills"),
        agent: markdown(Base::Kiro, "agents", Form::Limited(agent_forms::kiro)),
        prompt: prompt_as_skill(Base::Kiro, "skills"),
        instruction: markdown(Base::Kiro, "steering", Form::Any(instruction_forms::kiro)),
    },
};

pub(super) const AGENTS: Rules = Rules {
    signs: &[],
    home: None,
    project: Targets {
        skill: skills(Project, SHARED),
        agent: agent_as_skill(Project, SHARED),
        prompt: prompt_as_skill(Project, SHARED),
        instruction: section(Project, "AGENTS.md"),
    },
    user: Targets {
        skill: skills(Base::Agents, "skills"),
        agent: agent_as_skill(Base::Agents, "skills"),
        prompt: prompt_as_skill(Base::Agents, "skills"),
        instruction: Target::Nowhere("no AGENTS.md is read by all tools of a user"),
    },
};
