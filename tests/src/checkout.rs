use std::{
    env,
    path::{Path, PathBuf},
};

/// The root of the repository under test.
///
/// Cargo and nextest say at run time where the package of the test is. The path that was compiled in may name another
/// checkout, one that shared the target folder, or one that is gone.
pub(crate) fn checkout() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let root = package.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    root.map(Path::to_owned).unwrap_or(package)
}
