use std::{fs, io, net::SocketAddr, path::Path};

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use s3s::{
    auth::SimpleAuth,
    service::{S3Service, S3ServiceBuilder},
};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

use super::Buckets;

/// An S3 server in this process with one empty bucket; removed when dropped.
#[derive(Debug)]
pub struct S3Server {
    address: SocketAddr,
    task: JoinHandle<()>,
    folder: TempDir,
}

impl S3Server {
    /// The name of the bucket.
    pub const BUCKET: &str = "archives";
    /// The access key.
    pub const ACCESS_KEY: &str = "test-access-key";
    /// The secret key that belongs to the access key.
    pub const SECRET_KEY: &str = "test-secret-key";

    /// Starts one on a port of its own.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join(Self::BUCKET)).expect("a bucket");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let service = service(folder.path(), Self::ACCESS_KEY, Self::SECRET_KEY).expect("a folder");
        Self { address, task: tokio::spawn(accept(listener, service)), folder }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The folder of the bucket; each object is a file.
    pub fn bucket(&self) -> std::path::PathBuf {
        self.folder.path().join(Self::BUCKET)
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves the folders in `root` as buckets, until the process ends.
///
/// # Errors
/// If the folder does not exist.
pub async fn serve_s3(listener: TcpListener, root: &Path, access_key: &str, secret_key: &str) -> io::Result<()> {
    accept(listener, service(root, access_key, secret_key)?).await;
    Ok(())
}

fn service(root: &Path, access_key: &str, secret_key: &str) -> io::Result<S3Service> {
    let mut service = S3ServiceBuilder::new(Buckets::new(root)?);
    service.set_auth(SimpleAuth::from_single(access_key, secret_key));
    Ok(service.build())
}

async fn accept(listener: TcpListener, service: S3Service) {
    // Accepted connections end with the server.
    let mut connections = JoinSet::new();
    loop {
        // The client closed the connection before it was accepted.
        let Ok((connection, _)) = listener.accept().await else { continue };
        let _ = connection.set_nodelay(true);
        let service = service.clone();
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            // The client reports a broken connection.
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(connection), service).await;
        });
    }
}
