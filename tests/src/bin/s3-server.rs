//! An S3 server that stores objects in folders, for tests and manual use:
//!
//! ```sh
//! s3-server --root /tmp/s3 --port 9000 --access-key key --secret-key secret --bucket archives
//! ```

use std::{error::Error, io::Write, net::IpAddr, path::PathBuf};

use aam_registry_tests::serve_s3;
use clap::Parser;
use tokio::net::TcpListener;

/// Serves the folders in a folder as S3 buckets. Not for production.
#[derive(Debug, Parser)]
struct Options {
    /// The folder of the buckets; created if it does not exist
    #[arg(long)]
    root: PathBuf,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port to listen on; 0 for any free port
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// The access key
    #[arg(long)]
    access_key: String,
    /// The secret key
    #[arg(long)]
    secret_key: String,
    /// A bucket to create if it does not exist; may be given several times
    #[arg(long)]
    bucket: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    std::fs::create_dir_all(&options.root)?;
    for bucket in &options.bucket {
        std::fs::create_dir_all(options.root.join(bucket))?;
    }
    let listener = TcpListener::bind((options.host, options.port)).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on http://{}", listener.local_addr()?)?;
    stdout.flush()?;
    tokio::select! {
        served = serve_s3(listener, &options.root, &options.access_key, &options.secret_key) => served?,
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}
