//! ID tokens that are shown to several servers at once.

use aam_registry_tests::{Issuer, IssuerKey};
use jsonwebtoken::Algorithm;
use reqwest::Method;
use serde_json::json;

use super::{Replicas, count, told};

const AUDIENCE: &str = "https://registry.example.com";
const ROUNDS: usize = 12;

/// Of two who show one ID token to two servers at the same time, one gets a token.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_token_counts_once_however_many_servers_see_it() {
    let (issuer, key) = (Issuer::start().await, IssuerKey::new("ci", Algorithm::ES256));
    issuer.publish(&[&key]);
    let settings = [("TRUSTED_PUBLISHING_ISSUERS", issuer.address()), ("TRUSTED_PUBLISHING_AUDIENCE", AUDIENCE)];
    let replicas = Replicas::start_with(&settings).await;
    let ada = replicas.user("ada").await;
    let publisher = json!({
        "issuer": issuer.address(), "preset": "github",
        "claims": {"repository": "acme/kit", "job_workflow_ref": "acme/kit/.github/workflows/publish.yml"},
    });
    ada[0].post("/api/v1/packages/kit/trusted-publishers", &publisher).await.expect_status(201);
    let anonymous = replicas.anonymous();
    for round in 0..ROUNDS {
        let mut claims = issuer.claims(AUDIENCE);
        let of_workflow = json!({
            "sub": "repo:acme/kit:ref:refs/heads/main", "repository": "acme/kit", "repository_id": "1",
            "repository_owner_id": "7", "jti": format!("round {round}"),
            "job_workflow_ref": "acme/kit/.github/workflows/publish.yml@refs/heads/main",
        });
        claims.as_object_mut().expect("an object").extend(of_workflow.as_object().expect("an object").clone());
        let shown = json!({"token": key.sign(&claims)});
        let swap = |at: usize| {
            let request = anonymous[at].request(Method::POST, "/api/v1/oidc/token").json(&shown);
            aam_registry_tests::Answer::of(request)
        };
        let answers: [_; 3] = tokio::join!(swap(0), swap(1), swap(round % 2)).into();
        assert_eq!((count(&answers, 200), count(&answers, 401)), (1, 2), "{:?}", told(&answers));
        let again = swap(2).await;
        assert_eq!(again.status, 401, "it counts no more");
    }
}
