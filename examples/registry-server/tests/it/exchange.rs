//! Registries as folders of files: export and import.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};

use crate::{
    backup::{copy_folder, names_in},
    process::{Ran, Site, in_repository},
    web,
};

/// A site with the account that imports.
fn site() -> Site {
    let site = Site::new();
    site.run(&["migrate"]).succeeded();
    let create = ["user", "create", "--username", "alice", "--email", "alice@example.com"];
    site.run_with_input(&create, "a sentence that is long enough").succeeded();
    site
}

fn import(site: &Site, from: &Path, more: &[&str]) -> Ran {
    site.run(&[&["import", "--from", from.to_str().expect("UTF-8"), "--owner", "alice"], more].concat())
}

fn export(site: &Site, more: &[&str]) -> Ran {
    site.run(&[&["export", "--to", "out"], more].concat())
}

/// A copy of the registry that another client made.
fn foreign_registry(site: &Site) -> std::path::PathBuf {
    let folder = site.path("foreign");
    copy_folder(&in_repository("tests/fixtures/file-registry"), &folder);
    folder
}

/// Every file of a registry below `root`, with the bytes of archives replaced by their length.
fn tree(root: &Path) -> BTreeMap<String, Value> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for name in names_in(&folder) {
            let path = folder.join(&name);
            let relative = path.strip_prefix(root).expect("below it").to_str().expect("UTF-8").to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "aam") {
                files.insert(relative, fs::read(&path).expect("there").len().into());
            } else {
                files.insert(relative, document(&path));
            }
        }
    }
    files
}

/// A YAML document without the times in it, which differ from run to run.
fn document(file: &Path) -> Value {
    fn without_times(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    if ["published", "updated_at", "created_at"].contains(&key.as_str()) {
                        assert!(value.as_str().is_some_and(|time| time.len() > 18), "{key}: {value}");
                        *value = "a time".into();
                    }
                    without_times(value);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(without_times),
            _ => {}
        }
    }
    let mut document: Value = serde_saphyr::from_str(&fs::read_to_string(file).expect("there")).expect("YAML");
    without_times(&mut document);
    document
}

#[test]
fn a_registry_of_another_client_is_imported_and_exported_as_it_was() {
    let site = site();
    let foreign = foreign_registry(&site);
    let planned = import(&site, &foreign, &["--dry-run"]).succeeded().stdout();
    assert_eq!(
        planned.lines().collect::<Vec<_>>(),
        [
            "@acme/review-suite: 1 to be published, 0 there already; scope @acme would be created, owned by alice",
            "greet-kit: 2 to be published, 0 there already",
            "packages: 2; versions: 3 to be published, 0 there already; problems: 0",
        ]
    );
    let server = site.serve(&[]);
    assert_eq!(web::get(server.port(), "/api/v1/packages/greet-kit").expect("answered").status, 404);

    let imported = import(&site, &foreign, &["--json"]).succeeded().json();
    assert_eq!((&imported["published"], &imported["there"], &imported["failed"]), (&json!(3), &json!(0), &json!(0)));
    let again = import(&site, &foreign, &[]).succeeded().stdout();
    assert!(again.ends_with("packages: 2; versions: 0 published, 3 there already; problems: 0\n"), "{again}");
    let package = web::get(server.port(), "/api/v1/packages/@acme/review-suite").expect("answered").json();
    assert_eq!((&package["owners"], &package["latest_version"]), (&json!(["alice"]), &json!("2.1.0")));

    let told = export(&site, &[]).succeeded().stdout();
    assert!(told.ends_with("packages: 2, versions: 3, are in out; failed: 0\n"), "{told}");
    let (mut ours, mut theirs) = (tree(&site.path("out")), tree(&foreign));
    let [ours_about, theirs_about] =
        [&mut ours, &mut theirs].map(|files| files.remove("registry.yaml").expect("there"));
    assert_eq!((&ours_about["name"], &ours_about["type"]), (&json!("out"), &theirs_about["type"]));
    // The other client lists no kinds of artifacts.
    for entry in ours.get_mut("index.yaml").expect("there")["packages"].as_array_mut().expect("a list") {
        assert!(!entry["artifact_types"].as_array().expect("a list").is_empty(), "{entry}");
        entry["artifact_types"] = json!([]);
    }
    assert_eq!(ours, theirs);
    let bytes = |root: &Path| fs::read(root.join("packages/greet-kit/versions/1.1.0.aam")).expect("there");
    assert!(bytes(&site.path("out")) == bytes(&foreign));
}

#[test]
fn texts_of_a_file_registry_are_quoted() {
    let site = site();
    import(&site, &foreign_registry(&site), &[]).succeeded();
    export(&site, &[]).succeeded();
    let text = fs::read_to_string(site.path("out/packages/greet-kit/metadata.yaml")).expect("there");
    assert!(text.contains("version: '1.0.0'"), "{text}");
    assert!(text.contains("published: '20"), "{text}");
}

#[test]
fn any_folder_with_archives_is_imported_and_pre_releases_are_spelled_as_python_does() {
    let site = site();
    let told = import(&site, &in_repository("tests/fixtures"), &[]).succeeded().stdout();
    assert!(told.ends_with("packages: 4; versions: 5 published, 0 there already; problems: 0\n"), "{told}");
    let told = export(&site, &["--packages", "pre", "--packages", "@my_org/*", "--json"]).succeeded().json();
    assert_eq!((&told["packages"], &told["versions"]), (&json!(2), &json!(2)), "{told}");
    let metadata = document(&site.path("out/packages/pre/metadata.yaml"));
    assert_eq!(
        (&metadata["versions"][0]["version"], &metadata["dist_tags"]["latest"]),
        (&json!("1.0.0rc1"), &json!("1.0.0rc1"))
    );
    assert_eq!(names_in(&site.path("out/packages/pre/versions")), ["1.0.0rc1.aam"]);
    // It is one version again where it is imported.
    let other = self::site();
    import(&other, &site.path("out"), &[]).succeeded();
    let server = other.serve(&[]);
    assert_eq!(web::get(server.port(), "/api/v1/packages/pre/1.0.0-rc.1").expect("answered").status, 200);
}

#[test]
fn nothing_of_a_package_is_imported_if_one_of_its_archives_is_not_valid() {
    let site = site();
    let foreign = foreign_registry(&site);
    let archive = foreign.join("packages/greet-kit/versions/1.1.0.aam");
    let whole = fs::read(&archive).expect("there");
    fs::write(&archive, &whole[..whole.len() / 2]).expect("written");
    let told = import(&site, &foreign, &[]).failed().stdout();
    assert!(told.contains("greet-kit: not imported: "), "{told}");
    assert!(told.contains("1.1.0.aam: "), "{told}");
    assert!(told.contains("@acme/review-suite: 1 published"), "{told}");
    let server = site.serve(&[]);
    assert_eq!(web::get(server.port(), "/api/v1/packages/greet-kit").expect("answered").status, 404);

    // Another valid archive than the list of the package names is not the right one either.
    fs::copy(foreign.join("packages/greet-kit/versions/1.0.0.aam"), &archive).expect("copied");
    let told = import(&site, &foreign, &[]).failed().stdout();
    assert!(told.contains("greet-kit: not imported: version 1.1.0: there is no valid archive"), "{told}");
    let metadata = foreign.join("packages/greet-kit/metadata.yaml");
    let text = fs::read_to_string(&metadata).expect("there");
    fs::write(&archive, &whole).expect("written");
    fs::write(&metadata, text.replacen("sha256:a8", "sha256:a9", 1)).expect("written");
    let told = import(&site, &foreign, &[]).failed().stdout();
    assert!(told.contains("version 1.0.0: metadata.yaml lists the checksum sha256:a9"), "{told}");

    fs::write(&metadata, text).expect("written");
    import(&site, &foreign, &[]).succeeded();
}

#[test]
fn a_version_that_is_there_with_other_bytes_is_not_replaced() {
    let site = site();
    import(&site, &foreign_registry(&site), &[]).succeeded();
    let folder = site.path("changed");
    fs::create_dir(&folder).expect("our own folder");
    // The same package, compressed anew.
    let archive = fs::read(in_repository("tests/fixtures/greet-kit-1.0.0.aam")).expect("there");
    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*archive), &mut tar).expect("gzip");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut encoder, &tar).expect("written");
    fs::write(folder.join("greet.aam"), encoder.finish().expect("finished")).expect("written");
    let told = import(&site, &folder, &[]).failed().stdout();
    assert!(told.contains("greet-kit: not imported: version 1.0.0 is there with other bytes"), "{told}");
    let nobody = site.run(&["import", "--from", "changed", "--owner", "nobody"]).failed().stderr();
    assert!(nobody.contains("there is no user nobody"), "{nobody}");
    let nothing = site.run(&["import", "--from", "data", "--owner", "alice", "--packages", "x"]).failed().stderr();
    assert!(nothing.contains("data holds no package to import"), "{nothing}");
}

#[test]
fn an_export_follows_what_was_yanked_since() {
    let site = site();
    import(&site, &foreign_registry(&site), &[]).succeeded();
    export(&site, &[]).succeeded();
    let server = site.serve(&[]);
    let login = json!({ "username": "alice", "password": "a sentence that is long enough" });
    let session = web::post(server.port(), "/api/v1/users/login", "", &login).json();
    let authorization = format!("Authorization: Bearer {}\r\n", session["access_token"].as_str().expect("a token"));
    let yanked = web::delete(server.port(), "/api/v1/packages/greet-kit/1.1.0", &authorization);
    assert_eq!(yanked.status, 200, "{yanked:?}");
    let told = export(&site, &["--dry-run"]).succeeded().stdout();
    assert!(told.contains("greet-kit: 0 to be written, 1 there already"), "{told}");
    assert!(site.path("out/packages/greet-kit/versions/1.1.0.aam").exists());
    export(&site, &[]).succeeded();
    assert_eq!(names_in(&site.path("out/packages/greet-kit/versions")), ["1.0.0.aam"]);
    let metadata = document(&site.path("out/packages/greet-kit/metadata.yaml"));
    assert_eq!(metadata["dist_tags"], json!({ "latest": "1.0.0" }));
}
