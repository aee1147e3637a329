//! Names that git, or some system, takes for something else: refused at publish, at pack and at unpack.

use std::io::Write as _;

use aam_registry_core::types::Sha256Digest;
use flate2::{Compression, write::GzEncoder};

use crate::{
    server::Server,
    stage::{Stage, say},
    unseen::send,
};

const MANIFEST: &str = "name: '@acme/names'\nversion: 1.0.0\ndescription: d\nartifacts:\n  skills:\n    - {name: s, path: \
                        skills/s, description: d}\n";
const SKILL: &str = "---\nname: s\ndescription: d\n---\nGo.\n";

/// An archive of these files, of whatever names: no packer of ours makes one.
pub(crate) fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).expect("packed");
    }
    tar.into_inner().and_then(GzEncoder::finish).expect("packed")
}

/// The archive of a package that holds these files, too.
fn archive(names: &[&str]) -> Vec<u8> {
    let own = [("aam.yaml", MANIFEST), ("skills/s/SKILL.md", SKILL)];
    let files: Vec<_> = own.into_iter().chain(names.iter().map(|name| (*name, "x\n"))).collect();
    packed(&files)
}

/// Names with a part of why they are refused, and whether a system that has no trouble with them may unpack them.
const NAMES: [(&[&str], &str, bool); 11] = [
    (&["skills/s/.git/config"], ".git", false),
    (&["skills/s/.GIT/config"], ".git", false),
    (&["skills/s/git~1/config"], ".git", false),
    (&["skills/s/.g\u{200c}it/config"], ".git", false),
    (&["skills/s/aux.md"], "Windows keeps for a device", true),
    (&["skills/s/a:b.md"], "Windows refuses in names", true),
    (&["skills/s/dot."], "ends with a dot or a space", true),
    (&["skills/s/space "], "ends with a dot or a space", true),
    (&["skills/s/gpj.\u{202e}exe"], "direction-changing", true),
    (&["skills/s/caf\u{e9}.md", "skills/s/cafe\u{301}.md"], "differs only in case or in how", true),
    (&["skills/s/A.md", "skills/s/a.md"], "differs only in case or in how", false),
];

#[test]
fn a_registry_takes_no_such_name_from_anybody() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    for (names, why, _) in NAMES {
        let answer = send(&server, &machine, &archive(names));
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("invalid_archive"), "{names:?}: {answer}");
        assert!(answer.contains(why), "{names:?}: {answer}");
    }
    assert_eq!(machine.fails(4, &["info", "@acme/names"])["error"], "package_not_found");
    let answer = send(&server, &machine, &archive(&["skills/s/.gitignore", "skills/s/.github/x.md"]));
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

#[cfg(target_os = "linux")]
#[test]
fn no_such_name_is_packed() {
    let server = Server::start();
    for (names, why, _) in NAMES {
        // Git's own folder stays out of every package, whatever it holds.
        if names[0].to_lowercase().contains("/.git/") {
            continue;
        }
        let machine = server.machine();
        machine.write("aam.yaml", MANIFEST);
        machine.write("skills/s/SKILL.md", SKILL);
        for name in names {
            machine.write(name, "x\n");
        }
        for command in ["pack", "validate"] {
            let error = machine.fails(8, &["pkg", command]);
            assert!(error.to_string().contains(why), "{names:?}: {error}");
        }
        assert!(!machine.has("acme-names-1.0.0.aam"), "{names:?}");
    }
    let machine = server.machine();
    machine.write("aam.yaml", MANIFEST);
    machine.write("skills/s/SKILL.md", SKILL);
    machine.write("skills/s/.git/config", "[core]\n");
    let packed = machine.json(&["pkg", "pack"]);
    assert_eq!(packed["files"], serde_json::json!(["aam.yaml", "skills/s/SKILL.md"]));
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_that_git_would_run_is_unpacked() {
    for (names, why, unpacks) in NAMES {
        let bytes = archive(names);
        let (sha256, size) = (Sha256Digest::of(&bytes), bytes.len());
        let stage = Stage::start(move |first, client| {
            if first.starts_with("POST") {
                let resolved = format!(
                    r#"{{"resolved": {{"@acme/names": {{"version": "1.0.0", "checksum": {{"sha256": "{sha256}"}},
                    "archive_size": {size}}}}}}}"#
                );
                say(client, "200 OK", "", &resolved);
            } else if first.contains("/download") {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n");
                let _ = client.write_all(&[head.as_bytes(), &bytes].concat());
            } else {
                say(client, "404 Not Found", "", "{}");
            }
        });
        let machine = stage.machine();
        let install = ["install", "@acme/names", "--platform", "claude"];
        if unpacks {
            // A version that was published under an older rule still installs where the system can hold it.
            machine.ok(&install);
            continue;
        }
        let error = machine.fails(8, &install);
        assert!(error["message"].as_str().is_some_and(|text| text.starts_with("Cannot unpack: ")), "{error}");
        assert!(error.to_string().contains(why), "{names:?}: {error}");
        assert!(!machine.has(".aam") && !machine.has(".claude"), "{names:?}: nothing was installed");
    }
}

#[test]
fn a_new_name_without_a_scope_that_looks_like_one_is_refused() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let named = |name: &str| {
        let manifest = MANIFEST.replace("@acme/names", name);
        packed(&[("aam.yaml", &manifest), ("skills/s/SKILL.md", SKILL)])
    };
    for name in ["acme--review", "a--b", "a---b"] {
        let answer = send(&server, &machine, &named(name));
        assert!(answer.starts_with("HTTP/1.1 400"), "{name}: {answer}");
        assert!(answer.contains("--"), "{name}: {answer}");
    }
    for name in ["@acme/a--b", "a-b"] {
        let answer = send(&server, &machine, &named(name));
        assert!(answer.starts_with("HTTP/1.1 201"), "{name}: {answer}");
    }
}
