//! A local folder.

mod suite {
    use aam_registry_backends::folder::FolderArchives;
    use aam_registry_core::archive_store_conformance;

    archive_store_conformance!(async {
        let folder = tempfile::tempdir().expect("a folder");
        let store = FolderArchives::open(folder.path().join("packages")).expect("a store");
        (store, folder)
    });
}

mod beyond_the_suite {
    use std::path::{Path, PathBuf};

    use aam_registry_backends::folder::FolderArchives;
    use aam_registry_core::{
        Error,
        ports::{ArchiveContent, ArchiveStore},
        types::{ArchiveKey, UploadId},
    };
    use bytes::Bytes;

    fn store(root: &Path) -> FolderArchives {
        FolderArchives::open(root).expect("a store")
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let mut files: Vec<_> =
            entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
        files.sort();
        files
    }

    #[tokio::test]
    async fn an_archive_is_one_file_at_its_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("new/packages");
        let key = ArchiveKey::from(UploadId::generate());
        let mut writer = store(&root).create(&key).await.expect("create");
        writer.write(Bytes::from_static(b"bytes")).await.expect("write");
        writer.finish().await.expect("finish");
        assert_eq!(files(&root), [root.join(key.as_str())]);
        assert_eq!(store(&root).size(&key).await.expect("size"), Some(5), "a store opened later sees it");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_can_never_be_read_is_not_worth_a_retry() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(folder.path());
        let key = ArchiveKey::from(UploadId::generate());
        let path = folder.path().join(key.as_str());
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::os::unix::fs::symlink(&path, &path).expect("a link to itself");
        for error in [store.size(&key).await.expect_err("a loop"), store.open(&key, None).await.expect_err("a loop")] {
            assert!(matches!(&error, Error::Backend(backend) if !backend.retry), "{error:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_path_that_is_not_text_is_fine() {
        let folder = tempfile::tempdir().expect("a folder");
        let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"packages-\xff");
        store(&folder.path().join(name)).check().await.expect("a folder");
        assert!(folder.path().join(name).is_dir());
    }

    #[tokio::test]
    async fn what_a_killed_writer_left_is_deleted_with_its_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = ArchiveKey::from(UploadId::generate());
        let mut writer = store(folder.path()).create(&key).await.expect("create");
        writer.write(vec![7; 1 << 20].into()).await.expect("write");
        drop(writer);
        assert_eq!(files(folder.path()).len(), 1, "there is something to clean up");
        let store = store(folder.path());
        let left = store.unfinished(None, 10).await.expect("unfinished");
        assert_eq!(left.iter().map(|left| &left.key).collect::<Vec<_>>(), [&key]);
        assert!(left[0].size > 0 && left[0].modified_at.is_some(), "{left:?}");
        assert_eq!(store.list(None, 10).await.expect("list"), []);
        store.delete(&key).await.expect("delete");
        assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
    }

    #[tokio::test]
    async fn an_aborted_writer_leaves_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = store(folder.path()).create(&UploadId::generate().into()).await.expect("create");
        writer.write(vec![7; 1 << 20].into()).await.expect("write");
        writer.abort().await.expect("abort");
        assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
    }

    #[tokio::test]
    async fn an_archive_deleted_while_it_is_written_does_not_come_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, key) = (store(folder.path()), ArchiveKey::from(UploadId::generate()));
        let mut writer = store.create(&key).await.expect("create");
        writer.write(vec![7; 1 << 20].into()).await.expect("write");
        store.delete(&key).await.expect("delete");
        writer.finish().await.expect_err("nothing is left to finish");
        assert_eq!(store.size(&key).await.expect("size"), None);
    }

    #[tokio::test]
    async fn small_archives_come_as_bytes_and_large_ones_as_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(folder.path());
        for (size, small) in [(64 * 1024, true), (64 * 1024 + 1, false)] {
            let key = ArchiveKey::from(UploadId::generate());
            let mut writer = store.create(&key).await.expect("create");
            writer.write(vec![7; size].into()).await.expect("write");
            writer.finish().await.expect("finish");
            let whole = store.open(&key, None).await.expect("open").expect("an archive");
            assert_eq!(matches!(whole, ArchiveContent::Bytes(_)), small, "{size} bytes: {whole:?}");
            assert_eq!(matches!(whole, ArchiveContent::File { .. }), !small, "{size} bytes: {whole:?}");
            let part = store.open(&key, Some(10..20)).await.expect("open").expect("an archive");
            assert!(matches!(part, ArchiveContent::Bytes(_)), "{part:?}");
            store.open(&key, Some(10..size as u64 + 1)).await.expect_err("a range beyond the end");
        }
    }

    #[tokio::test]
    async fn foreign_files_are_not_listed() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(folder.path());
        let foreign = ["archives/README", "archives/ab/notes.txt", "archives/ab/x.aam", "archives/ab/x.aam.part"];
        for name in foreign.into_iter().chain(["lost+found/x"]) {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, "x").expect("a file");
        }
        assert_eq!(store.list(None, 10).await.expect("list"), []);
        assert_eq!(store.unfinished(None, 10).await.expect("unfinished"), []);
    }

    #[tokio::test]
    async fn a_folder_that_is_gone_is_an_outage() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("packages");
        let store = store(&root);
        std::fs::remove_dir_all(&root).expect("remove");
        store.check().await.expect_err("the folder is gone");
        for size in [10, 2 << 20] {
            let mut writer = store.create(&UploadId::generate().into()).await.expect("create");
            let stored = match writer.write(vec![7; size].into()).await {
                Ok(()) => writer.finish().await.map(drop),
                Err(error) => Err(error),
            };
            stored.expect_err("nothing is written where a disk may be missing");
        }
        assert!(!root.exists());
    }
}
