use serde_json::{Value, json};

use crate::http::{
    routing::{QueryParam, Route},
    wire::rules,
};

/// The parameters of a route: those in its path, then those of its query.
pub(super) fn parameters(route: &Route) -> Vec<Value> {
    let names = route.pattern.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    names.map(in_path).chain(route.query.iter().map(in_query)).collect()
}

fn in_path(name: &str) -> Value {
    let (description, schema, example) = match name {
        "package" => (
            "The full name, `name` or `@scope/name`; the slash may be written `/` or `%2F`.",
            json!({"type": "string", "pattern": rules::PACKAGE}),
            "@my_org/style-guide",
        ),
        "version" => (
            "A SemVer 2.0 version. Build metadata does not matter.",
            json!({"type": "string", "pattern": rules::VERSION, "maxLength": rules::VERSION_LENGTH}),
            "0.3.0",
        ),
        "tag" => (
            "A dist-tag; not a version, `all`, `true` or `false`.",
            json!({"type": "string", "pattern": rules::TAG}),
            "beta",
        ),
        "scope" => ("The scope, without `@`.", json!({"type": "string", "pattern": rules::SCOPE}), "my_org"),
        "username" => ("The name of a user.", json!({"type": "string", "pattern": rules::USERNAME}), "ada"),
        "path" => (
            "The path of a file in the archive; slashes may be written `/` or `%2F`.",
            json!({"type": "string", "minLength": 1}),
            "README.md",
        ),
        "sha256" => (
            "The SHA-256 of the archive, in hex.",
            json!({"type": "string", "pattern": rules::SHA256}),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        "metric" => (
            "What the badge tells; with `.svg` behind it, it is an image.",
            json!({"type": "string", "minLength": 1}),
            "version.svg",
        ),
        _ => ("The id.", json!({"type": "string", "format": "uuid"}), "0190d9f0-0000-7000-8000-000000000000"),
    };
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": description,
        "schema": schema,
        "example": example,
    })
}

fn in_query(param: &QueryParam) -> Value {
    json!({
        "name": param.name,
        "in": "query",
        "required": param.required,
        "description": param.description,
        "schema": (param.schema)(),
    })
}
