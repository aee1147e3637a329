//! Reports of packages to the moderators.

use aam_registry_core::types::AccountRole;
use http::Method;
use serde_json::{Value, json};

use super::site::Site;

const REPORT: &str = "/api/v1/packages/greet-kit/report";

fn malware() -> Value {
    json!({"version": "1.0.0", "category": "malware", "text": "Sends the environment to a stranger"})
}

async fn staff(site: &Site, name: &str, role: AccountRole) -> String {
    site.user(name).await;
    site.world.registry.set_role(&name.parse().expect("a name"), role, true).await.expect("granted");
    site.login(name).await
}

#[tokio::test]
async fn a_report_reaches_the_moderators_and_is_closed() {
    let (site, ada) = Site::published().await;
    let (eve, mod_of) = (site.user("eve").await, staff(&site, "mallory", AccountRole::Moderator).await);
    let auditor = staff(&site, "argus", AccountRole::Auditor).await;
    let made = site.send_json(Method::POST, REPORT, &eve, &malware()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert_eq!(
        (&made["package"], &made["version"], &made["state"]),
        (&json!("greet-kit"), &json!("1.0.0"), &json!("open"))
    );

    for (who, token, status) in
        [("owner", &ada, 403), ("reporter", &eve, 403), ("moderator", &mod_of, 200), ("auditor", &auditor, 200)]
    {
        let listed = site.act(Method::GET, "/api/v1/reports?state=open", token).await;
        assert_eq!(listed.status, status, "{who}: {listed:?}");
    }
    let listed = site.act(Method::GET, "/api/v1/reports?state=open", &mod_of).await.json();
    assert_eq!((&listed["total"], &listed["reports"][0]["reporter"]), (&json!(1), &json!("eve")));

    let path = format!("/api/v1/reports/{}", made["id"].as_str().expect("an id"));
    let body = json!({"state": "closed", "comment": "Thank you; the version is gone"});
    site.send_json(Method::PATCH, &path, &auditor, &body).await.assert_error(403, "forbidden");
    site.send_json(Method::PATCH, &path, &eve, &body).await.assert_error(403, "forbidden");
    site.send_json(Method::PATCH, &path, &mod_of, &json!({"state": "open"})).await.assert_error(400, "invalid_request");
    let closed = site.send_json(Method::PATCH, &path, &mod_of, &body).await;
    assert_eq!(closed.status, 200, "{closed:?}");
    assert_eq!(
        (&closed.json()["state"], &closed.json()["closed_by"], &closed.json()["comment"]),
        (&json!("closed"), &json!("mallory"), &body["comment"]),
    );
    let listed = site.act(Method::GET, "/api/v1/reports?state=open", &mod_of).await.json();
    assert_eq!((&listed["total"], &listed["pages"]), (&json!(0), &json!(0)));
    for missing in ["0190d9f0-0000-7000-8000-000000000000", "no-id"] {
        let path = format!("/api/v1/reports/{missing}");
        site.send_json(Method::PATCH, &path, &mod_of, &body).await.assert_error(404, "not_found");
    }

    // The owner of the package does not read in its log who reported it; the auditor reads it in the whole log.
    let of_package = site.act(Method::GET, "/api/v1/packages/greet-kit/audit-log", &ada).await;
    assert!(!of_package.text().contains("report"), "{of_package:?}");
    let whole = site.act(Method::GET, "/api/v1/audit-log?event=report.create", &auditor).await.json();
    assert_eq!(
        (&whole["entries"][0]["actor"], &whole["entries"][0]["metadata"]["reported"]),
        (&json!("eve"), &json!("greet-kit"))
    );
}

#[tokio::test]
async fn a_report_says_what_is_wrong_with_it() {
    let (site, _) = Site::published().await;
    let eve = site.user("eve").await;
    let with = |field: &str, value: Value| {
        let mut body = malware();
        body[field] = value;
        body
    };
    for (body, field) in [
        (with("category", json!("boring")), "category"),
        (with("text", json!("  ")), "text"),
        (with("text", json!("x".repeat(4_001))), "text"),
    ] {
        let refused = site.send_json(Method::POST, REPORT, &eve, &body).await;
        refused.assert_error(400, "invalid_request");
        assert_eq!(refused.json()["details"][0]["field"], field, "{refused:?}");
    }
    let refused = site.send_json(Method::POST, REPORT, &eve, &with("version", json!("9.9.9"))).await;
    refused.assert_error(404, "version_not_found");
    let refused = site.send_json(Method::POST, "/api/v1/packages/no-kit/report", &eve, &malware()).await;
    refused.assert_error(404, "package_not_found");
    site.send_json(Method::POST, REPORT, "", &malware()).await.assert_error(401, "unauthorized");
    for number in 0..20 {
        let made = site.send_json(Method::POST, REPORT, &eve, &malware()).await;
        assert_eq!(made.status, 201, "{number}: {made:?}");
    }
    let refused = site.send_json(Method::POST, REPORT, &eve, &malware()).await;
    refused.assert_error(403, "quota_exceeded");
    assert!(refused.text().contains("20 open reports"), "{refused:?}");
}
