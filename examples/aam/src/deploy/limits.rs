//! The front matter of an agent, and which of its settings a platform can enforce.

use std::collections::BTreeSet;

use aam_registry_core::archive::front_matter::keys;
use serde_json::{Map, Value, json};

use super::{
    document::Document,
    tools::{self, Tool},
};

/// Why an artifact is not deployed on a platform, to stand after its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(super) String);

/// An artifact in a platform's own form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rendered {
    pub(super) bytes: Vec<u8>,
    /// The keys that the platform has no setting for; none of them restricts the agent.
    pub(super) lost: Vec<String>,
    /// What other tools fill in and the platform reads as text.
    pub(super) as_text: Vec<String>,
    /// The commands that the platform runs when it is used.
    pub(super) commands: Vec<String>,
}

impl From<Vec<u8>> for Rendered {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, ..Self::default() }
    }
}

/// The front matter of an agent, from which each platform takes the keys that it has a setting for.
#[derive(Debug)]
pub(super) struct Demands<'a> {
    document: &'a Document,
    taken: BTreeSet<String>,
    /// The keys that a platform did not get and can do without.
    lost: Vec<String>,
}

impl<'a> Demands<'a> {
    /// The settings of `document`, in which no key may occur twice.
    pub(super) fn of(document: &'a Document) -> Result<Self, Refusal> {
        if let Some(flaw) = &document.flaw {
            return Err(Refusal(flaw.clone()));
        }
        if let Some(key) = document.head.guessed().find(|(key, value)| is_unread(key, value)).map(|(key, _)| key) {
            return Err(Refusal(format!("its `{key}` cannot be read, since it is no YAML")));
        }
        match document.head.twice() {
            Some(key) => Err(Refusal(format!("its front matter has `{key}` twice"))),
            None => Ok(Self { document, taken: BTreeSet::new(), lost: Vec::new() }),
        }
    }

    /// The value of `key`, which counts as taken from here on.
    pub(super) fn take(&mut self, key: &str) -> Option<&'a Value> {
        let value = self.document.head.get(key)?;
        self.taken.insert(key.to_owned());
        Some(value).filter(|value| !value.is_null())
    }

    /// The lines of `key` as they were written; it counts as taken from here on.
    pub(super) fn verbatim(&mut self, key: &str) -> Option<String> {
        self.take(key)?;
        self.document.head.raw(key).map(str::to_owned)
    }

    /// Notes that the platform does not get `what`.
    pub(super) fn lose(&mut self, what: impl Into<String>) {
        self.lost.push(what.into());
    }

    /// The keys that were not taken.
    pub(super) fn others(&self) -> Vec<&'a str> {
        let open = |key: &&str| !self.taken.contains(*key) && !keys::is_about(key);
        self.document.head.keys().filter(open).collect()
    }

    /// The tools that the agent is limited to; `None` if it is not limited.
    pub(super) fn tools(&mut self) -> Result<Option<Vec<Tool>>, Refusal> {
        let Some(value) = self.take("tools") else { return Ok(None) };
        let tools = tools::listed(value).ok_or_else(|| Refusal("its `tools` are no list".to_owned()))?;
        if tools.contains(&Tool::All) {
            return Ok(None);
        }
        let whole = tools.len();
        let known: Vec<Tool> = tools.into_iter().filter(|tool| !matches!(tool, Tool::Unknown(_))).collect();
        if known.len() < whole {
            if known.is_empty() {
                return Err(Refusal("nothing here knows any of its `tools`".to_owned()));
            }
            for tool in tools::listed(value).into_iter().flatten() {
                if let Tool::Unknown(name) = tool {
                    self.lose(format!("tools: {name}"));
                }
            }
        }
        Ok(Some(known))
    }

    /// The MCP servers that it brings along or names, each as a list of Claude Code has it.
    pub(super) fn server_list(&mut self) -> Result<Vec<Value>, Refusal> {
        let mut list = Vec::new();
        for key in ["mcp-servers", "mcpServers", "mcp_servers"] {
            match self.take(key) {
                None => {}
                Some(Value::Object(map)) => {
                    list.extend(map.iter().map(|(name, server)| json!({ name.as_str(): server })));
                }
                Some(Value::Array(items)) if items.iter().all(|item| item.is_object() || item.is_string()) => {
                    list.extend(items.iter().cloned());
                }
                Some(name @ Value::String(_)) => list.push(name.clone()),
                Some(_) => return Err(Refusal(format!("its `{key}` are no MCP servers"))),
            }
        }
        Ok(list)
    }

    /// The MCP servers it brings along, by name.
    pub(super) fn servers(&mut self) -> Result<Option<Map<String, Value>>, Refusal> {
        let mut all = Map::new();
        for server in self.server_list()? {
            match server {
                Value::Object(map) => all.extend(map),
                other => {
                    let name = other.as_str().unwrap_or_default();
                    let why = "names the MCP server {}, which is set up elsewhere, and does not say what it is";
                    return Err(Refusal(format!("it {}", why.replace("{}", name))));
                }
            }
        }
        Ok((!all.is_empty()).then_some(all))
    }

    /// The model, where `fits` says that the platform knows it by that name.
    pub(super) fn model(&mut self, fits: fn(&str) -> bool) -> Option<String> {
        match self.take("model") {
            Some(Value::String(model)) if model == "inherit" => None,
            Some(Value::String(model)) if fits(model) => Some(model.clone()),
            Some(_) => {
                self.lose("model");
                None
            }
            None => None,
        }
    }

    /// What was rendered, where nothing that restricts is left.
    pub(super) fn finish(mut self, platform: &str, bytes: Vec<u8>) -> Result<Rendered, Refusal> {
        let neutral = |key: &str, value: &Value| match (key, value) {
            (_, Value::Null | Value::Bool(true)) if matches!(key, "user-invocable" | "user-invokable" | "infer") => {
                true
            }
            (_, Value::Null | Value::Bool(false)) => !matches!(key, "user-invocable" | "user-invokable" | "infer"),
            ("permissionMode", Value::String(mode)) => mode != "plan",
            ("tools" | "allowedTools" | "agents", Value::String(text)) => text == "*",
            ("tools" | "allowedTools" | "agents", Value::Array(list)) => list.iter().any(|item| item == "*"),
            _ => false,
        };
        for key in self.others() {
            let value = self.document.head.get(key).unwrap_or(&Value::Null);
            if keys::is_demand(key) && !neutral(key, value) {
                return Err(Refusal(format!("it has `{key}`, which {platform} has no form for")));
            }
            self.lost.push(key.to_owned());
        }
        Ok(Rendered { bytes, lost: self.lost, ..Rendered::default() })
    }
}

/// Whether a key that restricts has a value that is no YAML and no list of tools either.
pub(super) fn is_unread(key: &str, value: &Value) -> bool {
    let readable =
        || tools::listed(value).is_some_and(|tools| !tools.iter().any(|tool| matches!(tool, Tool::Unknown(_))));
    let is_list = matches!(keys::canonical(key), "tools" | "disallowedTools");
    keys::is_demand(key) && !(is_list && readable())
}
