//! `storage cleanup` and `storage verify`, with a folder and with S3.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aam_registry_backends::{
    folder::FolderArchives,
    opendal::{OpendalArchives, S3Config},
};
use aam_registry_core::{
    ports::ArchiveStore,
    types::{ArchiveKey, UploadId},
};
use aam_registry_tests::{Package, S3Server, Server, Settings, Stores};
use serde_json::{Value, json};

/// A server with three versions, and the folder that contains their archives.
struct Kept {
    server: Server,
    root: PathBuf,
    /// The archives of the three versions, in order.
    archives: Vec<PathBuf>,
}

impl Kept {
    async fn new(server: Server, root: PathBuf) -> Self {
        let ada = server.user("ada").await;
        let mut archives: Vec<PathBuf> = Vec::new();
        for version in ["1.0.0", "1.1.0", "1.2.0"] {
            ada.publish(&Package::new("kit", version).file("v", version).aam(), &[]).await.expect_status(201);
            archives.extend(files(&root).into_iter().find(|file| !archives.contains(file)));
        }
        assert_eq!(archives.len(), 3);
        Self { server, root, archives }
    }

    /// Adds a complete archive that no version refers to.
    fn add_garbage(&self) -> ArchiveKey {
        let key = ArchiveKey::from(UploadId::generate());
        let path = self.root.join(key.as_str());
        fs::create_dir_all(path.parent().expect("in a folder")).expect("our own folder");
        fs::copy(&self.archives[0], &path).expect("a copy");
        key
    }

    async fn check_cleanup(&self, whole: &[ArchiveKey], unfinished: &[ArchiveKey]) {
        let counts =
            |answer: &Value| ["archives", "unfinished", "failed"].map(|key| answer[key].as_u64().expect("a number"));
        let expected = [whole.len(), unfinished.len(), 0].map(|count| u64::try_from(count).expect("few"));
        let run = async |arguments: &[&str]| {
            self.server.run(&[&["storage", "cleanup"], arguments].concat()).await.expect_code(0)
        };
        // A recent file may belong to an upload that was not recorded yet, since the clocks may differ.
        assert_eq!(counts(&run(&["--json"]).await.json()), [0, 0, 0]);
        let listed = run(&["--dry-run", "--older-than", "0s", "--json"]).await.json();
        assert_eq!((counts(&listed), &listed["dry_run"]), (expected, &true.into()), "{listed}");
        let text = run(&["--dry-run", "--older-than", "0s"]).await.stdout;
        for key in whole.iter().chain(unfinished) {
            assert!(text.contains(key.as_str()), "{text}");
            assert!(listed["items"].as_array().expect("a list").iter().any(|item| item["archive"] == key.as_str()));
        }
        assert!(text.contains("would be deleted"), "{text}");
        let cleaned = run(&["--older-than", "0s", "--force", "--json"]).await.json();
        assert_eq!(counts(&cleaned), expected, "{cleaned}");
        assert_eq!(counts(&run(&["--older-than", "0s", "--json"]).await.json()), [0, 0, 0]);
        let text = run(&["--older-than", "0s"]).await.stdout;
        assert!(text.contains("0 archives and 0 unfinished uploads deleted"), "{text}");
        assert_eq!(files(&self.root).len(), 3);
        self.server.run(&["storage", "verify", "--deep"]).await.expect_code(0);
    }

    async fn check_verify(&self) {
        let run = async |arguments: &[&str]| self.server.run(&[&["storage", "verify"], arguments].concat()).await;
        let whole = run(&["--json"]).await.expect_code(0).json();
        assert_eq!((&whole["checked"], &whole["damaged"]), (&3.into(), &json!([])));

        fs::remove_file(&self.archives[0]).expect("our own file");
        let mut bytes = fs::read(&self.archives[2]).expect("our own file");
        fs::write(&self.archives[1], &bytes[..10]).expect("our own file");
        bytes[20] ^= 1;
        fs::write(&self.archives[2], &bytes).expect("our own file");

        let seen = run(&["--json"]).await.expect_code(1).json();
        assert_eq!(problems(&seen), ["1.0.0 missing", "1.1.0 size"]);
        let deep = run(&["--deep", "--json"]).await.expect_code(1).json();
        assert_eq!(problems(&deep), ["1.0.0 missing", "1.1.0 size", "1.2.0 digest"]);
        let text = run(&["--deep"]).await.expect_code(1).stdout;
        assert!(text.contains("kit 1.0.0: its archive is missing") && text.contains("3 damaged"), "{text}");
    }
}

/// The damaged versions, and what is wrong with each.
fn problems(answer: &Value) -> Vec<String> {
    let text = |one: &Value, key| one[key].as_str().expect("text").to_owned();
    let damaged = answer["damaged"].as_array().expect("a list").iter();
    let mut problems: Vec<_> = damaged.map(|one| [text(one, "version"), text(one, "problem")].join(" ")).collect();
    problems.sort_unstable();
    problems
}

/// All archives below `root`.
pub(super) fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("our own folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "aam") {
                found.push(path);
            }
        }
    }
    found
}

/// Begins to write an archive, and drops the writer.
async fn leave_unfinished(store: &impl ArchiveStore) -> ArchiveKey {
    let key = ArchiveKey::from(UploadId::generate());
    let mut writer = store.create(&key).await.expect("a writer");
    // More than one part, so that a multipart upload has begun.
    for _ in 0..20 {
        writer.write(vec![7; 1 << 20].into()).await.expect("room");
    }
    std::mem::forget(writer);
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_cleaned_and_verified() {
    let server = Server::start_on(Settings::default()).await;
    let root = server.data_dir().join("packages");
    let kept = Kept::new(server, root.clone()).await;
    let store = FolderArchives::open(&root).expect("a folder");
    let unfinished = [leave_unfinished(&store).await];
    kept.check_cleanup(&[kept.add_garbage(), kept.add_garbage()], &unfinished).await;
    kept.check_verify().await;
    // A link to itself cannot be read; the other damaged versions are reported all the same.
    std::os::unix::fs::symlink(&kept.archives[0], &kept.archives[0]).expect("our own link");
    let seen = kept.server.run(&["storage", "verify", "--json"]).await.expect_code(1).json();
    assert_eq!(problems(&seen), ["1.0.0 unreadable", "1.1.0 size"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_cleaned_and_verified() {
    let stores = Stores::start().await;
    let server = Server::start_on(stores.settings()).await;
    let kept = Kept::new(server, stores.s3.bucket().join("registry")).await;
    let config = S3Config::new(S3Server::BUCKET)
        .with_endpoint(stores.s3.endpoint())
        .with_prefix("registry")
        .with_credentials(S3Server::ACCESS_KEY, S3Server::SECRET_KEY.into());
    let store = OpendalArchives::new(&config.into()).expect("a bucket");
    let unfinished = [leave_unfinished(&store).await, leave_unfinished(&store).await];
    kept.check_cleanup(&[kept.add_garbage()], &unfinished).await;
    kept.check_verify().await;
}
