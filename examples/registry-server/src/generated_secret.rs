//! Secrets that the server makes if the operator set none.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use rand::Rng;
use secrecy::SecretString;

/// Reads the secret in the file `name` of `data_dir`, or creates one there that only the owner can read (mode 600).
///
/// # Errors
/// If it can be neither read nor stored.
pub(crate) fn load_or_create(data_dir: &Path, name: &str) -> io::Result<SecretString> {
    let path = data_dir.join(name);
    if let Some(secret) = read(&path)? {
        return Ok(secret);
    }
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    let hex = data_encoding::HEXLOWER.encode(&bytes);

    fs::create_dir_all(data_dir)?;
    let file = tempfile::Builder::new().prefix(&format!(".{name}")).tempfile_in(data_dir);
    // The error would name the file, whose name is random.
    let mut file = file.map_err(|error| io::Error::from(error.kind()))?;
    file.write_all(hex.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(&path) {
        Ok(_) => {
            fs::File::open(data_dir)?.sync_all()?;
            Ok(hex.into())
        }
        // Another process created one in the meantime: both must sign with the same secret.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            read(&path)?.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the generated secret is gone"))
        }
        Err(error) => Err(error.error),
    }
}

fn read(path: &Path) -> io::Result<Option<SecretString>> {
    match fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => Ok(Some(text.trim().into())),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} is empty", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_secret_is_made_once_and_for_the_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let first = load_or_create(&data, "a-secret").expect("made");
        let second = load_or_create(&data, "a-secret").expect("read");
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(first.expose_secret().len(), 64);
        let mode = fs::metadata(data.join("a-secret")).expect("kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data).expect("a folder").count(), 1, "nothing else is left");
    }

    #[test]
    fn an_empty_file_is_no_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a-secret"), "\n").expect("written");
        assert!(load_or_create(folder.path(), "a-secret").is_err());
    }
}
