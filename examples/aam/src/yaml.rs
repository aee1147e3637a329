//! YAML files of the client: small, strict, with messages that name the file.

use std::{fs, io, path::Path};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    atomic_file::{self, Mode},
    failure::{Failure, Kind, Result},
};

/// Reads `path`; `None` where there is no such file.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io("read", path, &error)),
    };
    serde_saphyr::from_str(&text).map(Some).map_err(|error| {
        let text = error.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter);
        let first = text.lines().next().unwrap_or_default();
        Failure::new(Kind::Usage, "invalid_file", format!("{} is not valid: {first}", path.display()))
    })
}

/// Writes `value` to `path`, after the comment lines of `head`.
pub(crate) fn write(path: &Path, head: &str, value: &impl Serialize, mode: Mode) -> Result<()> {
    let text = serde_saphyr::to_string(value)
        .map_err(|error| Failure::new(Kind::Other, "io", format!("Cannot write {}: {error}", path.display())))?;
    atomic_file::write(path, format!("{head}{text}").as_bytes(), mode)
}
