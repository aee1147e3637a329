use std::{
    io::{Read, Write},
    ops::ControlFlow,
};

use super::{
    failure::{from_io, invalid_entry},
    limits::ArchiveLimits,
    member::Member,
    walk::walk,
};
use crate::error::{Error, Result};

/// Copies the first regular file at any of `paths` to `out`; `false` where
/// there is none.
///
/// A link is not a regular file: for a file that [`judge`](super::judge) listed, pass the paths of all
/// files with its digest, one of which is regular. Stops reading when the file is copied. Blocks.
///
/// # Errors
/// As for [`judge`](super::judge), except for errors in the manifest. If `out` fails: the [`Error`]
/// that its [`io::Error`](std::io::Error) carries, else an internal error.
pub fn copy_file(mut reader: impl Read, paths: &[&str], limits: &ArchiveLimits, out: &mut dyn Write) -> Result<bool> {
    let mut found = false;
    walk(&mut reader, limits, &mut |member| {
        let Member::File { path, size, contents, .. } = member else { return Ok(ControlFlow::Continue(())) };
        if !paths.contains(&path) {
            return Ok(ControlFlow::Continue(()));
        }
        let mut buffer = vec![0; 64 * 1024];
        let mut left = size;
        while left > 0 {
            let read = contents.read(&mut buffer).map_err(from_io)?;
            if read == 0 {
                return Err(invalid_entry(path.as_bytes(), "is cut off"));
            }
            out.write_all(&buffer[..read]).map_err(|error| error.downcast().unwrap_or_else(Error::internal))?;
            left -= read as u64;
        }
        found = true;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}
