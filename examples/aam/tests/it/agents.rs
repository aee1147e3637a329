//! Agents keep what restricts them, or are not installed.

use crate::{golden::shown, machine::Machine, server::Server};

/// A registry, and the author of the agents in it.
struct Shop {
    server: Server,
    author: Machine,
    /// The front matters that were published, each as the version `1.0.` and its place here.
    published: Vec<String>,
}

impl Shop {
    fn open() -> Self {
        let server = Server::start();
        let author = server.machine_of_alice();
        Self { server, author, published: Vec::new() }
    }

    /// The version with a Markdown agent with this front matter.
    fn version_with(&mut self, head: &str) -> usize {
        let known = self.published.iter().position(|published| published == head);
        known.unwrap_or_else(|| {
            let version = self.published.len();
            let text = format!("---\nname: helper\ndescription: Helps\n{head}---\nYou help.\n");
            let artifacts = "  agents:\n    - {name: helper, path: agents/helper.md, description: d}\n  skills:\n    - \
                             {name: s, path: s, description: d}\n";
            let skill = "---\nname: s\ndescription: d\n---\nx\n";
            let files = [("agents/helper.md", &*text), ("s/SKILL.md", skill)];
            self.author.publish("@acme/one", &format!("1.0.{version}"), artifacts, &files);
            self.published.push(head.to_owned());
            version
        })
    }

    /// Installs an agent with this front matter for `platform`; the files, and the remarks.
    fn agent(&mut self, head: &str, platform: &str) -> (String, String) {
        let package = format!("@acme/one@1.0.{}", self.version_with(head));
        let machine = Machine::new();
        machine.ok(&["registry", "add", &self.server.url(), "--name", "test", "--default"]);
        let report = machine.json(&["install", &package, "--platform", platform]);
        (shown(&machine.project()), report["remarks"].to_string())
    }

    fn holds(&mut self, head: &str, platform: &str, expected: &[&str]) {
        let (files, remarks) = self.agent(head, platform);
        for line in expected {
            assert!(files.contains(line), "{platform}: {line}\n{files}\n{remarks}");
        }
    }

    fn refused(&mut self, head: &str, platform: &str, why: &str) {
        let (files, remarks) = self.agent(head, platform);
        assert!(!files.contains("You help."), "{platform}: {files}");
        assert!(remarks.contains("is not installed") && remarks.contains(why), "{platform}: {remarks}");
    }
}

#[test]
fn a_list_of_tools_arrives_in_every_dialect_that_has_one() {
    let mut shop = Shop::open();
    let tools = "tools: Read, Grep, Bash\nmodel: opus\n";
    shop.holds(tools, "claude", &["tools: Read, Grep, Bash\n", "model: opus\n"]);
    shop.holds(tools, "copilot", &["tools: [\"read\", \"search\", \"execute\"]\n"]);
    shop.holds(
        tools,
        "opencode",
        &["permission: {\"*\":\"deny\",", "\"bash\":\"allow\"", "\"read\":{\"*\":\"allow\",\"*.env\":\"ask\""],
    );
    shop.holds(tools, "kiro", &["tools: [\"read\",\"shell\"]\n"]);
    for platform in ["cursor", "codex", "gemini", "windsurf", "agents"] {
        shop.refused(tools, platform, "tools");
    }
}

#[test]
fn reading_only_is_what_more_tools_can_say() {
    let mut shop = Shop::open();
    let tools = "tools:\n  - read\n  - search\n";
    shop.holds(tools, "claude", &["tools: Read, Grep, Glob\n"]);
    shop.holds(tools, "copilot", &["tools:\n  - read\n  - search\n"]);
    shop.holds(tools, "cursor", &["readonly: true\n"]);
    shop.holds(tools, "codex", &["sandbox_mode = \"read-only\"\n"]);
}

#[test]
fn servers_and_denials_arrive_or_stop_the_agent() {
    let mut shop = Shop::open();
    let servers =
        "mcp-servers:\n  docs:\n    type: local\n    command: docs-mcp\n    args: [\"--all\"]\n    tools: [\"*\"]\n";
    shop.holds(servers, "claude", &["mcpServers: [{\"docs\":{", "\"command\":\"docs-mcp\""]);
    shop.holds(servers, "copilot", &["mcp-servers: {\"docs\":{"]);
    shop.holds(servers, "kiro", &["mcpServers: {\"docs\":{"]);
    shop.holds(servers, "codex", &["[mcp_servers.docs]\n", "command = \"docs-mcp\"\n"]);
    for platform in ["cursor", "opencode", "gemini"] {
        shop.refused(servers, platform, "mcp-servers");
    }
    let denied = "disallowedTools: Write, Edit\n";
    shop.holds(denied, "claude", &["disallowedTools: Write, Edit\n"]);
    shop.holds(denied, "opencode", &["permission: {\"edit\":\"deny\"}\n"]);
    shop.refused(denied, "copilot", "disallowedTools");
    shop.refused("hooks:\n  PreToolUse:\n    - matcher: Bash\n", "cursor", "hooks");
    shop.refused("tools: Read\ntools: Bash\n", "claude", "twice");
    shop.refused("tools: Bash(git:*)\n", "copilot", "only some commands");
    shop.refused("tools: []\n", "agents", "tools");
    shop.holds("tools: []\n", "claude", &["tools: []\n"]);
}

#[test]
fn a_restriction_beside_a_line_that_is_no_yaml_is_kept() {
    let mut shop = Shop::open();
    let head = "when: Use it: often\ntools:\n  - Read\n";
    shop.holds(head, "kiro", &["tools: [\"read\"]\n"]);
    shop.refused(head, "gemini", "tools");
}

#[test]
fn what_does_not_restrict_is_said_to_be_lost() {
    let mut shop = Shop::open();
    let (files, remarks) = shop.agent("model: sonnet\ncolor: blue\n", "gemini");
    assert!(files.contains("You help."), "{files}");
    assert!(remarks.contains("goes without `color`, `model`"), "{remarks}");
}

#[test]
fn an_agent_that_people_do_not_choose_stays_so_where_there_is_a_word_for_it() {
    let mut shop = Shop::open();
    shop.holds("user-invocable: false\n", "opencode", &["hidden: true\n"]);
    shop.holds("hidden: true\n", "copilot", &["user-invocable: false\n"]);
    shop.holds("hidden: true\nuser-invocable: false\n", "copilot", &["user-invocable: false\n"]);
    shop.refused("user-invocable: false\n", "claude", "user-invocable");
    shop.refused("mode: primary\nuser-invocable: false\n", "opencode", "user-invocable");
}
