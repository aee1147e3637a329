//! Starting, and the schema.

use std::{fs, net::TcpListener};

use crate::{
    process::{Site, mode, wait_until},
    web,
};

#[test]
fn from_nothing_to_a_running_registry_and_again() {
    let site = Site::new();
    let server = site.serve(&[]);
    assert_eq!(web::get(server.port(), "/ready").expect("answered").status, 200);
    assert_eq!(web::get(server.port(), "/health/storage").expect("answered").status, 200);
    let hint = server.wait_for("no_admin_yet");
    assert!(hint["command"].as_str().expect("text").contains("create-admin --username admin"));
    drop(server);

    let secret = fs::read_to_string(site.path("data/jwt-secret")).expect("kept");
    assert_eq!(mode(&site.path("data/jwt-secret")), 0o600);
    drop(site.serve(&[]));
    assert_eq!(fs::read_to_string(site.path("data/jwt-secret")).expect("kept"), secret);
}

#[test]
fn what_alerts_wait_for_is_told_before_it_happens() {
    let site = Site::new();
    let server = site.serve(&[]);
    let told = || web::get(server.port(), "/metrics").expect("answered").body;
    let text = told();
    for counter in [
        r#"aam_publishes_total{outcome="published"} 0"#,
        r#"aam_publishes_total{outcome="refused"} 0"#,
        r#"aam_publishes_total{outcome="failed"} 0"#,
        "aam_downloads_uncounted_total 0",
        r#"aam_failed_logins_total{cause="credentials"} 0"#,
        r#"aam_suspicious_activity_total{kind="mass_yanks"} 0"#,
    ] {
        assert!(text.lines().any(|line| line == counter), "{counter}: {text}");
    }
    for job in [
        "sequence_audit",
        "flush_downloads",
        "refresh_totals",
        "sweep_uploads",
        "touch_tokens",
        "prepare_searches",
        "claim_storage",
    ] {
        let lag = format!("aam_background_job_lag_seconds{{job=\"{job}\"}} ");
        wait_until("it is told", || told().contains(&lag));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn no_memory_is_asked_for_in_huge_pages() {
    let site = Site::new();
    let server = site.serve(&[]);
    let maps = fs::read_to_string(format!("/proc/{}/smaps", server.pid())).expect("the server's");
    let flags = maps.lines().filter_map(|line| line.strip_prefix("VmFlags:"));
    // The abbreviation in proc_pid_smaps(5).
    assert_eq!(flags.filter(|flags| flags.split_whitespace().any(|flag| flag == "hg")).count(), 0);
}

#[test]
fn a_feed_of_changes_is_logged_by_its_name() {
    let server = Site::new().serve_until(&[], "change_feed_linked");
    assert_eq!(server.started["feed"], "sqlite");
}

#[test]
fn a_production_setup_without_a_secret_is_warned() {
    let mut site = Site::new();
    let server = site.set("BASE_URL", "https://registry.example.com").serve(&[]);
    let log = server.log().join("\n");
    assert!(log.contains("configuration_warning") && log.contains("JWT_SECRET is not set"), "{log}");
    let log = Site::new().serve(&[]).log().join("\n");
    assert!(!log.contains("configuration_warning"), "{log}");
}

#[test]
fn a_port_in_use_is_told_before_any_data_is_touched() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let site = Site::new();
    let stderr = site.run(&["--host", "127.0.0.1", "--port", &port]).failed().stderr();
    assert!(stderr.contains(&format!("127.0.0.1:{port}: the port is in use")), "{stderr}");
    assert!(!site.path("data").exists());
}

#[test]
fn migrate_brings_the_schema_up_and_check_only_says() {
    let site = Site::new();
    let json = site.run(&["migrate", "--check", "--json"]).failed().json();
    assert_eq!(json["up_to_date"], false);
    assert!(!site.path("data").exists(), "--check changes nothing");
    let applied = site.run(&["migrate", "--json"]).succeeded().json();
    assert_eq!(applied["applied"], json["pending"]);
    assert_eq!(site.run(&["migrate", "--json"]).succeeded().json()["applied"].as_array().map(Vec::len), Some(0));
    site.run(&["migrate", "--check"]).succeeded();
}

#[test]
fn a_server_waits_for_a_schema_that_is_behind() {
    let mut site = Site::new();
    site.set("AUTO_MIGRATE", "off").set("HOST", "127.0.0.1");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    site.run(&["migrate"]).succeeded();
    fs::remove_file(site.path("data/registry.db")).expect("removed");
    let server = site.serve_until(&["--port", &port.to_string()], "schema_behind");
    assert_eq!(web::get(port, "/health").expect("answered").status, 200);
    let waits = web::get(port, "/ready").expect("answered");
    assert_eq!(waits.status, 503);
    assert!(waits.body.contains("it waits for the schema of its database to be migrated"), "{}", waits.body);
    site.run(&["migrate"]).succeeded();
    server.wait_for("server_started");
    assert_eq!(web::get(port, "/ready").expect("answered").status, 200);
}

#[test]
fn healthcheck_says_whether_the_server_is_well() {
    let site = Site::new();
    let server = site.serve(&[]);
    let port = server.port().to_string();
    site.run(&["healthcheck", "--port", &port]).succeeded();
    let url = format!("http://localhost:{port}/ready");
    assert_eq!(site.run(&["healthcheck", "--url", &url, "--json"]).succeeded().json()["healthy"], true);
    let nowhere = format!("http://localhost:{port}/nowhere");
    let ran = site.run(&["healthcheck", "--url", &nowhere]).failed();
    assert!(ran.stdout().contains("it answered 404"), "{}", ran.stdout());
    drop(server);
    site.run(&["healthcheck", "--port", &port]).failed();
}

/// A mistyped folder must not look like an empty registry.
#[test]
fn commands_on_a_registry_make_none_where_there_is_none() {
    let site = Site::new();
    let id = "0190d9f0-0000-7000-8000-000000000000";
    let commands: [&[&str]; 15] = [
        &["user", "list"],
        &["user", "show", "ada"],
        &["user", "create", "--username", "ada", "--email", "ada@example.com", "--password", "tulip-Wagon-93-kelp"],
        &["user", "disable", "ada"],
        &["user", "enable", "ada"],
        &["user", "grant-role", "ada", "admin"],
        &["user", "revoke-role", "ada", "admin"],
        &["user", "reset-password", "ada", "--password", "tulip-Wagon-93-kelp"],
        &["token", "revoke", "--all"],
        &["token", "revoke", "--id", id],
        &["storage", "verify"],
        &["storage", "cleanup"],
        &["storage", "adopt"],
        &["backup", "--to", "backups", "--database-only"],
        &["backup", "--to", "backups"],
    ];
    let refused = |folder: &str| {
        for command in commands {
            let told = site.run(&[command, &["--data-dir", folder]].concat()).failed().stderr();
            assert!(told.contains("there is no registry in") && told.contains("--data-dir"), "{command:?}: {told}");
            assert!(!site.path("backups").exists(), "{command:?}");
        }
    };
    refused("nowhere");
    assert!(!site.path("nowhere").exists(), "nothing was made");
    // A file without a registry in it is no registry either.
    fs::create_dir(site.path("empty")).expect("our own folder");
    site.write("empty/registry.db", "");
    refused("empty");
    assert_eq!(fs::read_dir(site.path("empty")).expect("there").count(), 1, "nothing was made beside it");

    site.run(&["create-admin", "--username", "root", "--email", "r@example.com", "--password", "tulip-Wagon-93-kelp"])
        .succeeded();
    assert!(site.run(&["user", "list"]).succeeded().stdout().starts_with("root "));
    assert!(!site.path("data/packages").exists(), "no command on accounts needs it");
    for command in ["verify", "cleanup", "adopt"] {
        let told = site.run(&["storage", command]).failed().stderr();
        assert!(told.contains("there is no such folder") && told.contains("STORAGE_PATH"), "{told}");
    }
    site.run(&["user", "list"]).succeeded();
    assert!(!site.path("data/packages").exists(), "nothing was made");
}

#[test]
fn a_data_folder_that_cannot_be_made_is_named_with_its_setting() {
    let mut site = Site::new();
    let file = site.write("file", "");
    site.set("STORAGE_PATH", file.join("packages").display()).set("PORT", 0);
    let stderr = site.run(&["serve"]).failed().stderr();
    assert!(stderr.contains(&format!("{}/packages", file.display())) && stderr.contains("STORAGE_PATH"), "{stderr}");
    let mut site = Site::new();
    let folder = site.write("file", "").join("data");
    let stderr = site.set("DATA_DIR", folder.display()).set("PORT", 0).run(&["serve"]).failed().stderr();
    assert!(stderr.contains(&folder.display().to_string()) && stderr.contains("DATA_DIR"), "{stderr}");
}
