//! Disks that cannot be written to.

use std::fs;

use serde_json::json;

use crate::{
    process::{Site, in_repository, wait_until},
    web::{self, Answer},
};

fn archive() -> Vec<u8> {
    fs::read(in_repository("tests/fixtures/greet-kit-1.0.0.aam")).expect("there")
}

/// Asserts that an answer is 503 with that code, contains `told`, and contains no path of the site.
#[track_caller]
fn refused(site: &Site, answer: &Answer, code: &str, told: &str) {
    assert_eq!((answer.status, &answer.json()["error"]), (503, &json!(code)), "{answer:?}");
    let message = answer.json()["message"].as_str().expect("text").to_owned();
    assert!(message.contains(told), "{message}");
    assert!(!message.contains(site.path("").to_str().expect("UTF-8")), "{message}");
}

#[test]
fn a_folder_of_archives_that_cannot_be_written_is_told() {
    let site = Site::new();
    let server = site.serve(&[]);
    let port = server.port();
    let authorization = web::sign_up(port, "alice");
    let (folder, aside) = (site.path("data/packages"), site.path("aside"));
    fs::rename(&folder, &aside).expect("our own folder");
    site.write("data/packages", "in its place");
    let told = "disk with the registry's archives cannot be written to";
    refused(&site, &web::get(port, "/health/storage").expect("answered"), "storage_unavailable", told);
    refused(&site, &web::publish(port, &authorization, &archive()), "storage_unavailable", told);
    let ready = web::get(port, "/ready").expect("answered");
    assert_eq!((ready.status, &ready.json()["failing"]), (200, &json!(["storage"])), "{ready:?}");
    assert!(ready.json()["reasons"][0].as_str().expect("text").contains(told), "{ready:?}");
    assert_eq!(web::get(port, "/health/db").expect("answered").status, 200);

    fs::remove_file(&folder).expect("our own file");
    fs::rename(&aside, &folder).expect("our own folder");
    wait_until("it is well", || web::get(port, "/health/storage").expect("answered").status == 200);
    assert_eq!(web::publish(port, &authorization, &archive()).status, 201);
    // The files that test whether the disk can be written to are deleted.
    let told = site.run(&["storage", "cleanup", "--dry-run", "--older-than", "0s", "--json"]).succeeded().json();
    assert_eq!((&told["scanned"], &told["archives"]), (&json!(1), &json!(0)), "{told}");
}

/// A limit on the size of files replaces a full disk, so that no file system has to be mounted.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_by_health_and_publishes_and_heals() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    let site = Site::new();
    let server = site.serve_on_a_disk_that_may_fill();
    let port = server.port();
    let authorization = web::sign_up(port, "alice");
    let pid = Pid::from_raw(server.pid().try_into().expect("a small number"));
    let room = |bytes: Option<u64>| {
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(pid, Resource::Fsize, limit).expect("our own process");
    };
    let other = fs::read(in_repository("tests/fixtures/acme-review-suite-2.1.0.aam")).expect("there");
    assert_eq!(web::post(port, "/api/v1/scopes", &authorization, &json!({ "name": "acme" })).status, 201);
    assert_eq!(web::publish(port, &authorization, &other).status, 201);

    room(Some(4096));
    let database = web::get(port, "/health/db").expect("answered");
    refused(&site, &database, "database_unavailable", "disk with the registry's database (its data folder)");
    // A store that was well is not tested again for half a minute.
    let storage = || web::get(port, "/health/storage").expect("answered");
    wait_until("it is tested again", || storage().status != 200);
    refused(&site, &storage(), "storage_unavailable", "The disk with the registry's archives is full");
    let publish = web::publish(port, &authorization, &archive());
    refused(&site, &publish, "storage_unavailable", "disk with the registry's database (its data folder)");
    let ready = web::get(port, "/ready").expect("answered");
    assert_eq!((ready.status, &ready.json()["failing"]), (200, &json!(["database", "storage"])), "{ready:?}");

    // Reads go on.
    let package = "/api/v1/packages/@acme/review-suite";
    for read in [package.to_owned(), format!("{package}/2.1.0"), format!("{package}/2.1.0/download")] {
        assert_eq!(web::get(port, &read).expect("answered").status, 200, "{read}");
    }

    room(None);
    for path in ["/health/db", "/health/storage"] {
        wait_until("it is well", || web::get(port, path).expect("answered").status == 200);
    }
    assert_eq!(web::publish(port, &authorization, &archive()).status, 201);
    let log = server.log().join("\n");
    assert!(log.contains("data/registry.db: "), "the log tells which disk: {log}");
}

#[test]
fn a_database_file_that_is_moved_away_or_replaced_is_told_by_every_probe() {
    let site = Site::new();
    let server = site.serve(&[]);
    let (port, authorization) = (server.port(), web::sign_up(server.port(), "alice"));
    let healthcheck = || site.run(&["healthcheck", "--port", &port.to_string()]);
    healthcheck().succeeded();
    let (file, aside) = (site.path("data/registry.db"), site.path("aside.db"));
    let told = "file of the registry's database was moved away or replaced under the running server: the right file has \
                to be put in its place and the server started again";
    for replaced in [false, true] {
        fs::rename(&file, &aside).expect("our own file");
        if replaced {
            fs::write(&file, "another one").expect("our own file");
        }
        for path in ["/ready", "/health/db"] {
            refused(&site, &web::get(port, path).expect("answered"), "database_unavailable", told);
        }
        let publish = web::publish(port, &authorization, &archive());
        refused(&site, &publish, "database_unavailable", told);
        let unwell = healthcheck().failed().stdout();
        assert!(unwell.contains("it answered 503") && unwell.contains(told), "{unwell}");
        assert_eq!(web::get(port, "/health").expect("answered").status, 200, "the process is up");
        fs::rename(&aside, &file).expect("our own file");
        wait_until("it is ready", || web::get(port, "/ready").expect("answered").status == 200);
    }
    let log = server.log().join("\n");
    assert!(log.contains("database_file_replaced") && log.contains("data/registry.db"), "{log}");
}

#[test]
fn the_room_on_each_disk_is_measured() {
    let site = Site::new();
    let server = site.serve(&[]);
    let mut told = String::new();
    wait_until("it is measured", || {
        told = web::get(server.port(), "/metrics").expect("answered").body;
        told.contains("aam_disk_size_bytes")
    });
    for part in ["database", "archives"] {
        let value = |name: &str| -> f64 {
            let name = format!("{name}{{part=\"{part}\"}} ");
            let line =
                told.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or_else(|| panic!("{name}: {told}"));
            line.parse().expect("a number")
        };
        let (free, all) = (value("aam_disk_free_bytes"), value("aam_disk_size_bytes"));
        assert!(free > 0.0 && free <= all, "{part}: {free} of {all}");
    }
}
