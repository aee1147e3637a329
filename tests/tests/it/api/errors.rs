use aam_registry_tests::{Answer, Server};
use reqwest::Method;
use serde_json::json;

use super::transcript::Transcript;

#[tokio::test]
async fn every_layer_answers_alike() {
    let server = Server::start().await;
    let api = server.anonymous();
    let mut transcript = Transcript::default();
    transcript.get(&api, "/api/v1/nothing-here").await;
    transcript.get(&api, "/nothing-here").await;
    transcript.delete(&api, "/api/v1/packages").await;
    transcript.get(&api, "/api/v1/users/login").await;
    transcript.get(&api, "/api/v1/users/me").await;
    transcript.get(&api.with_token("aam_nonsense"), "/api/v1/packages").await;
    transcript.post(&api, "/api/v1/users/login", &json!({"username": "nobody", "password": "wrong"})).await;
    transcript.post(&api, "/api/v1/users/register", &json!({"username": "A", "email": "x", "password": "short"})).await;
    for (what, content_type, body) in [
        ("malformed JSON", "application/json", "{".to_owned()),
        ("no JSON", "text/plain", "hello".to_owned()),
        ("too much JSON", "application/json", format!("{{\"a\": \"{}\"}}", "x".repeat(1_100_000))),
    ] {
        let request = api.request(Method::POST, "/api/v1/users/login").header("content-type", content_type).body(body);
        transcript.note(&format!("POST /api/v1/users/login: {what}"), &Answer::of(request).await);
    }
    insta::assert_json_snapshot!(transcript.into_value());
}

#[tokio::test]
async fn an_account_from_register_to_logout() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let mut transcript = Transcript::default();
    transcript.get(&ada, "/api/v1/users/me").await;
    transcript.get(&server.anonymous(), "/api/v1/users/ada").await;
    transcript.get(&server.anonymous(), "/api/v1/users/nobody").await;
    let again = json!({"username": "ada", "email": "other@example.com", "password": "correct horse battery staple"});
    transcript.post(&server.anonymous(), "/api/v1/users/register", &again).await;
    transcript.post(&ada, "/api/v1/scopes", &json!({"name": "team"})).await;
    transcript.post(&ada, "/api/v1/scopes", &json!({"name": "team"})).await;
    transcript.get(&ada, "/api/v1/scopes/team").await;
    transcript.post(&ada, "/api/v1/users/logout", &json!({})).await;
    transcript.get(&ada, "/api/v1/users/me").await;
    insta::assert_json_snapshot!(transcript.into_value());
}
