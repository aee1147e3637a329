//! The keys of an agent's front matter, however they are spelled.

/// The keys that restrict an agent, or that it cannot work without.
const DEMANDS: [&str; 26] = [
    "tools",
    "allowedTools",
    "disallowedTools",
    "disallowed-tools",
    "toolsSettings",
    "permissionMode",
    "permission",
    "permissions",
    "readonly",
    "sandbox_mode",
    "approval_policy",
    "mcp-servers",
    "mcpServers",
    "mcp_servers",
    "hooks",
    "agents",
    "disable-model-invocation",
    "user-invocable",
    "user-invokable",
    "infer",
    "isolation",
    "maxTurns",
    "steps",
    "target",
    "hidden",
    "disable",
];

/// What says who made it: nothing is lost where it is not shown.
const ABOUT: [&str; 10] =
    ["name", "description", "version", "author", "license", "system_prompt", "title", "category", "tags", "metadata"];

/// The other keys that some platform has a form for.
const OTHERS: [&str; 22] = [
    "model",
    "skills",
    "memory",
    "background",
    "is_background",
    "effort",
    "color",
    "initialPrompt",
    "mode",
    "temperature",
    "top_p",
    "parameters",
    "argument-hint",
    "handoffs",
    "includeMcpJson",
    "includePowers",
    "model_reasoning_effort",
    "nickname_candidates",
    "applyTo",
    "globs",
    "paths",
    "trigger",
];

/// A key without what tools and people spell differently.
fn folded(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

/// The key that `key` is another spelling of; itself where it is none.
pub fn canonical(key: &str) -> &str {
    let known = || DEMANDS.iter().chain(&ABOUT).chain(&OTHERS).copied();
    match &*folded(key) {
        "allowedtools" => "tools",
        "disallowedtools" => "disallowedTools",
        _ if known().any(|known| known == key) => key,
        folded_key => known().find(|known| folded(known) == folded_key).unwrap_or(key),
    }
}

/// Whether a key limits what an agent may do, going by its name.
pub fn is_limit(key: &str) -> bool {
    const WORDS: [&str; 8] =
        ["tool", "permission", "deny", "denied", "disallow", "sandbox", "approvalpolicy", "readonly"];
    let folded = folded(key);
    WORDS.iter().any(|word| folded.contains(word))
}

/// Whether a key restricts an agent, or is something it cannot work without.
pub fn is_demand(key: &str) -> bool {
    DEMANDS.contains(&canonical(key)) || is_limit(key)
}

/// Whether a key only says what the artifact is and who made it.
pub fn is_about(key: &str) -> bool {
    ABOUT.contains(&key)
}

/// Whether a key is one that agents have.
pub fn is_known(key: &str) -> bool {
    let key = canonical(key);
    is_demand(key) || matches!(key, "name" | "description" | "model")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_has_many_spellings() {
        for (key, expected) in [
            ("Tools", "tools"),
            ("allowed-tools", "tools"),
            ("allowedTools", "tools"),
            ("disallowed_tools", "disallowedTools"),
            ("Permission-Mode", "permissionMode"),
            ("mcp_servers", "mcp_servers"),
            ("color", "color"),
            ("stranger", "stranger"),
        ] {
            assert_eq!(canonical(key), expected);
        }
        assert!(is_demand("exclude-tools") && is_demand("ReadOnly") && !is_demand("colour"));
    }
}
