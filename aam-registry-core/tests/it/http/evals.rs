//! Results of evals, and the gates of dist-tags.

use http::Method;
use serde_json::{Value, json};

use super::site::Site;

const KIT: &str = "/api/v1/packages/greet-kit";
const EVALS: &str = "/api/v1/packages/greet-kit/1.0.0/eval-results";

fn quality(status: &str) -> Value {
    json!({
        "eval_name": "quality", "status": status, "metrics": {"accuracy": 0.93, "model": "small", "cached": false},
        "run_at": "2026-11-24T08:00:00Z", "runner_identity": "ci", "environment": {"os": "linux"},
    })
}

#[tokio::test]
async fn results_are_recorded_and_shown() {
    let (site, ada) = Site::published().await;
    let eve = site.user("eve").await;
    assert_eq!(site.get(EVALS).await.json()["eval_results"], json!([]));
    let recorded = site.send_json(Method::POST, EVALS, &ada, &quality("failed")).await;
    assert_eq!(recorded.status, 201, "{recorded:?}");
    site.send_json(Method::POST, EVALS, &ada, &quality("passed")).await;
    let shown = site.get(EVALS).await.json();
    let version = site.get(&format!("{KIT}/1.0.0")).await.json();
    assert_eq!(shown["eval_results"], version["eval_results"]);
    let mut one = shown["eval_results"][0].clone();
    assert!(one.as_object_mut().expect("an object").remove("recorded_at").is_some());
    assert_eq!(one, quality("passed"), "the last result counts");
    assert_eq!(shown["eval_results"].as_array().map(Vec::len), Some(1));

    site.send_json(Method::POST, EVALS, &eve, &quality("passed")).await.assert_error(403, "forbidden");
    site.send_json(Method::POST, EVALS, "", &quality("passed")).await.assert_error(401, "unauthorized");
    let missing = format!("{KIT}/9.9.9/eval-results");
    site.send_json(Method::POST, &missing, &ada, &quality("passed")).await.assert_error(404, "version_not_found");
    site.get(&missing).await.assert_error(404, "version_not_found");
}

#[tokio::test]
async fn a_result_says_what_is_wrong_with_it() {
    let (site, ada) = Site::published().await;
    let with = |field: &str, value: Value| {
        let mut body = quality("passed");
        body[field] = value;
        body
    };
    let many: Value =
        (0..51).map(|number| (format!("m{number}"), json!(number))).collect::<serde_json::Map<_, _>>().into();
    for (body, field) in [
        (with("eval_name", json!("Bad Name")), "eval_name"),
        (with("status", json!("fine")), "status"),
        (with("run_at", json!("yesterday")), "run_at"),
        (with("metrics", many), "metrics"),
        (with("metrics", json!({"deep": {"a": 1}})), "metrics"),
        (with("metrics", json!({"long": "x".repeat(257)})), "metrics"),
        (with("metrics", json!({"x".repeat(65): 1})), "metrics"),
        (with("environment", json!({"list": []})), "environment"),
        (with("runner_identity", json!("x".repeat(257))), "runner_identity"),
    ] {
        let refused = site.send_json(Method::POST, EVALS, &ada, &body).await;
        refused.assert_error(400, "invalid_request");
        assert_eq!(refused.json()["details"][0]["field"], field, "{refused:?}");
    }
}

#[tokio::test]
async fn a_gate_holds_a_tag_until_its_evals_passed() {
    let (site, ada) = Site::published().await;
    let (gates, tag) = (format!("{KIT}/gates"), format!("{KIT}/tags/stable"));
    assert_eq!(site.get(&gates).await.json(), json!({"package": "greet-kit", "gates": {}}));
    let wanted = json!({"gates": {"stable": ["safety", "quality", "quality"]}});
    let set = site.send_json(Method::PUT, &gates, &ada, &wanted).await;
    assert_eq!(set.json(), json!({"package": "greet-kit", "gates": {"stable": ["quality", "safety"]}}), "{set:?}");
    assert_eq!(site.get(&gates).await.json(), set.json());

    let version = json!({"version": "1.0.0"});
    let refused = site.send_json(Method::PUT, &tag, &ada, &version).await;
    refused.assert_error(400, "gate_failed");
    assert_eq!(
        refused.json()["details"],
        json!([
            {"field": "quality", "error": "has no result yet"},
            {"field": "safety", "error": "has no result yet"},
        ]),
    );
    let archive = crate::registry::world::archive("greet-kit", "1.1.0");
    let published = site.publish_form(&ada, &[("archive", &archive), ("tag", b"stable")]).await;
    published.assert_error(400, "gate_failed");
    for name in ["quality", "safety"] {
        let mut body = quality("passed");
        body["eval_name"] = json!(name);
        assert_eq!(site.send_json(Method::POST, EVALS, &ada, &body).await.status, 201);
    }
    assert_eq!(site.send_json(Method::PUT, &tag, &ada, &version).await.status, 200);

    let eve = site.user("eve").await;
    site.send_json(Method::PUT, &gates, &eve, &json!({"gates": {}})).await.assert_error(403, "forbidden");
    for wrong in [
        json!({"gates": {"latest": ["quality"]}}),
        json!({"gates": {"stable": ["Bad Name"]}}),
        json!({"gates": {"1.0.0": []}}),
    ] {
        site.send_json(Method::PUT, &gates, &ada, &wrong).await.assert_error(400, "invalid_request");
    }
    site.get("/api/v1/packages/no-kit/gates").await.assert_error(404, "package_not_found");
}
