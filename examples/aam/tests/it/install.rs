//! Lock files, updates, dependencies, and archives that are not what they should be.

use std::fs;

use crate::{
    proxy::{Mischief, Proxy},
    server::{Server, beside},
};

#[test]
fn a_locked_install_brings_back_exactly_what_was_there() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    machine.ok(&["install", "greet-kit@1.0.0", "@acme/review-suite", "--platform", "claude,codex"]);
    let whole = machine.snapshot();
    let lock = machine.read(".aam/aam-lock.yaml");
    for entry in fs::read_dir(machine.project()).expect("project").flatten() {
        if entry.file_name() != ".aam" {
            fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path())).expect("removed");
        }
    }
    fs::remove_dir_all(machine.project().join(".aam")).expect("removed");
    machine.write(".aam/aam-lock.yaml", &lock);
    machine.ok(&["install", "--locked"]);
    assert_eq!(machine.snapshot(), whole);

    let list = machine.json(&["list"]);
    let digest = |n: usize| list[n]["sha256"].as_str().expect("digest").to_owned();
    machine.write(".aam/aam-lock.yaml", &lock.replace(&digest(1), &digest(0)));
    assert_eq!(machine.fails(7, &["install", "--locked"])["error"], "integrity");
}

#[test]
fn the_dependencies_of_a_project_are_installed() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    assert_eq!(machine.fails(2, &["install"])["error"], "usage");
    assert_eq!(machine.fails(2, &["install", "--locked"])["error"], "usage");
    assert!(!machine.has(".aam"), "a failed command leaves nothing");
    machine.ok(&["pkg", "init", "mine", "--folder", "."]);
    let manifest = machine.read("aam.yaml");
    machine.write("aam.yaml", &manifest.replace("dependencies: {}", "dependencies:\n  greet-kit: ~1.0.0\n"));
    machine.ok(&["install"]);
    assert_eq!(machine.json(&["list"])[0]["version"], "1.0.0");
    machine.ok(&["install", "--locked"]);
    machine.write("aam.yaml", &manifest.replace("dependencies: {}", "dependencies:\n  greet-kit: ^1.1\n"));
    assert_eq!(machine.fails(5, &["install", "--locked"])["error"], "lock_outdated");
    machine.ok(&["install"]);
    assert_eq!(machine.json(&["list"])[0]["version"], "1.1.0");
}

#[test]
fn update_goes_as_far_as_was_asked_for() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    machine.ok(&["yank", "greet-kit@1.1.0"]);
    machine.ok(&["install", "greet-kit"]);
    machine.ok(&["unyank", "greet-kit@1.1.0"]);
    machine.ok(&["install", "@acme/review-suite"]);
    let version = || machine.json(&["list"])[1]["version"].clone();
    assert_eq!(version(), "1.0.0", "what is there does not move by itself");
    let script = ".agents/skills/hello-skill/scripts/hello.sh";
    let before = machine.read(script);
    let report = machine.json(&["update", "greet-kit"]);
    assert_eq!(
        (&report["installed"][0]["from"], &report["installed"][0]["version"]),
        (&"1.0.0".into(), &"1.1.0".into())
    );
    assert_ne!(machine.read(script), before);
    machine.ok(&["install", "greet-kit@1.0.0"]);
    machine.ok(&["update"]);
    assert_eq!(version(), "1.0.0", "an exact version was asked for");
}

#[test]
fn a_package_that_others_need_stays() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    machine.ok(&["install", "greet-kit", "@acme/review-suite"]);
    let report = machine.json(&["uninstall", "greet-kit"]);
    assert_eq!(report["warnings"][0], "greet-kit stays: @acme/review-suite needs it");
    assert!(machine.has(".agents/skills/hello-skill"));
    machine.ok(&["uninstall", "@acme/review-suite"]);
    assert!(!machine.has(".agents") && !machine.has(".aam") && !machine.has("AGENTS.md"));
    assert_eq!(machine.fails(4, &["uninstall", "greet-kit"])["error"], "not_installed");
}

#[test]
fn what_two_packages_disagree_on_is_explained() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    machine.init("old", "old");
    let manifest = machine.read("old/aam.yaml").replace("dependencies: {}", "dependencies:\n  greet-kit: '<1.0'\n");
    machine.write("old/aam.yaml", &manifest);
    machine.ok(&["pkg", "publish", "old"]);
    let error = machine.fails(5, &["install", "old", "@acme/review-suite"]);
    assert_eq!(error["error"], "resolution_conflict");
    assert!(!machine.has(".aam"));
}

#[test]
fn a_tampered_download_is_refused() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    let proxy = Proxy::start(server.address, "/download", Mischief::Flip, 1);
    let error = machine.fails(7, &["install", "greet-kit", "--registry", &proxy.url()]);
    assert_eq!(error["error"], "integrity");
    assert!(!machine.has(".agents") && !machine.has(".aam"), "nothing was installed");
    let error = machine.fails(
        7,
        &["download", "greet-kit", "--registry", &Proxy::start(server.address, "/download", Mischief::Flip, 1).url()],
    );
    assert_eq!(error["error"], "integrity");
    assert!(machine.snapshot().is_empty(), "nothing was kept");
    machine.ok(&["download", "greet-kit", "--registry", &proxy.url()]);
    assert!(machine.has("greet-kit-1.1.0.aam"));
}

#[test]
fn a_broken_download_is_tried_again() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    let proxy = Proxy::start(server.address, "/download", Mischief::Cut, 2);
    machine.ok(&["install", "greet-kit", "--registry", &proxy.url()]);
    assert_eq!(proxy.left(), 0);
    assert!(machine.has(".agents/skills/hello-skill/SKILL.md"));
}

#[test]
fn two_installs_at_once_both_count() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    let (mut one, mut two) = (machine.aam(&["install", "greet-kit"]), machine.aam(&["install", "@my_org/style-guide"]));
    let one = beside(move || one.output().expect("aam runs"));
    let two = beside(move || two.output().expect("aam runs"));
    assert!(one.join().expect("ends").status.success() && two.join().expect("ends").status.success());
    assert_eq!(machine.json(&["list"]).as_array().map(Vec::len), Some(3));
}
