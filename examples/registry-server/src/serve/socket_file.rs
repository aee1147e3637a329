//! The file of a Unix socket.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

#[cfg(target_os = "linux")]
use rustix::fs::{Mode, OFlags};
use socket2::{Domain, SockAddr, Socket, Type};

/// The file of a socket that this process made; removed when this is dropped, unless another process has put its own in
/// its place.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    made: (u64, u64),
    /// While it is open, no other file gets the same number.
    #[cfg(target_os = "linux")]
    _held: std::os::fd::OwnedFd,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if id_of(&self.path).is_ok_and(|id| id == self.made) {
            // Left behind, it is found to be stale by the next server.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens on a file with these permissions. A file that a server left behind is replaced.
pub(super) fn bind(path: &Path, mode: u32, backlog: u16) -> io::Result<(UnixListener, SocketFile)> {
    remove_stale(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile {
        path: path.to_owned(),
        made: id_of(path)?,
        #[cfg(target_os = "linux")]
        _held: rustix::fs::open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?,
    };
    // Before anybody can connect.
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    socket.listen(backlog.into())?;
    Ok((socket.into(), file))
}

/// Removes a socket on which nothing listens.
fn remove_stale(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is another file"));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

fn id_of(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Why the server cannot listen on a file, and what to do.
pub(super) fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another server listens there; stop it, or let HOST name another socket".to_owned(),
        io::ErrorKind::AlreadyExists => {
            "a file that is no socket is in its place; remove it, or let HOST name another socket".to_owned()
        }
        io::ErrorKind::NotFound => "its folder does not exist; create it for the user that runs the server".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "not permitted; its folder has to be writable for the user that runs the server".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_was_left_behind_is_replaced_and_no_other_file_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let (listener, file) = bind(&path, 0o600, 16).expect("bound");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(bind(&path, 0o600, 16).expect_err("in use").kind(), io::ErrorKind::AddrInUse);
        // As after a crash.
        drop(listener);
        std::mem::forget(file);
        let (_second, file) = bind(&path, 0o660, 16).expect("bound again");
        drop(file);
        assert!(!path.exists(), "removed at the end");
        fs::write(&path, "data").expect("our own folder");
        assert_eq!(bind(&path, 0o600, 16).expect_err("a file").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).expect("kept"), "data");
    }

    #[test]
    fn the_socket_of_a_successor_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let (listener, file) = bind(&path, 0o600, 16).expect("bound");
        drop(listener);
        let _successor = bind(&path, 0o600, 16).expect("bound");
        drop(file);
        assert!(path.exists());
    }
}
