use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{operation::operation, schemas::Schemas};
use crate::{
    decide::ReadAccess,
    http::{routing::Route, wire::ErrorBody},
};

/// The document of an API below `server`, whose paths start with `prefix`, for those whom `access` lets read.
pub(crate) fn document(
    routes: impl Iterator<Item = &'static Route>,
    server: &str,
    prefix: &str,
    access: ReadAccess,
) -> Value {
    let mut schemas = Schemas::new();
    let (mut paths, mut used) = (Map::new(), BTreeSet::new());
    for route in routes {
        used.insert(route.tag);
        let item = paths.entry(route.pattern).or_insert_with(|| json!({}));
        item[route.verb.as_str().to_ascii_lowercase()] = operation(route, access, &mut schemas);
    }
    schemas.answers.subschema_for::<ErrorBody>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "AAM registry",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Packages for AI agents: skills, agents, prompts and instructions.",
            "description": about(prefix, access),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server}],
        "tags": tags(&used, access),
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

fn about(prefix: &str, access: ReadAccess) -> String {
    let (reading, caching) = match access {
        ReadAccess::Everyone => (
            "Packages are read without a credential. To change anything, send",
            "Without a credential it is `public, max-age=0, must-revalidate`, with one `private`. Download counts in \
             it may be up to a minute old. Archives never change: they are sent as `public, max-age=31536000, \
             immutable`. **Nothing, not even a yank, removes an archive from caches outside the registry.**",
        ),
        ReadAccess::BehindLogin => {
            ("Packages are read without a credential. To change anything, send", PRIVATE_ANSWERS)
        }
        ReadAccess::Authenticated => (
            "This registry answers only callers that it knows. Without a credential every read is refused with 401, \
             of what exists and of what does not; a token needs the scope `read`, which every token has. Send",
            PRIVATE_ANSWERS,
        ),
    };
    let about = include_str!("about.md").replace("{{reading}}", reading).replace("{{caching}}", caching);
    about.replace("{{prefix}}", prefix)
}

const PRIVATE_ANSWERS: &str = "Every answer is `private`: no cache but the client's own may keep it, and that has to \
    ask again before each use. Download counts in it may be up to a minute old. Archives never change.";

fn tags(used: &BTreeSet<&str>, access: ReadAccess) -> Value {
    let packages = match access {
        ReadAccess::Authenticated => "Finding, resolving and downloading.",
        _ => "Finding, resolving and downloading. No credential is needed.",
    };
    let tags = json!([
        {"name": "Packages", "description": packages},
        {"name": "Contents", "description": "What is inside the archives."},
        {"name": "Publishing", "description": "Versions, once published, never change; they can be yanked and deprecated."},
        {"name": "Approval", "description": "Versions that wait until somebody approves them."},
        {"name": "Moderation", "description": "Versions that moderators withdraw, and what others are told of it."},
        {"name": "Dist-tags", "description": "Movable names of versions."},
        {"name": "Owners and scopes", "description": "Who may do what."},
        {"name": "Trusted publishing", "description": "Publishing from CI without a stored secret."},
        {"name": "Webhooks", "description": "Who is told of what happens in a scope."},
        {"name": "Users", "description": "Accounts, sessions and API tokens."},
        {"name": "Evals", "description": "Results of evals, and the gates of dist-tags that ask for them."},
        {"name": "Reports", "description": "What users report to the moderators."},
        {"name": "Audit", "description": "Who did what."},
        {"name": "Service", "description": "For operators and their machines."},
    ]);
    let is_used = |tag: &&Value| tag["name"].as_str().is_some_and(|name| used.contains(name));
    tags.as_array().into_iter().flatten().filter(is_used).cloned().collect()
}
