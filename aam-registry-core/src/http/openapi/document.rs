use std::collections::BTreeSet;

use schemars::{
    SchemaGenerator,
    generate::{Contract, SchemaSettings},
};
use serde_json::{Map, Value, json};

use super::operation::operation;
use crate::http::{routing::Route, wire::ErrorBody};

/// Requests and answers have separate schemas, because required fields differ.
pub(super) struct Schemas {
    pub(super) requests: SchemaGenerator,
    pub(super) answers: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = |contract: Contract| {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
            settings.contract = contract;
            settings.into_generator()
        };
        Self { requests: settings(Contract::Deserialize), answers: settings(Contract::Serialize) }
    }

    fn into_definitions(mut self) -> Map<String, Value> {
        let mut definitions = self.requests.take_definitions(true);
        definitions.extend(self.answers.take_definitions(true));
        definitions
    }
}

/// The document of an API at `server`, whose paths start with `prefix`.
pub(crate) fn document(routes: impl Iterator<Item = &'static Route>, server: &str, prefix: &str) -> Value {
    let mut schemas = Schemas::new();
    let (mut paths, mut used) = (Map::new(), BTreeSet::new());
    for route in routes {
        used.insert(route.tag);
        let item = paths.entry(route.pattern).or_insert_with(|| json!({}));
        item[route.verb.as_str().to_ascii_lowercase()] = operation(route, &mut schemas);
    }
    schemas.answers.subschema_for::<ErrorBody>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "AAM registry",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Packages for AI agents: skills, agents, prompts and instructions.",
            "description": include_str!("about.md").replace("{{prefix}}", prefix),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server}],
        "tags": tags(&used),
        "paths": paths,
        "components": {
            "schemas": schemas.into_definitions(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token (`aam_…`) or the access token of a login.",
                },
            },
        },
    })
}

fn tags(used: &BTreeSet<&str>) -> Value {
    let tags = json!([
        {"name": "Packages", "description": "Finding, resolving and downloading. No credential is needed."},
        {"name": "Contents", "description": "What is inside the archives."},
        {"name": "Publishing", "description": "Versions, once published, never change; they can be yanked and deprecated."},
        {"name": "Dist-tags", "description": "Movable names of versions."},
        {"name": "Owners and scopes", "description": "Who may do what."},
        {"name": "Users", "description": "Accounts, sessions and API tokens."},
        {"name": "Audit", "description": "Who did what."},
        {"name": "Service", "description": "For operators and their machines."},
    ]);
    let is_used = |tag: &&Value| tag["name"].as_str().is_some_and(|name| used.contains(name));
    tags.as_array().into_iter().flatten().filter(is_used).cloned().collect()
}
