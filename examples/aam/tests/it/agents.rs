//! Agents keep what restricts them, or are not installed.

use crate::{golden::shown, machine::Machine, server::Server};

/// Installs one Markdown agent with this front matter for `platform`; the files, and the remarks.
fn agent(head: &str, platform: &str) -> (String, String) {
    let server = Server::start();
    let machine: Machine = server.machine_of_alice();
    let text = format!("---\nname: helper\ndescription: Helps\n{head}---\nYou help.\n");
    let artifacts = "  agents:\n    - {name: helper, path: agents/helper.md, description: d}\n  skills:\n    - {name: s, \
                     path: s, description: d}\n";
    let skill = "---\nname: s\ndescription: d\n---\nx\n";
    machine.publish("@acme/one", "1.0.0", artifacts, &[("agents/helper.md", &text), ("s/SKILL.md", skill)]);
    let report = machine.json(&["install", "@acme/one", "--platform", platform]);
    (shown(&machine.project()), report["remarks"].to_string())
}

fn holds(head: &str, platform: &str, expected: &[&str]) {
    let (files, remarks) = agent(head, platform);
    for line in expected {
        assert!(files.contains(line), "{platform}: {line}\n{files}\n{remarks}");
    }
}

fn refused(head: &str, platform: &str, why: &str) {
    let (files, remarks) = agent(head, platform);
    assert!(!files.contains("You help."), "{platform}: {files}");
    assert!(remarks.contains("is not installed") && remarks.contains(why), "{platform}: {remarks}");
}

#[test]
fn a_list_of_tools_arrives_in_every_dialect_that_has_one() {
    let tools = "tools: Read, Grep, Bash\nmodel: opus\n";
    holds(tools, "claude", &["tools: Read, Grep, Bash\n", "model: opus\n"]);
    holds(tools, "copilot", &["tools: [\"read\", \"search\", \"execute\"]\n"]);
    holds(
        tools,
        "opencode",
        &["permission: {\"*\":\"deny\",", "\"bash\":\"allow\"", "\"read\":{\"*\":\"allow\",\"*.env\":\"ask\""],
    );
    holds(tools, "kiro", &["tools: [\"read\",\"shell\"]\n"]);
    for platform in ["cursor", "codex", "gemini", "windsurf", "agents"] {
        refused(tools, platform, "tools");
    }
}

#[test]
fn reading_only_is_what_more_tools_can_say() {
    let tools = "tools:\n  - read\n  - search\n";
    holds(tools, "claude", &["tools: Read, Grep, Glob\n"]);
    holds(tools, "copilot", &["tools:\n  - read\n  - search\n"]);
    holds(tools, "cursor", &["readonly: true\n"]);
    holds(tools, "codex", &["sandbox_mode = \"read-only\"\n"]);
}

#[test]
fn servers_and_denials_arrive_or_stop_the_agent() {
    let servers =
        "mcp-servers:\n  docs:\n    type: local\n    command: docs-mcp\n    args: [\"--all\"]\n    tools: [\"*\"]\n";
    holds(servers, "claude", &["mcpServers: [{\"docs\":{", "\"command\":\"docs-mcp\""]);
    holds(servers, "copilot", &["mcp-servers: {\"docs\":{"]);
    holds(servers, "kiro", &["mcpServers: {\"docs\":{"]);
    holds(servers, "codex", &["[mcp_servers.docs]\n", "command = \"docs-mcp\"\n"]);
    for platform in ["cursor", "opencode", "gemini"] {
        refused(servers, platform, "mcp-servers");
    }
    let denied = "disallowedTools: Write, Edit\n";
    holds(denied, "claude", &["disallowedTools: Write, Edit\n"]);
    holds(denied, "opencode", &["permission: {\"edit\":\"deny\"}\n"]);
    refused(denied, "copilot", "disallowedTools");
    refused("hooks:\n  PreToolUse:\n    - matcher: Bash\n", "cursor", "hooks");
    refused("tools: Read\ntools: Bash\n", "claude", "twice");
    refused("tools: Bash(git:*)\n", "copilot", "only some commands");
    refused("tools: []\n", "agents", "tools");
    holds("tools: []\n", "claude", &["tools: []\n"]);
}

#[test]
fn a_restriction_beside_a_line_that_is_no_yaml_is_kept() {
    let head = "when: Use it: often\ntools:\n  - Read\n";
    holds(head, "kiro", &["tools: [\"read\"]\n"]);
    refused(head, "gemini", "tools");
}

#[test]
fn what_does_not_restrict_is_said_to_be_lost() {
    let (files, remarks) = agent("model: sonnet\ncolor: blue\n", "gemini");
    assert!(files.contains("You help."), "{files}");
    assert!(remarks.contains("goes without `color`, `model`"), "{remarks}");
}

#[test]
fn an_agent_that_people_do_not_choose_stays_so_where_there_is_a_word_for_it() {
    holds("user-invocable: false\n", "opencode", &["hidden: true\n"]);
    holds("hidden: true\n", "copilot", &["user-invocable: false\n"]);
    holds("hidden: true\nuser-invocable: false\n", "copilot", &["user-invocable: false\n"]);
    refused("user-invocable: false\n", "claude", "user-invocable");
    refused("mode: primary\nuser-invocable: false\n", "opencode", "user-invocable");
}
