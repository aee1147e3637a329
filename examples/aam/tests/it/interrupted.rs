//! Runs that are cut short while they write, by a kill or by Ctrl-C.

use std::{
    fs,
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use crate::{machine::Machine, server::Server};

const MARK: &str = ".aam/packages/.unfinished";
const FILES: usize = 600;

/// A machine on which a large package and a small one were published.
fn with_big(server: &Server) -> Machine {
    let machine = server.machine_of_alice();
    let mut files = vec![("big/SKILL.md".to_owned(), "---\nname: big\ndescription: d\n---\nBig.\n".to_owned())];
    files.extend((0..FILES).map(|n| (format!("big/part/{n}.md"), format!("{n}\n"))));
    let files: Vec<_> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    machine.publish("@acme/big", "1.0.0", "  skills:\n    - {name: big, path: big, description: d}\n", &files);
    let rule = "  instructions:\n    - {name: rule, path: r.md, description: d}\n";
    machine.publish("@acme/other", "1.0.0", rule, &[("r.md", "A rule.\n")]);
    machine
}

const INSTALL: [&str; 4] = ["install", "@acme/big", "--platform", "claude"];
const OTHER: [&str; 4] = ["install", "@acme/other", "--platform", "claude"];

/// Runs `aam` and sends it `signal` while it writes.
fn cut_short(machine: &Machine, arguments: &[&str], signal: &str) -> Output {
    let mark = machine.project().join(MARK);
    let mut child = machine.aam(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("aam runs");
    let is_on_record = || {
        let entries = fs::read_dir(machine.home().join("projects")).into_iter().flatten().flatten();
        // A killed run may have left a record that it was writing.
        let mut records = entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "yaml"));
        records.any(|record| fs::read_to_string(record.path()).is_ok_and(|text| text.contains("unfinished:")))
    };
    while !mark.exists() || !is_on_record() {
        assert!(child.try_wait().expect("asked").is_none(), "it ended before it was seen to write");
        thread::sleep(Duration::from_millis(1));
    }
    let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
    assert!(killed.success());
    child.wait_with_output().expect("ends")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_was_cut_short_does_not_come_into_another_project_at_the_same_path() {
    let server = Server::start();
    let machine = with_big(&server);
    cut_short(&machine, &INSTALL, "-KILL");
    assert!(machine.has(MARK));
    fs::remove_dir_all(machine.project()).expect("removed");
    fs::create_dir(machine.project()).expect("made");
    let output = machine.run(&OTHER);
    assert!(output.status.success() && !said(&output).contains("interrupted"), "{}", said(&output));
    let listed = machine.json(&["list"]);
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["name"]), (Some(1), &"@acme/other".into()));
    assert!(!machine.has(".claude/skills") && !machine.has(".aam/packages/@acme/big"));
}

#[test]
fn what_was_cut_short_is_told_and_taken_back_by_the_next_command() {
    let server = Server::start();
    let machine = with_big(&server);
    cut_short(&machine, &INSTALL, "-KILL");
    for arguments in [&["list"][..], &["audit"], &["list", "--json"]] {
        let output = machine.run(arguments);
        assert!(said(&output).contains("an interrupted run of aam left files"), "{arguments:?}: {}", said(&output));
    }
    let output = machine.run(&OTHER);
    assert!(output.status.success() && said(&output).contains("Taking back"), "{}", said(&output));
    assert_eq!(machine.json(&["list"]).as_array().map(Vec::len), Some(1));
    assert!(!machine.has(".claude/skills") && !machine.has(".aam/packages/@acme/big") && !machine.has(MARK));
    assert!(!said(&machine.run(&["list"])).contains("interrupted"));
    machine.ok(&["uninstall", "@acme/other"]);
    assert!(machine.snapshot().is_empty(), "{:?}", machine.snapshot().keys());
}

#[test]
fn files_that_came_back_after_an_uninstall_was_cut_short_stay() {
    let server = Server::start();
    let machine = with_big(&server);
    machine.ok(&INSTALL);
    let before = machine.snapshot();
    cut_short(&machine, &["uninstall", "@acme/big"], "-KILL");
    // As `git checkout .` does.
    for (path, bytes) in before.iter().filter(|(path, _)| path.starts_with(machine.project().join(".claude"))) {
        match bytes {
            Some(bytes) => fs::write(path, bytes).expect("written"),
            None => fs::create_dir_all(path).expect("made"),
        }
    }
    machine.ok(&OTHER);
    let after = machine.snapshot();
    let lost: Vec<_> = before.keys().filter(|path| !after.contains_key(*path)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(machine.json(&["list"]).as_array().map(Vec::len), Some(2));
}

#[test]
fn an_uninstall_that_is_repeated_after_it_was_cut_short_works() {
    let server = Server::start();
    let machine = with_big(&server);
    machine.ok(&INSTALL);
    cut_short(&machine, &["uninstall", "@acme/big"], "-KILL");
    machine.ok(&["uninstall", "@acme/big"]);
    assert!(machine.snapshot().is_empty(), "{:?}", machine.snapshot().keys());

    // As if it had been killed after the lock file was removed: the rest is finished, and what was asked for is done.
    machine.ok(&INSTALL);
    cut_short(&machine, &["uninstall", "@acme/big"], "-KILL");
    fs::remove_file(machine.project().join(".aam/aam-lock.yaml")).expect("removed");
    let output = machine.run(&["uninstall", "@acme/big"]);
    assert!(output.status.success() && said(&output).contains("Finishing"), "{}", said(&output));
    assert!(machine.snapshot().is_empty(), "{:?}", machine.snapshot().keys());
    machine.fails(4, &["uninstall", "@acme/big"]);
}

#[test]
fn ctrl_c_takes_back_what_was_written() {
    let server = Server::start();
    let machine = with_big(&server);
    let untouched = machine.snapshot();
    let output = cut_short(&machine, &INSTALL, "-INT");
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(said(&output).contains("Stopped; nothing was changed"), "{}", said(&output));
    assert_eq!(machine.snapshot(), untouched);
    assert!(!said(&machine.run(&["list"])).contains("interrupted"));

    machine.ok(&INSTALL);
    let installed = machine.snapshot();
    let output = cut_short(&machine, &["uninstall", "@acme/big"], "-INT");
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert_eq!(machine.snapshot(), installed);
    machine.ok(&["uninstall", "@acme/big"]);
    assert_eq!(machine.snapshot(), untouched);
}
