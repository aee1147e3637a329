//! Writing files so that a reader sees the old bytes or the new ones.

use std::{fs, io::Write, path::Path};

use crate::failure::{Failure, Result};

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everybody the umask lets.
    Plain,
    /// As plain, and executable.
    Executable,
    /// The user alone (600).
    Private,
    /// As the file that is replaced, else plain.
    Kept,
}

/// Writes `bytes` to `path`, making its folders; an existing file is replaced whole.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: Mode) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| Failure::io("make the folder", folder, &error))?;
    let failed = |error: std::io::Error| Failure::io("write", path, &error);
    let mut file = builder(mode).tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    if let (Mode::Kept, Ok(data)) = (mode, fs::metadata(path)) {
        file.as_file().set_permissions(data.permissions()).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(unix)]
fn builder(mode: Mode) -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    // The umask takes from these what the user wants taken.
    let bits = match mode {
        Mode::Plain | Mode::Kept => 0o666,
        Mode::Executable => 0o777,
        Mode::Private => 0o600,
    };
    builder.prefix(".aam-").permissions(fs::Permissions::from_mode(bits));
    builder
}

#[cfg(not(unix))]
fn builder(_mode: Mode) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".aam-");
    builder
}
