//! Backups, and a cleanup after a restore.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    process::{Ran, Site, in_repository, mode, wait_until},
    web,
};

const VERSIONS: [&str; 2] = ["1.0.0", "1.1.0"];

fn publish(port: u16, authorization: &str, version: &str) {
    let archive = in_repository(&format!("tests/fixtures/greet-kit-{version}.aam"));
    assert_eq!(web::publish(port, authorization, &fs::read(archive).expect("there")).status, 201);
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("our own folder");
    for entry in fs::read_dir(from).expect("there") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("there").map(|entry| entry.expect("an entry").file_name());
    entries.map(|name| name.into_string().expect("UTF-8")).collect()
}

/// A site with the archives of `site` and another database.
fn restored(site: &Site, database: &Path) -> Site {
    let restored = Site::new();
    copy_folder(&site.path("data/packages"), &restored.path("data/packages"));
    fs::copy(database, restored.path("data/registry.db")).expect("copied");
    restored
}

fn cleanup(site: &Site, args: &[&str]) -> Ran {
    site.run(&[&["storage", "cleanup", "--older-than", "0s"], args].concat())
}

#[test]
fn a_backup_of_a_running_server_restores_all_of_it() {
    let site = Site::new();
    let server = site.serve(&[]);
    let authorization = web::sign_up(server.port(), "alice");
    publish(server.port(), &authorization, "1.0.0");
    fs::create_dir(site.path("backups")).expect("our own folder");
    site.write("backups/registry-20200101T000000Z.db.part", "of one that was killed");
    let told = site.run(&["backup", "--to", "backups", "--database-only", "--json"]).succeeded().json();
    assert_eq!(told["versions"], 1, "{told}");
    let file = site.path(told["file"].as_str().expect("a path"));
    assert_eq!((names_in(&site.path("backups")).len(), mode(&file)), (1, 0o600), "{told}");
    publish(server.port(), &authorization, "1.1.0");

    let site = restored(&site, &file);
    site.run(&["storage", "verify", "--deep"]).succeeded();
    let server = site.serve(&[]);
    let package = web::get(server.port(), "/api/v1/packages/greet-kit").expect("answered").json();
    assert_eq!(package["versions"].as_array().map(Vec::len), Some(1), "{package}");
    let download = web::get(server.port(), "/api/v1/packages/greet-kit/1.0.0/download").expect("answered");
    assert_eq!(download.status, 200);
    let login = json!({ "username": "alice", "password": "a sentence that is long enough" });
    assert_eq!(web::post(server.port(), "/api/v1/users/login", "", &login).status, 200);
    // One of the two archives was published after the backup: half of all, so the cleanup asks first.
    let stopped = cleanup(&site, &[]).failed().stderr();
    assert!(stopped.contains("nothing was deleted: nothing refers to 1 of 2 archives, more than a tenth"), "{stopped}");
    assert_eq!(cleanup(&site, &["--force", "--json"]).succeeded().json()["archives"], 1);
}

#[test]
fn backups_that_begin_within_one_second_do_not_collide() {
    let site = Site::new();
    site.run(&["migrate"]).succeeded();
    let back_up = || site.run(&["backup", "--to", "backups", "--database-only", "--json"]).succeeded().json();
    let files: Vec<_> = std::thread::scope(|scope| {
        let begun: Vec<_> = (0..4).map(|_| scope.spawn(back_up)).collect();
        begun.into_iter().map(|one| one.join().expect("a backup")["file"].clone()).collect()
    });
    let mut names = names_in(&site.path("backups"));
    names.sort();
    let mut told: Vec<_> = files.iter().filter_map(|file| file.as_str()?.strip_prefix("backups/")).collect();
    told.sort_unstable();
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(names, told);
}

#[test]
fn a_plain_copy_of_the_database_of_a_running_server_is_not_empty() {
    let site = Site::new();
    let mut server = site.serve(&[]);
    let authorization = web::sign_up(server.port(), "alice");
    for version in VERSIONS {
        publish(server.port(), &authorization, version);
    }
    let checked = || {
        let copy = restored(&site, &site.path("data/registry.db"));
        // A copy that was made during a write may be refused; copy it again.
        let told: Option<Value> = serde_json::from_str(&copy.run(&["storage", "verify", "--json"]).stdout()).ok();
        told.and_then(|told| told["checked"].as_u64())
    };
    wait_until("the copy has both versions", || checked() == Some(2));
    server.terminate();
    assert!(server.wait().success());
    assert!(!site.path("data/registry.db-wal").exists(), "the log is copied into the database at the end");
    assert_eq!(checked(), Some(2));
}

#[test]
fn a_cleanup_behind_a_database_from_before_asks_first() {
    let site = Site::new();
    let server = site.serve(&[]);
    let authorization = web::sign_up(server.port(), "alice");
    let told = site.run(&["backup", "--to", "backups", "--database-only", "--json"]).succeeded().json();
    let backup = site.path(told["file"].as_str().expect("a path"));
    for version in VERSIONS {
        publish(server.port(), &authorization, version);
    }
    drop(server);
    for name in names_in(&site.path("data")).into_iter().filter(|name| name.starts_with("registry.db")) {
        fs::remove_file(site.path("data").join(name)).expect("our own file");
    }
    fs::copy(backup, site.path("data/registry.db")).expect("copied");
    let archives = || {
        let told = cleanup(&site, &["--dry-run", "--json"]).succeeded().json();
        (told["archives"].as_u64(), told["needs_force"].as_str().map(str::to_owned))
    };
    let (would_go, why) = archives();
    assert_eq!(would_go, Some(2));
    assert!(why.is_some_and(|why| why.contains("nothing refers to 2 of 2 archives, all there are")));
    let stopped = cleanup(&site, &[]).failed();
    assert!(
        stopped.stderr().contains("nothing was deleted: nothing refers to 2 of 2 archives"),
        "{}",
        stopped.stderr()
    );
    assert!(stopped.stderr().contains("--force"), "{}", stopped.stderr());
    let told = cleanup(&site, &["--json"]).failed().json();
    assert_eq!((&told["stopped"], archives().0), (&json!(true), Some(2)));
    assert_eq!(cleanup(&site, &["--force", "--json"]).succeeded().json()["archives"], 2);
    assert_eq!(archives(), (Some(0), None));
}

#[test]
fn what_is_not_backed_up_is_said() {
    let mut site = Site::new();
    let refused = site.run(&["backup", "--to", "backups", "--database-only"]).failed().stderr();
    assert!(refused.contains("there is no registry in ./data/registry.db"), "{refused}");
    let both = site.run(&["backup", "--to", "backups", "--database-only", "--keep", "1d"]);
    assert_eq!(both.code(), Some(2), "{}", both.stderr());
    site.set("STORAGE_BACKEND", "memory");
    site.run(&["migrate"]).succeeded();
    let refused = site.run(&["backup", "--to", "backups"]).failed().stderr();
    assert!(refused.contains("archives that are kept in memory are gone with the server"), "{refused}");
    site.set("DATABASE_URL", "postgresql://aam:hunter2@db/aam");
    let refused = site.run(&["backup", "--to", "backups", "--database-only"]).failed().stderr();
    assert!(refused.contains("pg_dump --format=custom --file=backups/registry.dump"), "{refused}");
    assert!(!refused.contains("hunter2"), "{refused}");
}

#[test]
fn keys_are_backed_up_where_they_are_asked_for() {
    let site = Site::new();
    let server = site.serve(&[]);
    let authorization = web::sign_up(server.port(), "alice");
    publish(server.port(), &authorization, "1.0.0");
    site.run(&["backup", "--to", "without"]).succeeded();
    site.run(&["backup", "--to", "with", "--with-keys"]).succeeded();
    drop(server);
    let copies = |place: &str| {
        let backups = site.path(place).join("backups");
        let backup = backups.join(names_in(&backups).pop().expect("one"));
        fs::read(backup.join("keys/jwt-secret")).ok()
    };
    assert_eq!((copies("without"), mode(&site.path("with"))), (None, 0o700));
    let key = fs::read(site.path("data/jwt-secret")).expect("there");
    assert_eq!(copies("with"), Some(key.clone()));

    let from = site.path("with");
    let from = from.to_str().expect("UTF-8");
    let restored = Site::new();
    fs::create_dir(restored.path("data")).expect("our own folder");
    restored.write("data/jwt-secret", "another");
    let refused = restored.run(&["restore", "--from", from]).failed().stderr();
    assert!(refused.contains("DATA_DIR holds another jwt-secret than the backup"), "{refused}");
    fs::remove_file(restored.path("data/jwt-secret")).expect("our own file");
    let told = restored.run(&["restore", "--from", from, "--json"]).succeeded().json();
    assert_eq!((&told["keys"], &told["versions"]), (&json!(["jwt-secret", "secrets-key"]), &json!(1)), "{told}");
    assert_eq!(mode(&restored.path("data/jwt-secret")), 0o600);
    let server = restored.serve(&[]);
    assert_eq!(web::get_with(server.port(), "/api/v1/users/me", &authorization).expect("answered").status, 200);
}

#[test]
fn a_backup_of_a_registry_without_versions_says_so() {
    let site = Site::new();
    site.run(&["migrate"]).succeeded();
    let ran = site.run(&["backup", "--to", "backups", "--database-only", "--json"]).succeeded();
    let told = "holds no version of any package";
    assert!(ran.stderr().starts_with("warning: ") && ran.stderr().contains(told), "{}", ran.stderr());
    let json = ran.json();
    assert!(json["warning"].as_str().is_some_and(|warning| warning.contains(told)), "{json}");
}

#[test]
fn a_storage_that_is_not_this_registrys_is_no_good_one() {
    let (site, other) = (Site::new(), Site::new());
    for site in [&site, &other] {
        let server = site.serve(&[]);
        publish(server.port(), &web::sign_up(server.port(), "alice"), "1.0.0");
    }
    site.run(&["storage", "verify"]).succeeded();
    let other_packages = other.path("data/packages");
    let told = site.run(&["storage", "verify", "--storage-path", other_packages.to_str().expect("UTF-8"), "--json"]);
    let told = told.failed().json();
    assert!(told["mismatch"].as_str().is_some_and(|why| why.contains("that of another registry")), "{told}");

    // A new database beside the archives of one that is gone.
    let fresh = Site::new();
    fresh.run(&["migrate"]).succeeded();
    copy_folder(&site.path("data/packages"), &fresh.path("data/packages"));
    fs::remove_file(fresh.path("data/packages/archives/registry-id")).expect("the mark");
    let ran = fresh.run(&["storage", "verify"]).failed();
    assert!(ran.stdout().contains("the database knows no version, and the storage holds archives"), "{}", ran.stdout());
}
