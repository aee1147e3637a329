//! What an artifact does beyond giving a tool text to read: it runs commands, or lifts restrictions.

use aam_registry_core::archive::front_matter::keys::canonical;
use serde_json::Value;

use super::front_matter::Head;

/// What the front matter brings along that acts on a person's machine, each to
/// stand after the artifact's name; not what a platform was not given, the keys of `lost`.
pub(super) fn of(head: &Head, lost: &[String]) -> Vec<String> {
    let mut powers = Vec::new();
    for key in head.keys().filter(|key| !lost.iter().any(|lost| lost == key)) {
        let Some(value) = head.get(key).filter(|value| !value.is_null()) else { continue };
        match canonical(key) {
            "hooks" => powers.push("runs commands by its hooks".to_owned()),
            "mcpServers" | "mcp-servers" | "mcp_servers" => powers.extend(servers(value)),
            key @ ("permissionMode" | "sandbox_mode" | "approval_policy") => {
                if let Some(mode) = value.as_str().filter(|mode| lifts(mode)) {
                    powers.push(format!("lifts restrictions of its tool with `{key}: {mode}`"));
                }
            }
            _ => {}
        }
    }
    powers
}

/// The commands that the tool runs when the artifact is used, in one phrase to
/// stand after the artifact's name.
pub(super) fn commands(commands: &[String]) -> Option<String> {
    const NAMED: usize = 3;
    let named: Vec<_> = commands.iter().take(NAMED).map(|command| format!("`{command}`")).collect();
    let more = match commands.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!commands.is_empty()).then(|| format!("runs {}{more} when it is used", named.join(", ")))
}

fn lifts(mode: &str) -> bool {
    matches!(
        mode.to_ascii_lowercase().as_str(),
        "bypasspermissions" | "acceptedits" | "dontask" | "danger-full-access" | "never"
    )
}

/// The MCP servers that are started by a command.
fn servers(value: &Value) -> Vec<String> {
    let maps: Vec<_> = match value {
        Value::Object(map) => vec![map],
        Value::Array(list) => list.iter().filter_map(Value::as_object).collect(),
        _ => Vec::new(),
    };
    let servers = maps.into_iter().flatten();
    let started = servers.filter_map(|(name, server)| Some((name, server.get("command")?.as_str()?)));
    started.map(|(name, command)| format!("starts the MCP server {name} with the command `{command}`")).collect()
}
