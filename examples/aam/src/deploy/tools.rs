//! What an agent may use, in the words of every tool.

use serde_json::Value;

/// One thing that an agent may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    /// Everything there is.
    All,
    Read,
    /// Finding files and text in them.
    Search,
    /// Changing and making files.
    Edit,
    /// Running commands; only those that the pattern fits, where there is one.
    Execute(Option<String>),
    Web,
    /// Giving work to other agents.
    Delegate,
    Todo,
    Skill,
    /// Asking the person.
    Ask,
    /// A tool of an MCP server; all of them, where none is named.
    Mcp {
        server: String,
        tool: Option<String>,
    },
    /// What nobody here knows, as it was written.
    Unknown(String),
}

impl Tool {
    /// Whether it changes nothing outside the conversation.
    pub(super) fn only_reads(&self) -> bool {
        matches!(self, Self::Read | Self::Search | Self::Web | Self::Todo | Self::Skill | Self::Ask)
    }

    fn named(text: &str) -> Self {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("mcp__") {
            let (server, tool) = rest.split_once("__").map_or((rest, None), |(server, tool)| (server, Some(tool)));
            return Self::mcp(server, tool);
        }
        if let Some((name, pattern)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            return match Self::named(name) {
                Self::Execute(None) if !matches!(pattern, "" | "*") => Self::Execute(Some(pattern.to_owned())),
                Self::Execute(None) => Self::Execute(None),
                // Only commands can be told apart everywhere.
                _ => Self::Unknown(text.to_owned()),
            };
        }
        let lower = text.to_ascii_lowercase();
        let known = |name: &str| -> Option<Self> {
            Some(match name {
                "*" | "all" => Self::All,
                "read" | "file_read" | "read_file" | "readfile" | "notebookread" | "view" | "fs_read" => Self::Read,
                "search" | "grep" | "glob" | "ls" | "list" | "find" | "codebase" | "usages" | "file_search"
                | "grep_search" | "code_search" | "search_files" | "list_files" | "textsearch" | "filesearch" => {
                    Self::Search
                }
                "edit" | "write" | "multiedit" | "notebookedit" | "file_write" | "write_file" | "file_edit"
                | "edit_file" | "editfiles" | "apply_patch" | "fs_write" | "create_file" => Self::Edit,
                "execute" | "bash" | "shell" | "powershell" | "terminal" | "command" | "execute_bash"
                | "run_command" | "runcommands" | "run_in_terminal" | "runinterminal" | "code_execution" => {
                    Self::Execute(None)
                }
                "web" | "webfetch" | "websearch" | "fetch" | "web_fetch" | "web_search" | "http" => Self::Web,
                "agent" | "task" | "custom-agent" | "subagent" | "runsubagent" => Self::Delegate,
                "todo" | "todos" | "todowrite" | "todoread" => Self::Todo,
                "skill" => Self::Skill,
                "ask" | "askuserquestion" | "question" | "askquestions" => Self::Ask,
                _ => return None,
            })
        };
        if let Some(tool) = known(&lower) {
            return tool;
        }
        let path = text.strip_prefix('@').unwrap_or(text);
        match path.split_once('/') {
            // VS Code: `edit/editFiles` is a part of `edit`.
            Some((group, _)) if known(&group.to_ascii_lowercase()).is_some() => {
                known(&group.to_ascii_lowercase()).unwrap_or_else(|| Self::Unknown(text.to_owned()))
            }
            Some(("vscode", _)) => Self::Unknown(text.to_owned()),
            Some((server, tool)) => Self::mcp(server, (tool != "*").then_some(tool)),
            None if path != text => Self::mcp(path, None),
            None => Self::Unknown(text.to_owned()),
        }
    }

    fn mcp(server: &str, tool: Option<&str>) -> Self {
        Self::Mcp { server: server.to_owned(), tool: tool.filter(|tool| *tool != "*").map(str::to_owned) }
    }
}

/// The tools a front matter lists: a list, or text with commas between;
/// `None` where it is neither.
pub(super) fn listed(value: &Value) -> Option<Vec<Tool>> {
    let names: Vec<String> = match value {
        Value::Array(list) => list.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>()?,
        Value::String(text) => separated(text),
        _ => return None,
    };
    let mut tools: Vec<Tool> = Vec::new();
    for name in names.iter().filter(|name| !name.trim().is_empty()) {
        let tool = Tool::named(name);
        if !tools.contains(&tool) {
            tools.push(tool);
        }
    }
    Some(tools)
}

/// Splits at the commas and spaces outside brackets: `Bash(git add, git log), Read`.
fn separated(text: &str) -> Vec<String> {
    let text = text.trim();
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let mut depth = 0i32;
    let pieces = text.split(|c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        (c == ',' || c.is_whitespace()) && depth <= 0
    });
    pieces.map(|piece| piece.trim().trim_matches(['"', '\'']).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_tool_has_a_name_in_every_dialect() {
        for names in [
            json!("Read, Grep, Bash"),
            json!(["read", "search", "execute"]),
            json!(["file_read", "grep", "shell"]),
            json!("[read, 'search', \"runCommands\"]"),
        ] {
            let expected = vec![Tool::Read, Tool::Search, Tool::Execute(None)];
            assert_eq!(listed(&names), Some(expected), "{names}");
        }
    }

    #[test]
    fn patterns_servers_and_strangers_are_told_apart() {
        let mcp = |server: &str, tool: Option<&str>| Tool::mcp(server, tool);
        let tools = listed(&json!("Bash(git add:*, git log), mcp__github__get_issue, mcp__jira, Read(src/**), Frob"));
        let expected = vec![
            Tool::Execute(Some("git add:*, git log".to_owned())),
            mcp("github", Some("get_issue")),
            mcp("jira", None),
            Tool::Unknown("Read(src/**)".to_owned()),
            Tool::Unknown("Frob".to_owned()),
        ];
        assert_eq!(tools, Some(expected));
        let tools = listed(&json!(["github/*", "@jira", "edit/editFiles", "vscode/runCommand", "*"]));
        let expected = vec![
            mcp("github", None),
            mcp("jira", None),
            Tool::Edit,
            Tool::Unknown("vscode/runCommand".to_owned()),
            Tool::All,
        ];
        assert_eq!(tools, Some(expected));
        assert_eq!(listed(&json!({"write": false})), None);
        assert_eq!(listed(&json!([])), Some(Vec::new()));
    }
}
