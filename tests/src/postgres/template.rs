use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use super::programs::{other_user, program};
use crate::process::random;

/// Copies a new data folder; returns the password of its superuser `postgres`.
pub(super) fn copy_to(folder: &Path) -> String {
    let template = template();
    copy(&template, folder).expect("the template can be copied");
    fs::read_to_string(password_file(&template)).expect("kept beside the template")
}

/// A data folder that no server has used. It is created once, since that takes seconds.
fn template() -> PathBuf {
    let test = env::current_exe().expect("the test's own path is known");
    let target = test.parent().and_then(Path::parent).expect("cargo puts tests two folders deep");
    let template = target.join("postgres-template");
    if !template.is_dir() {
        make(&template);
    }
    template
}

fn password_file(template: &Path) -> PathBuf {
    template.join("password")
}

fn make(template: &Path) {
    let workshop = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir();
    let workshop = workshop.expect("a temporary folder");
    let (data, password) = (workshop.path().join("data"), workshop.path().join("password"));
    fs::write(&password, format!("{:016x}{:016x}", random(), random())).expect("a file");
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).expect("our own file");
    fs::DirBuilder::new().mode(0o700).create(&data).expect("a folder");
    for path in [&data, &password] {
        give_away(path).expect("root may give files away");
    }
    let made = program("initdb")
        .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"])
        .arg("--pwfile")
        .arg(&password)
        .arg("--pgdata")
        .arg(&data)
        .current_dir(workshop.path())
        .env_clear()
        .output()
        .expect("initdb runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    let ours = template.with_extension(format!("{:016x}", random()));
    copy(&data, &ours).expect("the folder can be copied");
    fs::copy(&password, password_file(&ours)).expect("a file");
    // Another test may have created it first.
    if fs::rename(&ours, template).is_err() {
        fs::remove_dir_all(&ours).expect("our own folder");
    }
    assert!(template.is_dir(), "{} cannot be made", template.display());
}

pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !to.is_dir() {
        fs::DirBuilder::new().mode(0o700).create(to)?;
    }
    give_away(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copied = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &copied)?;
        } else {
            fs::copy(entry.path(), &copied)?;
            give_away(&copied)?;
        }
    }
    Ok(())
}

/// Changes the owner of a file or folder to the user that runs PostgreSQL.
fn give_away(path: &Path) -> io::Result<()> {
    match other_user() {
        Some((user, group)) => chown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}
