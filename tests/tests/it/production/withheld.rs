//! Versions that not everybody sees, on several servers and with the real client.

use aam_registry_tests::{Machine, Package, eventually, report};
use reqwest::Method;
use serde_json::json;

use super::Replicas;

/// A version is put into quarantine on one server while another one sends it: what is being sent arrives whole, nothing
/// new is sent by any server, and `aam audit` fails a project that has it.
#[tokio::test]
async fn a_version_is_put_into_quarantine_on_every_server() {
    let replicas = Replicas::start().await;
    let (ada, mona, anonymous) = (replicas.user("ada").await, replicas.user("mona").await, replicas.anonymous());
    replicas.servers[0].run(&["user", "grant-role", "mona", "moderator"]).await.expect_code(0);
    let noise: Vec<u8> = (0..8_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    let bad = Package::new("@ada/kit", "1.1.0").file("skills/greeter/noise.bin", noise);
    ada[0].publish(&Package::new("@ada/kit", "1.0.0").aam(), &[]).await.expect_status(201);
    let published = ada[0].publish(&bad.aam(), &[]).await.expect_status(201).json();
    let sha256 = published["checksum"]["sha256"].as_str().expect("a digest").to_owned();

    let machine = Machine::new(&replicas.servers[0], "user-of-it").await;
    let project = machine.folder("project");
    machine.aam(&project, &["install", "@ada/kit", "--platform", "claude"]).await;
    machine.aam(&project, &["audit"]).await;

    let version = "/api/v1/packages/@ada/kit/1.1.0";
    let by_digest = format!("{version}/download/{sha256}");
    let paths = [version.to_owned(), format!("{version}/download"), by_digest, format!("{version}/files")];
    for api in &anonymous {
        for path in &paths {
            api.get(path).await.expect_status(200);
        }
    }
    let under_way = anonymous[1].request(Method::GET, &paths[1]).send().await.expect("a download begins");
    assert_eq!(under_way.status(), 200);
    let why = json!({"category": "malware", "reason": "it sends the environment away"});
    let quarantine = format!("{version}/quarantine");
    let is_moderator = async || (mona[0].put(&quarantine, &why).await.status == 200).then_some(());
    eventually("the role of the moderator", is_moderator).await;
    for (server, api) in anonymous.iter().enumerate() {
        for path in &paths {
            let is_gone = async || (api.get(path).await.status == 404).then_some(());
            let ((), took) = eventually(format!("server {server} withholds {path}"), is_gone).await;
            report(format!("server {server}: {path} withheld after {} ms", took.as_millis()));
        }
        let latest = api.get("/api/v1/packages/@ada/kit/resolve").await.expect_status(200).json();
        assert_eq!(latest["version"], "1.0.0", "`latest` moved");
        let recalls = api.get("/api/v1/recalls").await.expect_status(200).json();
        assert_eq!(recalls["recalls"][0]["sha256"], sha256.as_str());
    }
    let whole = under_way.bytes().await.expect("the download goes on");
    assert_eq!(whole.len(), bad.aam().len(), "what was being sent arrives whole");
    ada[2].get(version).await.expect_status(200);
    ada[2].get(&paths[1]).await.expect_status(403);
    mona[2].get(&paths[1]).await.expect_status(200);

    let audit = machine.aam_exits(&project, &["audit"], 9).await;
    assert_eq!(audit["findings"][0]["kind"], "recalled");
    let told = audit["findings"][0]["message"].as_str().expect("a message");
    assert!(told.contains("it sends the environment away"), "{told}");
    mona[2].post(&format!("{quarantine}/final"), &json!({})).await.expect_status(200);
    for api in anonymous.iter().chain(&ada).chain(&mona) {
        let is_gone = async || (api.get(&paths[1]).await.status == 410).then_some(());
        eventually("a removed version is gone for all who could see it", is_gone).await;
    }
    let kinds = machine.aam_exits(&project, &["audit"], 9).await;
    let kinds: Vec<_> = kinds["findings"].as_array().expect("findings").iter().map(|found| &found["kind"]).collect();
    assert_eq!(kinds, ["recalled", "removed"]);
    machine.aam(&project, &["update"]).await;
    machine.aam(&project, &["audit"]).await;
}

/// From publish to install where versions need approval, with the real client and a server each.
#[tokio::test]
async fn a_version_is_approved_and_installed() {
    let replicas = Replicas::start_with(&[("REQUIRE_APPROVAL", "all")]).await;
    let [first, second, third] = &replicas.servers;
    let (ada, may) = (replicas.user("ada").await, replicas.user("may").await);
    first.run(&["user", "grant-role", "may", "approver"]).await.expect_code(0);
    let is_approver = async || {
        let me = may[1].get("/api/v1/users/me").await.json();
        me["roles"].as_array().is_some_and(|roles| roles.contains(&json!("approver"))).then_some(())
    };
    eventually("the role of the approver", is_approver).await;
    let approver = Machine::of(second, &may[1], &["approve"]).await;
    let user = Machine::new(third, "user-of-it").await;
    let published = ada[0].publish(&Package::new("@ada/kit", "1.0.0").aam(), &[]).await.expect_status(201).json();
    assert_eq!((&published["approval_status"], &published["dist_tags"]), (&json!("pending"), &json!([])));
    let project = user.folder("project");
    user.aam_exits(&project, &["install", "@ada/kit", "--platform", "claude"], 4).await;
    ada[2].get("/api/v1/packages/@ada/kit/1.0.0/download").await.expect_status(200);

    let folder = approver.folder("anywhere");
    let waiting = approver.aam(&folder, &["approvals"]).await;
    assert_eq!(waiting["versions"][0]["package"], "@ada/kit");
    approver.aam(&folder, &["approve", "@ada/kit@1.0.0", "--comment", "it was read"]).await;
    assert_eq!(approver.aam(&folder, &["approvals"]).await["total"], 0);
    let is_there = async || (user_sees(third, "1.0.0").await == 200).then_some(());
    eventually("the third server shows it", is_there).await;
    user.aam(&project, &["install", "@ada/kit", "--platform", "claude"]).await;
    let decisions = user.aam(&project, &["approvals", "@ada/kit@1.0.0"]).await;
    assert_eq!(decisions["approvals"][0]["comment"], "it was read");

    ada[0].publish(&Package::new("@ada/kit", "1.1.0").aam(), &[]).await.expect_status(201);
    approver.aam(&folder, &["reject", "@ada/kit@1.1.0", "--comment", "no"]).await;
    user.aam(&project, &["update"]).await;
    assert_eq!(user_sees(third, "1.1.0").await, 404);
}

async fn user_sees(server: &aam_registry_tests::Server, version: &str) -> u16 {
    server.anonymous().get(&format!("/api/v1/packages/@ada/kit/{version}")).await.status
}
