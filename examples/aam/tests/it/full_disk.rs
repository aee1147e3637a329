//! Disks that take no more, wherever the client writes to one.
//!
//! A limit on the size of files and `/dev/full` stand in for a full disk wherever tests run. With the feature
//! `service-tests` the disk is a real one: a small tmpfs, which only the client under test sees.

use std::{
    fs::{self, File},
    process::Command,
};

use crate::{
    machine::Machine,
    server::{Server, noise},
};

/// Publishes `@acme/large`, of a prompt whose archive is small, and `@acme/noise`, of one whose archive is as large.
fn publish_large(machine: &Machine) {
    let prompt = |name| format!("  prompts:\n    - {{name: {name}, path: p.md, description: d}}\n");
    machine.publish("@acme/large", "1.0.0", &prompt("large"), &[("p.md", &"x".repeat(1 << 20))]);
    // A text of one byte a character, so that it is as large as the noise.
    let text: String = noise(200_000).iter().map(|byte| char::from(b' ' + byte % 64)).collect();
    machine.publish("@acme/noise", "1.0.0", &prompt("noise"), &[("p.md", &text)]);
}

/// Runs `aam` where no file gets larger than `blocks` of 512 bytes.
fn limited(machine: &Machine, blocks: u32, arguments: &[&str]) -> (Option<i32>, String) {
    let aam = machine.aam(arguments);
    let mut shell = Command::new("/bin/sh");
    let script = format!(r#"trap "" XFSZ; ulimit -f {blocks}; exec "$0" "$@""#);
    shell.args(["-c", &script]).arg(aam.get_program()).args(arguments);
    shell.current_dir(machine.project()).env_clear();
    shell.envs(aam.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = shell.output().expect("aam runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn files_that_the_system_takes_no_more_of_are_no_fault_of_the_package() {
    const HELP: &str = "help: the file is larger than this system lets you write";
    let server = Server::start();
    let machine = server.machine_of_alice();
    publish_large(&machine);
    for (arguments, message) in [
        (&["install", "@acme/large", "--platform", "claude"][..], "error: Cannot unpack into "),
        (&["install", "@acme/noise", "--platform", "claude"], "error: Cannot keep the archive of @acme/noise 1.0.0: "),
        (&["download", "@acme/noise"], "error: Cannot keep the archive of @acme/noise 1.0.0: "),
    ] {
        let (code, said) = limited(&machine, 64, arguments);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(message) && said.contains("File too large") && said.contains(HELP), "{said}");
        assert!(fs::read_dir(machine.project()).expect("folder").next().is_none(), "nothing is left");
    }
    machine.ok(&["install", "@acme/large", "--platform", "claude"]);
    let before = machine.snapshot();
    let (code, said) = limited(&machine, 0, &["uninstall", "@acme/large"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("error: Cannot write ") && said.contains(HELP), "{said}");
    assert_eq!(machine.snapshot(), before, "what cannot be put on record is not done");
    machine.ok(&["uninstall", "@acme/large"]);
}

#[test]
fn a_result_that_the_disk_does_not_take_is_a_failure() {
    let machine = Machine::new();
    machine.ok(&["registry", "add", "http://127.0.0.1:1", "--name", "other"]);
    for arguments in [&["registry", "list"][..], &["--json", "registry", "list"]] {
        let full = File::options().write(true).open("/dev/full").expect("the device");
        let output = machine.aam(arguments).stdout(full).output().expect("aam runs");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        if arguments.len() == 2 {
            assert!(
                said.contains("error: Cannot write the result: No space left") && said.contains("help: "),
                "{said}"
            );
        }
    }
}

#[cfg(feature = "service-tests")]
mod real {
    use std::{
        fs,
        path::Path,
        process::{Command, Output},
    };

    use super::publish_large;
    use crate::{machine::Machine, server::Server};

    const FULL: &str = "No space left on device";
    const HELP: &str = "help: the disk is full: make room and run the command again, which finishes what was begun";

    /// Runs a shell script where `place` is a disk of `size` that only the script sees: empty, and called `$PLACE`.
    /// `aam` in it is the client.
    fn on_a_small_disk(machine: &Machine, place: &Path, size: &str, script: &str) -> String {
        fs::create_dir_all(place).expect("folder");
        let aam = machine.aam(&[]);
        let script = format!(
            "mount -t tmpfs -o size={size} none \"$PLACE\" && echo mounted || exit\ncd \"$PROJECT\"\n\
             aam() {{ \"$AAM\" \"$@\"; echo \"code $?\"; }}\nfill() {{ cat /dev/zero >\"$PLACE/filler\"; }}\n\
             exec 2>&1\n{script}"
        );
        let mut shell = Command::new("unshare");
        shell.args(["--map-root-user", "--mount", "/bin/sh", "-c", &script]).current_dir(machine.project());
        shell.env_clear().envs(aam.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("AAM", aam.get_program());
        shell.env("PLACE", place).env("PROJECT", machine.project());
        let Output { stdout, stderr, .. } = shell.output().expect("unshare is installed");
        let (told, error) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(
            told.starts_with("mounted\n"),
            "this test mounts a disk: run it as root or allow user namespaces: {error}"
        );
        told.into_owned()
    }

    /// Requires that `told` has each of `parts`, in that order.
    fn assert_told(told: &str, parts: &[&str]) {
        let mut rest = told;
        for part in parts {
            rest = rest.split_once(part).unwrap_or_else(|| panic!("no {part:?} in what is left of it: {told}")).1;
        }
    }

    #[test]
    fn a_full_disk_of_temporary_files_leaves_nothing_behind() {
        let server = Server::start();
        let machine = server.machine_of_alice();
        publish_large(&machine);
        let told = on_a_small_disk(
            &machine,
            &machine.user().join("small"),
            "100k",
            "export TMPDIR=\"$PLACE\"\naam install @acme/large --platform claude\n\
             aam install @acme/noise --platform claude\necho \"left: $(find . \"$PLACE\" -type f)\"\n\
             mount -o remount,size=8m \"$PLACE\"\naam install @acme/large --platform claude",
        );
        let parts = ["Cannot unpack into ", FULL, HELP, "code 1", "Cannot keep the archive of @acme/noise 1.0.0: "];
        assert_told(&told, &[&parts[..], &[FULL, HELP, "code 1", "left: \n", "code 0"]].concat());
    }

    #[test]
    fn a_full_disk_of_the_project_is_told_and_the_next_run_finishes() {
        let server = Server::start();
        let machine = server.machine_of_alice();
        publish_large(&machine);
        // The unpacked package has room, what is made of it has not.
        let told = on_a_small_disk(
            &machine,
            &machine.project(),
            "1500k",
            "aam install @acme/large --platform claude\nmount -o remount,size=8m \"$PLACE\"\n\
             aam install @acme/large --platform claude\nwc -c <.claude/commands/large.md\naam install --locked",
        );
        let parts = ["Cannot write ", "/.claude/commands/large.md: ", FULL, HELP, "code 1"];
        assert_told(
            &told,
            &[&parts[..], &["Taking back what an interrupted run", "code 0", "10485", "code 0"]].concat(),
        );
    }

    #[test]
    fn a_project_without_room_stays_as_it_was_and_the_next_run_installs() {
        let server = Server::start();
        let machine = server.machine_with_fixtures();
        let told = on_a_small_disk(
            &machine,
            &machine.project().join(".aam"),
            "200k",
            "aam install greet-kit --platform claude\ncp .aam/aam-lock.yaml lock\nfill\n\
             aam install greet-kit --platform cursor\ncmp .aam/aam-lock.yaml lock && echo as it was\n\
             rm \"$PLACE/filler\"\naam install greet-kit --platform cursor\ngrep cursor .aam/aam-lock.yaml\nls .cursor",
        );
        let parts = ["code 0", "Cannot write ", "/.aam/packages/.unfinished: ", FULL, HELP, "code 1", "as it was"];
        assert_told(&told, &[&parts[..], &["code 0", "cursor"]].concat());
    }

    #[test]
    fn a_full_disk_of_the_users_files_changes_neither_them_nor_the_project() {
        let server = Server::start();
        let machine = server.machine_with_fixtures();
        let told = on_a_small_disk(
            &machine,
            &machine.home().join("projects"),
            "32k",
            "fill\naam install greet-kit --platform claude\necho \"left: $(find . -type f | grep -v guard)\"\n\
             rm \"$PLACE/filler\"\naam install greet-kit --platform claude",
        );
        assert_told(&told, &["Cannot write ", "/projects/", FULL, HELP, "code 1", "left: \n", "code 0"]);
        let told = on_a_small_disk(
            &machine,
            &machine.home(),
            "32k",
            "aam registry add http://127.0.0.1:1 --name one\nfill\naam registry add http://127.0.0.1:2 --name two\n\
             aam registry list\nls -A \"$PLACE\"",
        );
        assert_told(&told, &["code 0", "Cannot write ", "config.yaml: ", FULL, HELP, "code 1", "one", "code 0"]);
        assert!(!told.contains("two ") && !told.contains(".aam-new-"), "{told}");
    }
}
