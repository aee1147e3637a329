//! The client goes by what the registry takes, not by limits of its own.

use std::fs;

use aam_registry_core::archive::ArchiveLimits;

use crate::{
    machine::Machine,
    server::{Server, noise},
};

/// Writes the package in `folder` with a skill of `files` small files, and one of `bytes` bytes that no packer makes smaller.
fn package(machine: &Machine, folder: &str, files: usize, bytes: usize) {
    machine.init(&format!("@acme/{folder}"), folder);
    for at in 0..files {
        machine.write(&format!("{folder}/skills/{folder}/data/{}/{at}.txt", at % 100), "x");
    }
    let file = machine.project().join(format!("{folder}/skills/{folder}/noise.bin"));
    fs::write(file, noise(bytes)).expect("written");
}

#[test]
fn what_a_registry_with_larger_limits_takes_is_published_and_installs() {
    let usual = ArchiveLimits::default();
    let server = Server::with_limits(usual.with_manifest(usual.manifest().with_max_artifacts(1100)));
    let machine = server.machine_of_alice();
    for at in 0..1001 {
        machine.write(&format!("prompts/p{at}.md"), "Go.\n");
    }
    machine.ok(&["pkg", "create", "--all", "--name", "@acme/many"]);
    machine.ok(&["pkg", "publish"]);
    let elsewhere = machine.other("elsewhere");
    let folder = elsewhere.to_str().expect("text");
    let report = machine.json(&["-C", folder, "install", "@acme/many", "--platform", "claude"]);
    assert_eq!(report["files"]["written"].as_array().map(Vec::len), Some(1001), "{}", report["installed"]);
}

#[test]
fn what_a_registry_with_smaller_limits_refuses_is_told_before_it_is_sent() {
    let server = Server::with_limits(ArchiveLimits::default().with_max_archive_size(60_000).with_max_entries(10));
    let machine = server.machine_of_alice();
    package(&machine, "many", 20, 1000);
    package(&machine, "dense", 0, 100_000);
    for (folder, said) in [("many", "10 entries"), ("dense", "60000 bytes")] {
        for arguments in [&["pkg", "validate", folder][..], &["pkg", "pack", folder], &["pkg", "publish", folder]] {
            let error = machine.fails(8, arguments);
            assert!(error["details"].to_string().contains(said), "{error}");
        }
    }
}

#[test]
fn a_registry_that_cannot_be_asked_is_taken_to_have_the_usual_limits() {
    let machine = Machine::new();
    machine.ok(&["registry", "add", "http://127.0.0.1:1", "test", "--default"]);
    package(&machine, "usual", 0, 1000);
    assert_eq!(machine.json(&["pkg", "validate", "usual"])["valid"], true);
    package(&machine, "many", 10_001, 1000);
    let error = machine.fails(8, &["pkg", "validate", "many"]);
    assert!(error["help"].as_str().is_some_and(|help| help.contains("could not be asked")), "{error}");
    // One that can be asked, and takes more.
    let server = Server::with_limits(ArchiveLimits::default().with_max_entries(20_000));
    assert_eq!(machine.json(&["pkg", "validate", "many", "--registry", &server.url()])["valid"], true);
}
