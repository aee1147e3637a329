//! Registries that are backed up and restored, and what is in a place of backups.

use std::{
    any::Any,
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use aam_registry_core::types::Sha256Digest;
use aam_registry_tests::{Api, JWT_SECRET, Package, Ran, S3Server, Server, Settings};
use flate2::read::GzDecoder;
use serde_json::Value;
use tempfile::TempDir;

/// A database and a storage, with or without a server on them.
pub(crate) struct Site {
    pub(crate) settings: Settings,
    /// The folder in which the archives are files.
    pub(crate) archives: PathBuf,
    /// Goes with it.
    _stores: Box<dyn Any + Send>,
}

impl Site {
    /// On SQLite and a folder.
    pub(crate) fn local() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings::default()
            .with("DATABASE_URL", format!("sqlite://{}", folder.path().join("data/registry.db").display()))
            .with("STORAGE_PATH", folder.path().join("packages").display().to_string())
            .with("JWT_SECRET", JWT_SECRET);
        Self { settings, archives: folder.path().join("packages"), _stores: Box::new(folder) }
    }

    /// On SQLite and a bucket.
    pub(crate) async fn bucket() -> Self {
        let (local, s3) = (Self::local(), S3Server::start().await);
        let settings = local
            .settings
            .clone()
            .without("STORAGE_PATH")
            .with("STORAGE_BACKEND", "s3")
            .with("S3_BUCKET", S3Server::BUCKET)
            .with("S3_PREFIX", "registry")
            .and(&[("S3_ENDPOINT_URL", &s3.endpoint())])
            .and(&[("AWS_ACCESS_KEY_ID", S3Server::ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", S3Server::SECRET_KEY)]);
        Self { settings, archives: s3.bucket().join("registry"), _stores: Box::new((local, s3)) }
    }

    /// On PostgreSQL, a bucket and Redis.
    #[cfg(feature = "service-tests")]
    pub(crate) async fn production() -> Self {
        let stores = aam_registry_tests::Stores::start().await;
        let archives = stores.s3.bucket().join("registry");
        Self { settings: stores.settings(), archives, _stores: Box::new(stores) }
    }

    /// The same with another setting.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.settings = self.settings.with(name, value);
        self
    }

    pub(crate) async fn serve(&self) -> Server {
        Server::start_on(self.settings.clone()).await
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        Ran::on(&self.settings, arguments).await
    }

    /// Backs it up; gives what the command says.
    pub(crate) async fn back_up(&self, place: &Place, more: &[&str]) -> Value {
        let arguments = [&["backup", "--to", place.name(), "--json"], more].concat();
        self.run(&arguments).await.expect_code(0).json()
    }

    pub(crate) async fn restore(&self, place: &Place, more: &[&str]) -> Ran {
        self.run(&[&["restore", "--from", place.name(), "--json"], more].concat()).await
    }

    /// The stored archives by key.
    pub(crate) fn stored(&self) -> BTreeMap<String, PathBuf> {
        files_in(&self.archives)
            .into_iter()
            .filter(|(name, _)| {
                name.starts_with("archives/") && Path::new(name).extension().is_some_and(|ending| ending == "aam")
            })
            .collect()
    }

    /// Requires that it holds what a backup holds: every row of every table, every byte of every archive, and no other.
    pub(crate) async fn assert_holds(&self, place: &Place, backup: &str) {
        let again = Place::new();
        let told = self.back_up(&again, &[]).await;
        let (expected, found) = (place.rows(backup), again.rows(told["backup"].as_str().expect("a name")));
        assert!(expected.len() > 30, "{:?}", expected.keys());
        assert_eq!(expected.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
        for (table, rows) in &expected {
            assert!(rows == &found[table], "the rows of {table}: {rows:#?}\n{:#?}", found[table]);
        }
        let stored = self.stored();
        let listed = place.archives(backup);
        assert_eq!(listed.keys().collect::<Vec<_>>(), stored.keys().collect::<Vec<_>>(), "the same archives");
        for (key, sha256) in listed {
            let bytes = fs::read(&stored[&key]).expect("an archive");
            assert_eq!(Sha256Digest::of(&bytes).to_string(), sha256, "{key}");
            let kept = place.path(&format!("archives/{}/{sha256}.aam", &sha256[..2]));
            assert!(bytes == fs::read(kept).expect("in the backup"), "{key}");
        }
    }
}

/// A folder of backups.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn name(&self) -> &str {
        self.0.path().to_str().expect("UTF-8")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// All files by name, but the lock.
    pub(crate) fn files(&self) -> BTreeMap<String, PathBuf> {
        files_in(self.0.path()).into_iter().filter(|(name, _)| name != ".lock").collect()
    }

    pub(crate) async fn verify(&self) -> Ran {
        Ran::on(&Settings::default(), &["backup", "verify", self.name(), "--json"]).await
    }

    /// The names of the backups, and which are whole.
    pub(crate) async fn backups(&self) -> Vec<(String, bool)> {
        let told = Ran::on(&Settings::default(), &["backup", "ls", self.name(), "--json"]).await.expect_code(0).json();
        let backups = told["backups"].as_array().expect("a list").iter();
        backups.map(|backup| (backup["backup"].as_str().expect("a name").to_owned(), backup["whole"] == true)).collect()
    }

    /// The lines of each table.
    pub(crate) fn rows(&self, backup: &str) -> BTreeMap<String, Vec<String>> {
        let tables = files_in(&self.path(&format!("backups/{backup}/tables")));
        tables.into_iter().map(|(name, file)| (name, lines(&file))).collect()
    }

    /// The digests of the archives of a backup by key.
    pub(crate) fn archives(&self, backup: &str) -> BTreeMap<String, String> {
        let lines = lines(&self.path(&format!("backups/{backup}/archives.jsonl.gz"))).into_iter();
        lines
            .map(|line| {
                let line: Value = serde_json::from_str(&line).expect("JSON");
                let text = |key: &str| line[key].as_str().expect("text").to_owned();
                (text("archive"), text("sha256"))
            })
            .collect()
    }
}

fn lines(file: &Path) -> Vec<String> {
    let mut text = String::new();
    GzDecoder::new(fs::File::open(file).expect("there")).read_to_string(&mut text).expect("compressed text");
    text.lines().map(str::to_owned).collect()
}

fn files_in(root: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).expect("below").to_str().expect("UTF-8").to_owned();
                found.insert(name, path);
            }
        }
    }
    found
}

/// A package whose archive differs from every other.
pub(crate) fn package(name: &str, version: &str) -> Vec<u8> {
    Package::new(name, version).file("notes.md", format!("{name} {version}\n")).aam()
}

/// Publishes a version, which must succeed.
pub(crate) async fn publish(api: &Api, name: &str, version: &str) {
    api.publish(&package(name, version), &[]).await.expect_status(201);
}
