//! The client against a server whose operator raised its limits.

use std::{fs, path::Path};

use aam_registry_tests::{Machine, Server};

/// Writes a package whose skill has `files` besides its `SKILL.md`.
fn package(folder: &Path, name: &str, files: impl Iterator<Item = (String, Vec<u8>)>) {
    let manifest = format!(
        "name: {name}\nversion: 1.0.0\ndescription: d\nartifacts:\n  skills:\n    - {{name: s, path: skills/s, description: d}}\n"
    );
    let skill = b"---\nname: s\ndescription: What it is for\n---\nRead the notes.\n".to_vec();
    let own = [("aam.yaml".to_owned(), manifest.into_bytes()), ("skills/s/SKILL.md".to_owned(), skill)];
    for (path, bytes) in own.into_iter().chain(files.map(|(path, bytes)| (format!("skills/s/{path}"), bytes))) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }
}

/// Bytes that no packer makes smaller.
fn noise(bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    rand::fill(&mut noise[..]);
    noise
}

#[tokio::test(flavor = "multi_thread")]
async fn more_entries_than_registries_usually_take_are_published_and_installed() {
    let server = Server::start_with(&[("MAX_ARCHIVE_ENTRIES", "20000")]).await;
    let machine = Machine::new(&server, "ada").await;
    let (folder, project) = (machine.folder("many"), machine.folder("project"));
    package(
        &folder,
        "many",
        (0..10_001).map(|at| (format!("data/{}/{at}.txt", at % 100), at.to_string().into_bytes())),
    );
    let published = machine.aam(&folder, &["pkg", "publish", "--yes"]).await;
    assert_eq!(published["already_published"], false);
    let report = machine.aam(&project, &["install", "many", "--platform", "claude"]).await;
    assert_eq!(report["files"]["written"].as_array().map(Vec::len), Some(10_002), "{}", report["installed"]);
    for at in [0, 5000, 10_000] {
        let path = format!(".claude/skills/s/data/{}/{at}.txt", at % 100);
        assert_eq!(fs::read_to_string(project.join(path)).expect("there"), at.to_string());
    }
    let report = machine.aam(&project, &["uninstall", "many"]).await;
    assert_eq!(report["files"]["removed"].as_array().map(Vec::len), Some(10_002));
    assert_eq!(fs::read_dir(&project).expect("a folder").count(), 0, "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_above_the_usual_size_is_published_and_installed() {
    const USUAL: usize = 50 << 20;
    let server = Server::start_with(&[("MAX_ARCHIVE_SIZE", "80MB")]).await;
    let machine = Machine::new(&server, "ada").await;
    let (folder, project) = (machine.folder("large"), machine.folder("project"));
    let noise = noise(USUAL + (1 << 20));
    package(&folder, "large", [("noise.bin".to_owned(), noise.clone())].into_iter());
    let packed = machine.aam(&folder, &["pkg", "pack"]).await;
    assert!(packed["size"].as_u64().is_some_and(|size| size > USUAL as u64), "{}", packed["size"]);
    machine.aam(&folder, &["pkg", "publish", "--yes"]).await;
    machine.aam(&project, &["install", "large", "--platform", "claude"]).await;
    let installed = fs::read(project.join(".claude/skills/s/noise.bin")).expect("there");
    assert!(installed == noise, "{} bytes arrived", installed.len());
}
