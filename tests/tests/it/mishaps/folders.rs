//! Data folders that the server cannot use.

use std::{fs, os::unix::fs::PermissionsExt};

use aam_registry_tests::Ran;
use insta::assert_snapshot;

use super::{plain, settings};

#[tokio::test]
async fn a_data_folder_that_cannot_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let mode = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).expect("our own folder");
    mode(0o555);
    let told = |data: String| async move {
        let ran = Ran::without_privileges(&settings().with("DATA_DIR", data), &["serve"]).await;
        plain(&ran.expect_code(1).stderr)
    };
    let missing = told(folder.path().join("data").display().to_string()).await;
    assert_snapshot!(missing, @r"error: TMP/NAME/data cannot be used: Permission denied (os error 13); make it writable for the user that runs the server (`chown -R USER FOLDER`), or let DATA_DIR or DATABASE_URL name another folder");
    let there = told(folder.path().display().to_string()).await;
    assert_snapshot!(there, @r"error: TMP/NAME cannot be used: permission denied; make it writable for the user that runs the server (`chown -R USER FOLDER`), or let DATA_DIR or DATABASE_URL name another folder");
    mode(0o755);
}
