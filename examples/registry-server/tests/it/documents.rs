//! Runs the commands of README.md and docs as they are written there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;

use crate::{
    process::{Site, in_repository},
    web,
};

fn repository() -> PathBuf {
    in_repository("").canonicalize().expect("there")
}

/// The first block of shell commands after `heading`.
fn commands(document: &str, heading: &str) -> String {
    let text = fs::read_to_string(repository().join(document)).expect("there");
    let (_, behind) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{document}: {heading}"));
    let (_, block) = behind.split_once("```sh\n").expect("a block of commands");
    block.split("```").next().expect("its end").to_owned()
}

/// Runs commands in a folder, with the programs of this build; none of them may fail.
#[track_caller]
fn run(commands: &str, folder: &Path, variables: &[(&str, &Path)]) -> String {
    let ours = Path::new(env!("CARGO_BIN_EXE_aam-registry")).parent().expect("a folder");
    let path = format!("{}:{}", ours.display(), std::env::var("PATH").expect("a path"));
    let mut command = Command::new("sh");
    command.args(["-euc", commands]).current_dir(folder).env_clear().env("PATH", path);
    let ran = command.envs(variables.iter().copied()).output().expect("a shell");
    let (stdout, stderr) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{commands}\n{stdout}{stderr}");
    stdout.into_owned()
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(repository().join("tests/fixtures").join(name)).expect("there")
}

#[test]
fn the_tour_by_curl_works_from_any_folder() {
    let site = Site::new();
    let server = site.serve(&[]);
    let port = server.port();
    // The tour with the client has created these.
    let authorization = web::sign_up(port, "alice");
    for scope in ["acme", "my_org"] {
        assert_eq!(web::post(port, "/api/v1/scopes", &authorization, &json!({ "name": scope })).status, 201);
    }
    for name in ["greet-kit-1.0.0", "acme-review-suite-2.1.0", "my_org-style-guide-0.3.0"] {
        assert_eq!(web::publish(port, &authorization, &fixture(&format!("{name}.aam"))).status, 201, "{name}");
    }
    let commands = commands("README.md", "### The same by curl");
    let here = commands.replace("localhost:8000", &format!("127.0.0.1:{port}"));
    assert_ne!(here, commands);
    let calls = commands.lines().filter(|line| line.contains("curl")).count();
    assert_eq!(commands.matches("curl -fsS").count(), calls, "a failure has to be loud");
    let folder = tempfile::tempdir().expect("a folder");
    let said = run(&here, folder.path(), &[("registry", &repository())]);
    assert!(said.contains(r#""@my_org/style-guide""#), "{said}");
    assert_eq!(fs::read(folder.path().join("pre-1.0.0-rc.1.aam")).expect("downloaded"), fixture("pre-1.0.0-rc.1.aam"));
}

#[test]
fn a_backup_is_made_and_restored_as_the_document_says() {
    const DOCUMENT: &str = "docs/backup.md";
    let site = Site::new();
    let server = site.serve(&[]);
    let authorization = web::sign_up(server.port(), "alice");
    assert_eq!(web::publish(server.port(), &authorization, &fixture("greet-kit-1.0.0.aam")).status, 201);
    let backups = tempfile::tempdir().expect("a folder");
    let here =
        |heading: &str| commands(DOCUMENT, heading).replace("/srv/backup", backups.path().to_str().expect("UTF-8"));
    let said = run(&here("## Making a backup"), &site.path(""), &[]);
    assert!(said.contains("1 versions and 1 archives") && said.contains("0 faults"), "{said}");
    drop(server);

    let restored = Site::new();
    let said = run(&here("## Restoring"), &restored.path(""), &[]);
    assert!(said.contains("1 versions") && said.contains("0 damaged"), "{said}");
    let server = restored.serve(&[]);
    let download = web::get(server.port(), "/api/v1/packages/greet-kit/1.0.0/download").expect("answered");
    assert_eq!(download.status, 200);
    // The key that signs login sessions is part of the backup.
    assert_eq!(web::get_with(server.port(), "/api/v1/users/me", &authorization).expect("answered").status, 200);
}

#[test]
fn the_api_by_example_works_by_curl() {
    let site = Site::new();
    let server = site.serve(&[]);
    // With the password that the example asks for.
    web::sign_up(server.port(), "alice");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("greet-kit-1.0.0.aam"), fixture("greet-kit-1.0.0.aam")).expect("written");
    let registry = format!("http://127.0.0.1:{}", server.port());
    let variables = [("REGISTRY", Path::new(&registry)), ("PASSWORD", Path::new(web::PASSWORD))];
    let said = run(&commands("docs/api-by-example.md", "## curl"), folder.path(), &variables);
    assert!(said.contains(r#""version":"1.0.0""#), "{said}");
}

#[test]
fn the_page_of_settings_is_what_the_server_prints() {
    let printed = Site::new().run(&["config", "reference"]).succeeded().stdout();
    let page = fs::read_to_string(repository().join("docs/configuration.md")).expect("there");
    assert!(
        printed == page,
        "docs/configuration.md is not up to date: `cargo run -p aam-registry -- config reference > docs/configuration.md`"
    );
}
