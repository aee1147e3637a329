//! The same operation through different servers at once.

use aam_registry_tests::{Answer, Api, Package, eventually};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Replicas, count, told};

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_publish_one_version_anywhere_one_wins() {
    let replicas = Replicas::start().await;
    let ada = replicas.user("ada").await;
    for round in 0..40 {
        // Versions that differ only in build metadata are the same version.
        let version =
            |who: usize| format!("1.{round}.0{}", if round % 2 == 0 { String::new() } else { format!("+{who}") });
        let aams: Vec<_> = (0..6)
            .map(|who| Package::new("kit", &version(who)).file("who", format!("{round} by {who}")).aam())
            .collect();
        let answers = join_all(aams.iter().enumerate().map(|(who, aam)| ada[who % 3].publish(aam, &[]))).await;
        assert_eq!((count(&answers, 201), count(&answers, 409)), (1, 5), "{:?}", told(&answers));
        let won = answers.iter().find(|answer| answer.status == 201).expect("counted").json();
        for lost in answers.iter().filter(|answer| answer.status == 409) {
            let error = lost.json();
            assert_eq!(error["error"], "version_exists");
            assert_eq!(error["details"][0]["error"], won["checksum"]["sha256"], "the loser is told who won");
        }
        let version = won["version"].as_str().expect("a version").replace('+', "%2B");
        for api in &replicas.anonymous() {
            let path = format!("/api/v1/packages/kit/{version}");
            assert_eq!(api.get(&path).await.expect_status(200).json()["checksum"], won["checksum"]);
            let archive = api.get(&format!("{path}/download")).await.expect_status(200);
            assert_eq!(archive.sha256(), won["checksum"]["sha256"]);
        }
    }
    let listed = ada[1].get("/api/v1/packages/kit/versions").await.expect_status(200).json();
    assert_eq!(listed["versions"].as_array().map(Vec::len), Some(40));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_is_one_users() {
    let replicas = Replicas::start().await;
    let mut users = Vec::new();
    for name in ["ada", "bob", "cyd"] {
        users.push(replicas.user(name).await);
    }
    for round in 0..20 {
        // The same name with different versions: the second user may not publish it.
        let name = format!("kit-{round}");
        let aams: Vec<_> = (0..3).map(|who| Package::new(&name, &format!("{who}.0.0")).aam()).collect();
        let answers = join_all((0..3).map(|who| users[who][who].publish(&aams[who], &[]))).await;
        assert_eq!((count(&answers, 201), count(&answers, 403)), (1, 2), "{:?}", told(&answers));
        let winner = answers.iter().position(|answer| answer.status == 201).expect("counted");
        for api in &replicas.anonymous() {
            let package = api.get(&format!("/api/v1/packages/{name}")).await.expect_status(200).json();
            let name = ["ada", "bob", "cyd"][winner];
            assert_eq!(package["owners"], json!([name]));
            assert_eq!(package["versions"].as_array().map(Vec::len), Some(1));
        }

        // Names that are too similar: only one is accepted.
        let names = [format!("tool-{round}x"), format!("tool{round}x"), format!("to-ol-{round}x")];
        let aams = names.each_ref().map(|name| Package::new(name, "1.0.0").aam());
        let answers = join_all((0..3).map(|who| users[who][who].publish(&aams[who], &[]))).await;
        assert_eq!((count(&answers, 201), count(&answers, 403)), (1, 2), "{:?}", told(&answers));
        for lost in answers.iter().filter(|answer| answer.status == 403) {
            assert_eq!(lost.json()["error"], "name_too_similar");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_and_a_scope_are_one_users() {
    let replicas = Replicas::start().await;
    let ada = replicas.user("ada").await;
    let anonymous = replicas.anonymous();
    let account = |name: &str, at: usize| {
        let email = format!("{name}-{at}@example.com");
        json!({"username": name, "email": email, "password": "correct horse battery staple"})
    };
    for round in 0..8 {
        let name = format!("team-{round}");
        let [register, create] = ["/api/v1/users/register", "/api/v1/scopes"];
        let bodies = [account(&name, 0), json!({"name": name}), account(&name, 2)];
        let (first, second, third) = tokio::join!(
            anonymous[0].post(register, &bodies[0]),
            ada[1].post(create, &bodies[1]),
            anonymous[2].post(register, &bodies[2]),
        );
        let answers = [first, second, third];
        assert_eq!((count(&answers, 201), count(&answers, 409)), (1, 2), "{:?}", told(&answers));
        let owner = if answers[1].status == 201 { "ada" } else { &name };
        let scope = anonymous[0].get(&format!("/api/v1/scopes/{name}")).await.expect_status(200).json();
        assert_eq!(scope["members"], json!([{"username": owner, "role": "owner"}]));
    }
}

/// Each of three owners removes the next one, each through another server.
async fn remove_one_another(users: &[[Api; 3]], members: &str) -> Vec<Answer> {
    let names = ["ada", "bob", "cyd"];
    let paths = [0, 1, 2].map(|who| format!("{members}/{}", names[(who + 1) % 3]));
    join_all((0..3).map(|who| users[who][who].delete(&paths[who]))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_owner_stays() {
    let replicas = Replicas::start().await;
    let mut users = Vec::new();
    for name in ["ada", "bob", "cyd"] {
        users.push(replicas.user(name).await);
    }
    let anonymous = replicas.anonymous();
    for round in 0..15 {
        let (package, scope) = (format!("kit-{round}"), format!("team-{round}"));
        let [owners, members] =
            [format!("/api/v1/packages/{package}/owners"), format!("/api/v1/scopes/{scope}/members")];
        users[0][0].publish(&Package::new(&package, "1.0.0").aam(), &[]).await.expect_status(201);
        users[0][0].post("/api/v1/scopes", &json!({"name": scope})).await.expect_status(201);
        for name in ["bob", "cyd"] {
            users[0][0].put(&format!("{owners}/{name}"), &json!({})).await.expect_status(200);
            users[0][0].put(&format!("{members}/{name}"), &json!({"role": "owner"})).await.expect_status(200);
        }

        for (what, list) in
            [(&owners, format!("/api/v1/packages/{package}")), (&members, format!("/api/v1/scopes/{scope}"))]
        {
            let answers = if round % 2 == 0 {
                remove_one_another(&users, what).await
            } else {
                let paths = ["ada", "bob", "cyd"].map(|name| format!("{what}/{name}"));
                join_all((0..3).map(|who| users[who][who].delete(&paths[who]))).await
            };
            let removed = count(&answers, 204);
            let allowed = |answer: &Answer| match answer.status {
                409 => answer.json()["error"] == "last_owner",
                // A user who was removed first may remove nobody.
                204 | 403 => true,
                _ => false,
            };
            assert!(answers.iter().all(allowed), "{:?}", told(&answers));
            assert!((1..3).contains(&removed), "{:?}", told(&answers));
            for api in &anonymous {
                let left = async || {
                    let shown = api.get(&list).await.expect_status(200).json();
                    let owners = shown["owners"].as_array().or(shown["members"].as_array()).expect("a list").len();
                    assert!(owners > 0, "nobody owns {list}");
                    (owners == 3 - removed).then_some(())
                };
                eventually(format!("{list} to lose {removed}"), left).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn yanks_and_tags_at_once_have_an_order() {
    let replicas = Replicas::start().await;
    let ada = replicas.user("ada").await;
    let versions = ["1.0.0", "1.1.0", "1.2.0"];
    for round in 0..15 {
        let kit = format!("/api/v1/packages/kit-{round}");
        for version in ["0.9.0"].iter().chain(&versions) {
            ada[0].publish(&Package::new(&format!("kit-{round}"), version).aam(), &[]).await.expect_status(201);
        }

        // A tag that is set to three versions concurrently names one of them.
        let tag = format!("{kit}/tags/stable");
        let wishes = versions.map(|version| json!({"version": version}));
        let answers = join_all((0..3).map(|at| ada[at].put(&tag, &wishes[at]))).await;
        assert_eq!(count(&answers, 200), 3, "{:?}", told(&answers));
        let mut named = Vec::new();
        for api in &replicas.anonymous() {
            let settled = async || {
                let tags = api.get(&format!("{kit}/tags")).await.expect_status(200).json()["tags"].clone();
                let version = tags["stable"].as_str().expect("set").to_owned();
                assert!(versions.contains(&version.as_str()), "{tags}");
                let direct = ada[0].get(&kit).await.expect_status(200).json();
                (direct["dist_tags"]["stable"] == version.as_str()).then_some(version)
            };
            named.push(eventually("the servers to agree on a tag", settled).await.0);
        }
        assert!(named.iter().all(|version| *version == named[0]), "{named:?}");

        // Three concurrent yanks report which tags each moved, as if they were made in some order.
        let paths = versions.map(|version| format!("{kit}/{version}"));
        let answers = join_all((0..3).map(|at| ada[at].delete(&paths[at]))).await;
        assert_eq!(count(&answers, 200), 3, "{:?}", told(&answers));
        let effects: Vec<Value> = answers.iter().map(|answer| effect(&answer.json())).collect();
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let possible = orders.map(|order| effects_of(&versions, order, &named[0]));
        assert!(possible.contains(&effects), "{effects:?}");
        for api in &replicas.anonymous() {
            let settled = async || {
                let shown = api.get(&kit).await.expect_status(200).json();
                (shown["dist_tags"] == json!({"latest": "0.9.0"})).then_some(())
            };
            eventually("latest to name what is left", settled).await;
        }

        // A tag that is set to a version being yanked is removed with it, or refused.
        let (edge, last, wish) = (format!("{kit}/tags/edge"), format!("{kit}/0.9.0"), json!({"version": "0.9.0"}));
        let (first, second) = tokio::join!(ada[1].put(&edge, &wish), ada[2].delete(&last));
        let removed = second.expect_status(200).json()["removed_tags"].clone();
        match first.status {
            200 => assert_eq!(removed, json!(["edge", "latest"])),
            400 => assert_eq!((&first.json()["error"], removed), (&json!("invalid_tag"), json!(["latest"]))),
            _ => panic!("{:?}", told(&[first])),
        }
        let none = async || {
            let tags = ada[0].get(&format!("{kit}/tags")).await.expect_status(200).json()["tags"].clone();
            (tags == json!({})).then_some(())
        };
        eventually("no tag to be left", none).await;
    }
}

/// What a yank reports about tags.
fn effect(yanked: &Value) -> Value {
    json!({"moved": yanked["moved_tags"], "removed": yanked["removed_tags"]})
}

/// The effects of yanking `versions` in this order on `latest` and on the tag `stable`, which names the
/// version `stable`.
fn effects_of(versions: &[&str; 3], order: [usize; 3], stable: &str) -> Vec<Value> {
    let mut left = vec!["0.9.0", versions[0], versions[1], versions[2]];
    let mut effects = vec![Value::Null; 3];
    for at in order {
        let before = left.last().copied();
        left.retain(|version| *version != versions[at]);
        let after = left.last().copied();
        let moved = if before == after { json!({}) } else { json!({"latest": after}) };
        let removed = if versions[at] == stable { json!(["stable"]) } else { json!([]) };
        effects[at] = json!({"moved": moved, "removed": removed});
    }
    effects
}
