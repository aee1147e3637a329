//! Versions that commands quarantine, release and remove while a server runs.

use serde_json::json;

use crate::{
    process::{Server, Site, in_repository, wait_until},
    web,
};

const VERSION: &str = "/api/v1/packages/greet-kit/1.0.0";

/// A site with a package, its owner and a moderator.
fn site() -> Site {
    let mut site = Site::new();
    site.set("RATE_LIMIT_OTHER", 0);
    site.run(&["migrate"]).succeeded();
    for name in ["alice", "mona"] {
        let create = ["user", "create", "--username", name, "--email", &format!("{name}@example.com")];
        site.run_with_input(&create, "a sentence that is long enough").succeeded();
    }
    site.run(&["user", "grant-role", "mona", "moderator"]).succeeded();
    let fixtures = in_repository("tests/fixtures/file-registry");
    site.run(&["import", "--from", fixtures.to_str().expect("UTF-8"), "--owner", "alice"]).succeeded();
    site
}

/// Waits until the server answers as it should after what a command changed.
fn becomes(server: &Server, wanted: u16) {
    wait_until(&format!("{wanted}"), || web::get(server.port(), VERSION).expect("answered").status == wanted);
}

#[test]
fn a_moderator_acts_without_the_api() {
    let site = site();
    let server = site.serve(&[]);
    becomes(&server, 200);
    let quarantine = |by: &str| {
        site.run(&[
            "version",
            "quarantine",
            "greet-kit@1.0.0",
            "--by",
            by,
            "--category",
            "malware",
            "--reason",
            "sends keys away",
        ])
    };
    let refused = quarantine("alice").failed().stderr();
    assert!(refused.contains("moderator"), "{refused}");
    let unknown = quarantine("nobody").failed().stderr();
    assert_eq!(unknown, "error: there is no account nobody; `aam-registry user list` shows all\n");
    let of = |action: &str| site.run(&["version", action, "greet-kit@1.0.0", "--by", "mona"]);
    let early = of("remove").failed().stderr();
    assert!(early.contains("is not in quarantine; put it there first"), "{early}");
    becomes(&server, 200);

    assert_eq!(quarantine("mona").succeeded().stdout(), "greet-kit 1.0.0 is in quarantine now\n");
    becomes(&server, 404);
    let recalls = web::get(server.port(), "/api/v1/recalls").expect("answered").json();
    assert_eq!(recalls["recalls"][0]["reason"], "sends keys away", "{recalls}");
    assert_eq!(of("release").succeeded().stdout(), "greet-kit 1.0.0 is out of quarantine\n");
    becomes(&server, 200);
    quarantine("mona").succeeded();
    let removed = site.run(&["version", "remove", "greet-kit@1.0.0", "--by", "mona", "--json"]).succeeded().json();
    assert_eq!((&removed["package"], &removed["version"]), (&json!("greet-kit"), &json!("1.0.0")), "{removed}");
    becomes(&server, 410);
    let log = site.run(&["audit", "export"]).succeeded().stdout();
    assert!(log.lines().any(|line| line.contains("version.remove") && line.contains("mona")), "{log}");
}

#[test]
fn a_version_is_named_by_package_and_number() {
    let site = Site::new();
    let refused = |arguments: &[&str]| {
        let ran = site.run(&[&["version"], arguments].concat());
        assert_eq!(ran.code(), Some(2));
        ran.stderr()
    };
    for named in ["greet-kit", "@acme/tools"] {
        let told = refused(&["release", named, "--by", "mona"]);
        assert!(told.contains("say which version: a name and a version such as greet-kit@1.1.0"), "{told}");
    }
    let told = refused(&["release", "greet-kit@one", "--by", "mona"]);
    assert!(told.contains("one"), "{told}");
    let told = refused(&["quarantine", "a@1.0.0", "--by", "mona", "--category", "spam", "--reason", "x"]);
    assert!(told.contains("the categories are: malware, secret, abuse, legal, other"), "{told}");
}
