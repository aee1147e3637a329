//! Compares the OpenAPI document with the service.

use std::collections::BTreeSet;

use http::Method;
use serde_json::Value;

use super::site::{Site, document, operation, request};

#[tokio::test]
async fn every_operation_is_routed() {
    let site = Site::new();
    for (path, item) in document()["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys() {
            let filled = path
                .replace("{package}", "@scope/name")
                .replace("{version}", "1.0.0")
                .replace("{path}", "a/b")
                .replace("{sha256}", &"0".repeat(64))
                .replace("{tag}", "beta")
                .replace("{metric}", "version")
                .replace("{scope}", "scope")
                .replace("{username}", "ada")
                .replace("{id}", "0190d9f0-0000-7000-8000-000000000000")
                .replace("{delivery}", "0190d9f0-0000-7000-8000-000000000000");
            assert!(!filled.contains('{'), "{filled}");
            let method: Method = method.to_uppercase().parse().expect("a method");
            assert!(operation(&method, &filled).is_some(), "{method} {filled}");
            let reply = site.send(request(method.clone(), &filled, &[], "")).await;
            assert_ne!(reply.status, 405, "{method} {filled}");
            if reply.status == 404 && path != "/metrics" {
                assert_ne!(reply.json()["error"], "not_found", "{method} {filled}");
            }
        }
    }
}

#[test]
fn the_document_is_whole() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for operation in item.as_object().expect("operations").values() {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(id), "{id} twice");
            assert!(!operation["summary"].as_str().expect("a summary").is_empty(), "{id}");
            let tag = &operation["tags"][0];
            let tags = document["tags"].as_array().expect("tags");
            assert!(tags.iter().any(|known| known["name"] == *tag), "{id}: {tag}");
            let named = operation["parameters"].as_array().into_iter().flatten();
            let named: BTreeSet<_> = named
                .filter(|param| param["in"] == "path")
                .map(|param| param["name"].as_str().expect("name"))
                .collect();
            let in_path = path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
            assert_eq!(named, in_path.collect(), "{id}");
        }
    }
    let mut missing = Vec::new();
    find_missing(document, document, &mut missing);
    assert!(missing.is_empty(), "{missing:?}");
}

/// Collects references to missing definitions.
fn find_missing(document: &Value, value: &Value, missing: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(target) = map.get("$ref").and_then(Value::as_str)
                && target.strip_prefix('#').and_then(|pointer| document.pointer(pointer)).is_none()
            {
                missing.push(target.to_owned());
            }
            map.values().for_each(|value| find_missing(document, value, missing));
        }
        Value::Array(items) => items.iter().for_each(|value| find_missing(document, value, missing)),
        _ => {}
    }
}
