//! The workflows that are ready to be copied, which the page about trusted publishing shows.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

fn docs(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A workflow: its text, what it says, and the block of the page that shows it.
fn workflow(file: &str, block: usize) -> Value {
    let (text, page) = (docs(&format!("workflows/{file}")), docs("trusted-publishing.md"));
    let shown: Vec<_> = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(shown.len(), 2, "the page shows two workflows");
    assert_eq!(shown[block], text, "the page and {file} differ");
    assert!(page.contains(&format!("(workflows/{file})")), "the page does not name {file}");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{file} is not YAML: {error}"))
}

#[test]
fn the_workflow_of_github_may_ask_for_an_id_token_and_publishes() {
    let workflow = workflow("github-publish.yml", 0);
    assert_eq!(workflow["permissions"], json!({"contents": "read", "id-token": "write"}));
    assert_eq!(workflow["on"], json!({"release": {"types": ["published"]}}));
    let job = &workflow["jobs"]["publish"];
    assert_eq!((&job["runs-on"], &job["environment"]), (&json!("ubuntu-latest"), &json!("release")));
    assert!(job["env"]["AAM_REGISTRY"].as_str().is_some_and(|url| url.starts_with("https://")), "{job}");
    let steps = job["steps"].as_array().expect("steps");
    assert!(steps[0]["uses"].as_str().is_some_and(|action| action.starts_with("actions/checkout@")), "{job}");
    assert_eq!(steps.last(), Some(&json!({"run": "aam pkg publish"})));
}

#[test]
fn the_workflow_of_gitlab_gets_an_id_token_for_the_registry_and_publishes() {
    let workflow = workflow("gitlab-publish.yml", 1);
    let job = &workflow["publish"];
    let audience = &job["id_tokens"]["AAM_ID_TOKEN"]["aud"];
    assert_eq!(audience, &job["variables"]["AAM_REGISTRY"], "the ID token is for the registry alone");
    assert!(audience.as_str().is_some_and(|url| url.starts_with("https://")), "{job}");
    assert_eq!(job["environment"], "release");
    assert_eq!(job["rules"], json!([{"if": "$CI_COMMIT_TAG"}]));
    assert_eq!(job["script"], json!(["aam pkg publish"]));
}
