//! An agent as each tool reads it.

use serde_json::{Map, Value, json};

use super::{
    document::Document,
    front_matter::{self, line, quoted},
    limits::{Demands, Refusal, Rendered},
    tools::Tool,
};

/// What tools that are not Claude Code do not know: its names for models.
pub(super) fn is_claude_alias(model: &str) -> bool {
    matches!(model.split('[').next(), Some("sonnet" | "opus" | "haiku" | "opusplan" | "default" | "best"))
}

/// The name and the description, with which the front matter of every tool begins.
fn begin(document: &Document) -> Vec<String> {
    vec![line("name", &document.name), line("description", &document.description)]
}

/// A subagent of Claude Code.
pub(super) fn claude(document: &Document) -> Result<Rendered, Refusal> {
    let mut demands = Demands::of(document)?;
    let mut head = begin(document);
    let own = |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase()) || name.starts_with("mcp__");
    let written = document.head.get("tools").and_then(super::tools::listed);
    let raw = document.head.raw("tools").map(|raw| raw.trim_start_matches("tools:").trim());
    match (raw, written) {
        // In Claude Code's own words, to the letter.
        (Some(raw), Some(tools))
            if tools.is_empty()
                || own(raw.trim_start_matches(['-', '[', ' ', '"', '\'']))
                    && !is_parted_by_spaces(document, &tools) =>
        {
            head.extend(demands.verbatim("tools"));
        }
        _ => {
            if let Some(tools) = demands.tools()? {
                let names = claude_tools(&tools)
                    .ok_or_else(|| Refusal("it may use no tools, which Claude Code has no form for".to_owned()))?;
                head.push(format!("tools: {}", names.join(", ")));
            }
        }
    }
    head.extend(demands.verbatim("disallowedTools"));
    if demands.take("readonly") == Some(&Value::Bool(true)) {
        head.push("disallowedTools: Write, Edit, MultiEdit, NotebookEdit, Bash".to_owned());
    }
    let claude = |model: &str| is_claude_alias(model) || model.starts_with("claude-");
    if document.head.text("model") == Some("inherit") {
        head.extend(demands.verbatim("model"));
    }
    head.extend(demands.model(claude).map(|model| line("model", &model)));
    let servers = demands.server_list()?;
    if !servers.is_empty() {
        head.push(format!("mcpServers: {}", Value::Array(servers)));
    }
    let own = [
        "permissionMode",
        "maxTurns",
        "skills",
        "hooks",
        "memory",
        "background",
        "effort",
        "isolation",
        "color",
        "initialPrompt",
    ];
    for key in own {
        head.extend(demands.verbatim(key));
    }
    demands.finish("Claude Code", front_matter::join(&head, &document.body))
}

/// Whether the tools are text with spaces between, which Claude Code takes for one name.
fn is_parted_by_spaces(document: &Document, tools: &[Tool]) -> bool {
    tools.len() > 1 && document.head.text("tools").is_some_and(|text| !text.contains(','))
}

fn claude_tools(tools: &[Tool]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for tool in tools {
        match tool {
            Tool::Read => names.push("Read".to_owned()),
            Tool::Search => names.extend(["Grep", "Glob"].map(str::to_owned)),
            Tool::Edit => names.extend(["Edit", "Write"].map(str::to_owned)),
            Tool::Execute(None) => names.push("Bash".to_owned()),
            Tool::Execute(Some(pattern)) => names.push(format!("Bash({pattern})")),
            Tool::Web => names.extend(["WebFetch", "WebSearch"].map(str::to_owned)),
            Tool::Delegate => names.push("Task".to_owned()),
            Tool::Todo => names.push("TodoWrite".to_owned()),
            Tool::Skill => names.push("Skill".to_owned()),
            Tool::Ask => names.push("AskUserQuestion".to_owned()),
            Tool::Mcp { server, tool: None } => names.push(format!("mcp__{server}")),
            Tool::Mcp { server, tool: Some(tool) } => names.push(format!("mcp__{server}__{tool}")),
            Tool::All | Tool::Unknown(_) => {}
        }
    }
    (!names.is_empty()).then_some(names)
}

/// A custom agent of GitHub Copilot.
pub(super) fn copilot(document: &Document) -> Result<Rendered, Refusal> {
    let mut demands = Demands::of(document)?;
    let mut head = begin(document);
    if document.head.get("tools").is_some_and(is_copilot_list) {
        head.extend(demands.verbatim("tools"));
    } else if let Some(tools) = demands.tools()? {
        let mut names = Vec::new();
        for tool in &tools {
            names.push(quoted(&match tool {
                Tool::Read => "read".to_owned(),
                Tool::Search => "search".to_owned(),
                Tool::Edit => "edit".to_owned(),
                Tool::Execute(None) => "execute".to_owned(),
                Tool::Execute(Some(_)) => return Err(only_some_commands("GitHub Copilot")),
                Tool::Web => "web".to_owned(),
                Tool::Delegate => "agent".to_owned(),
                Tool::Todo => "todo".to_owned(),
                Tool::Mcp { server, tool } => format!("{server}/{}", tool.as_deref().unwrap_or("*")),
                // Asking and skills are there in any case.
                Tool::Skill | Tool::Ask | Tool::All | Tool::Unknown(_) => continue,
            }));
        }
        head.push(format!("tools: [{}]", names.join(", ")));
    }
    head.extend(demands.model(|model| !is_claude_alias(model)).map(|model| line("model", &model)));
    if let Some(servers) = demands.servers()? {
        head.push(format!("mcp-servers: {}", Value::Object(servers)));
    }
    match document.head.get("user-invocable").or(document.head.get("user-invokable")) {
        // What OpenCode hides from people, people cannot choose here.
        None if document.head.get("hidden") == Some(&Value::Bool(true)) => {
            demands.take("hidden");
            head.push("user-invocable: false".to_owned());
        }
        Some(Value::Bool(false)) => {
            demands.take("hidden");
        }
        _ => {}
    }
    let own = [
        "target",
        "infer",
        "agents",
        "handoffs",
        "argument-hint",
        "disable-model-invocation",
        "user-invocable",
        "user-invokable",
    ];
    for key in own {
        head.extend(demands.verbatim(key));
    }
    demands.finish("GitHub Copilot", front_matter::join(&head, &document.body))
}

/// A list in Copilot's own words, which are lower case.
fn is_copilot_list(value: &Value) -> bool {
    let own = |item: &Value| item.as_str().is_some_and(|name| !name.starts_with(|c: char| c.is_ascii_uppercase()));
    let foreign = |item: &Value| item.as_str().is_some_and(|name| name.starts_with("mcp__") || name.contains("file_"));
    value.as_array().is_some_and(|list| list.iter().all(own) && !list.iter().any(foreign))
}

fn only_some_commands(platform: &str) -> Refusal {
    Refusal(format!("it may run only some commands, which {platform} has no form for"))
}

fn limited_tools(platform: &str) -> Refusal {
    Refusal(format!("it is limited to some tools, which {platform} has no form for"))
}

/// A subagent of Cursor, which knows reading only and everything.
pub(super) fn cursor(document: &Document) -> Result<Rendered, Refusal> {
    let mut demands = Demands::of(document)?;
    let mut head = begin(document);
    head.extend(demands.model(|model| !is_claude_alias(model)).map(|model| line("model", &model)));
    let tools = demands.tools()?;
    if let Some(tools) = &tools
        && (tools.is_empty() || !tools.iter().all(Tool::only_reads))
    {
        return Err(limited_tools("Cursor"));
    }
    match demands.verbatim("readonly") {
        Some(raw) if tools.is_none() => head.push(raw),
        _ if tools.is_some() => head.push("readonly: true".to_owned()),
        _ => {}
    }
    head.extend(demands.verbatim("is_background"));
    if demands.take("background") == Some(&Value::Bool(true)) {
        head.push("is_background: true".to_owned());
    }
    demands.finish("Cursor", front_matter::join(&head, &document.body))
}

/// An agent of OpenCode, which is called by its file; keys that it does not
/// know it sends to the model's provider, so it gets none of them.
pub(super) fn opencode(document: &Document) -> Result<Rendered, Refusal> {
    let mut demands = Demands::of(document)?;
    let mut head = vec![line("description", &document.description)];
    let mode = demands.verbatim("mode").unwrap_or_else(|| "mode: subagent".to_owned());
    // OpenCode hides subagents only.
    if mode.trim_end().ends_with("subagent") {
        for key in ["user-invocable", "user-invokable"] {
            if document.head.get(key) == Some(&Value::Bool(false)) {
                demands.take(key);
                if document.head.get("hidden").is_none() {
                    head.push("hidden: true".to_owned());
                }
            }
        }
    }
    head.push(mode);
    head.extend(demands.model(|model| model.contains('/')).map(|model| line("model", &model)));
    let mut permission = Map::new();
    if document.head.get("tools").is_some_and(Value::is_object) {
        head.extend(demands.verbatim("tools"));
    } else if let Some(tools) = demands.tools()? {
        permission.insert("*".to_owned(), json!("deny"));
        for tool in &tools {
            for (key, rule) in opencode_rules(tool) {
                permission.insert(key, rule);
            }
        }
    }
    if let Some(denied) = demands.take("disallowedTools").or(document.head.get("disallowed-tools")) {
        demands.take("disallowed-tools");
        let denied = super::tools::listed(denied).unwrap_or_else(|| vec![Tool::Unknown(String::new())]);
        for tool in &denied {
            if matches!(tool, Tool::Unknown(_) | Tool::Execute(Some(_)) | Tool::All) {
                return Err(Refusal("it has `disallowedTools` that OpenCode has no form for".to_owned()));
            }
            for (key, _) in opencode_rules(tool) {
                permission.insert(key, json!("deny"));
            }
        }
    }
    if demands.take("readonly") == Some(&Value::Bool(true)) {
        permission.insert("edit".to_owned(), json!("deny"));
        permission.insert("bash".to_owned(), json!("deny"));
    }
    if !permission.is_empty() {
        head.push(format!("permission: {}", Value::Object(permission)));
        if document.head.get("permission").is_some() {
            return Err(Refusal("it has both `tools` and `permission`".to_owned()));
        }
    }
    if let Some(turns) = demands.take("maxTurns") {
        head.push(format!("steps: {turns}"));
    }
    if let Some(Value::Object(parameters)) = demands.take("parameters") {
        for (key, value) in parameters {
            match &**key {
                "temperature" | "top_p" if document.head.get(key).is_none() => head.push(format!("{key}: {value}")),
                _ => demands.lose(format!("parameters: {key}")),
            }
        }
    }
    for key in ["permission", "temperature", "top_p", "steps", "hidden", "disable"] {
        head.extend(demands.verbatim(key));
    }
    demands.finish("OpenCode", front_matter::join(&head, &document.body))
}

fn opencode_rules(tool: &Tool) -> Vec<(String, Value)> {
    let allowed = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), json!("allow"))).collect();
    match tool {
        // As OpenCode itself has it: what `*` denied is allowed again, files of secrets are asked for.
        Tool::Read => {
            let rules = json!({"*": "allow", "*.env": "ask", "*.env.*": "ask", "*.env.example": "allow"});
            vec![("read".to_owned(), rules)]
        }
        Tool::Search => allowed(&["grep", "glob", "list"]),
        Tool::Edit => allowed(&["edit"]),
        Tool::Execute(None) => allowed(&["bash"]),
        Tool::Execute(Some(patterns)) => {
            let mut rules = Map::from_iter([("*".to_owned(), json!("deny"))]);
            for pattern in patterns.split(',') {
                // Claude Code's `git:*` is every command that begins so.
                let pattern = pattern.trim().replace(":*", " *");
                rules.insert(pattern, json!("allow"));
            }
            vec![("bash".to_owned(), Value::Object(rules))]
        }
        Tool::Web => allowed(&["webfetch", "websearch"]),
        Tool::Delegate => allowed(&["task"]),
        Tool::Todo => allowed(&["todowrite", "todoread"]),
        Tool::Skill => allowed(&["skill"]),
        Tool::Ask => allowed(&["question"]),
        Tool::Mcp { server, tool } => {
            vec![(format!("{server}_{}", tool.as_deref().unwrap_or("*")), json!("allow"))]
        }
        Tool::All | Tool::Unknown(_) => Vec::new(),
    }
}

/// An agent of Kiro.
pub(super) fn kiro(document: &Document) -> Result<Rendered, Refusal> {
    let mut demands = Demands::of(document)?;
    let mut head = begin(document);
    if let Some(tools) = demands.tools()? {
        let mut names: Vec<String> = Vec::new();
        for tool in &tools {
            let name = match tool {
                Tool::Read | Tool::Search => "read".to_owned(),
                Tool::Edit => "write".to_owned(),
                Tool::Execute(None) => "shell".to_owned(),
                Tool::Execute(Some(_)) => return Err(only_some_commands("Kiro")),
                Tool::Web => "web".to_owned(),
                Tool::Mcp { server, tool: None } => format!("@{server}"),
                Tool::Mcp { server, tool: Some(tool) } => format!("@{server}/{tool}"),
                Tool::Delegate | Tool::Todo | Tool::Skill | Tool::Ask | Tool::All | Tool::Unknown(_) => {
                    demands.lose(format!("tools: {tool:?}").to_lowercase());
                    continue;
                }
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        head.push(format!("tools: {}", json!(names)));
    }
    if demands.take("readonly") == Some(&Value::Bool(true)) {
        if document.head.get("tools").is_some() {
            return Err(Refusal("it has both `tools` and `readonly`".to_owned()));
        }
        head.push(r#"tools: ["read","web"]"#.to_owned());
    }
    head.extend(demands.model(|model| !is_claude_alias(model)).map(|model| line("model", &model)));
    if let Some(servers) = demands.servers()? {
        head.push(format!("mcpServers: {}", Value::Object(servers)));
    }
    for key in ["permissions", "includeMcpJson", "includePowers"] {
        head.extend(demands.verbatim(key));
    }
    demands.finish("Kiro", front_matter::join(&head, &document.body))
}

/// An agent of Codex: TOML, whose tools are what its sandbox lets commands do.
pub(super) fn codex(document: &Document) -> Result<Rendered, Refusal> {
    let mut demands = Demands::of(document)?;
    let mut table = Map::new();
    table.insert("name".to_owned(), json!(document.name));
    table.insert("description".to_owned(), json!(document.description));
    table.insert("developer_instructions".to_owned(), json!(document.body));
    let own = |model: &str| ["gpt-", "codex-", "o1", "o3", "o4"].iter().any(|start| model.starts_with(start));
    if let Some(model) = demands.model(own) {
        table.insert("model".to_owned(), json!(model));
    }
    if let Some(tools) = demands.tools()? {
        if tools.is_empty() || !tools.iter().all(Tool::only_reads) {
            return Err(limited_tools("Codex"));
        }
        table.insert("sandbox_mode".to_owned(), json!("read-only"));
    }
    if demands.take("readonly") == Some(&Value::Bool(true)) {
        table.insert("sandbox_mode".to_owned(), json!("read-only"));
    }
    if let Some(servers) = demands.servers()? {
        let servers: Map<_, _> = servers.into_iter().map(|(name, server)| (name, codex_server(server))).collect();
        table.insert("mcp_servers".to_owned(), Value::Object(servers));
    }
    for key in ["model_reasoning_effort", "sandbox_mode", "approval_policy", "nickname_candidates"] {
        if let Some(value) = demands.take(key) {
            table.entry(key).or_insert_with(|| value.clone());
        }
    }
    let text = toml::to_string_pretty(&Value::Object(table))
        .map_err(|error| Refusal(format!("it cannot be said in TOML ({error})")))?;
    demands.finish("Codex", text.into_bytes())
}

/// An MCP server by Codex's names.
fn codex_server(server: Value) -> Value {
    let Value::Object(mut server) = server else { return server };
    server.remove("type");
    if let Some(headers) = server.remove("headers") {
        server.insert("http_headers".to_owned(), headers);
    }
    match server.remove("tools") {
        Some(Value::Array(tools)) if !tools.iter().any(|tool| tool == "*") => {
            server.insert("enabled_tools".to_owned(), Value::Array(tools));
        }
        _ => {}
    }
    server.retain(|_, value| !value.is_null());
    Value::Object(server)
}

/// A skill, which has no limits of its own.
pub(super) fn skill(document: &Document) -> Result<Rendered, Refusal> {
    let bytes = front_matter::join(&begin(document), &document.body);
    Demands::of(document)?.finish("a skill", bytes)
}
