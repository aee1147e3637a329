//! Servers that answer every request with the same bytes, to measure the limits of the kernel, the
//! loopback interface and hyper.
//!
//! A separate process, so that its processor time can be distinguished from that of the load generator.
//! Built with the profile of the server that it is compared with.

mod bare_hyper;
mod canned;
mod raw_loop;

use std::{io, net::Ipv4Addr, path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};

use canned::Canned;

/// The same allocator as in the server, so that it makes no difference.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Answers every request on a port of the loopback interface with the same bytes.
#[derive(Debug, Parser)]
#[command(name = "aam-registry-peers")]
struct Options {
    /// Which server
    #[arg(value_enum)]
    peer: Peer,
    /// The port of 127.0.0.1 to listen on
    #[arg(long)]
    port: u16,
    /// The file with the body of the answer
    #[arg(long)]
    body: PathBuf,
    /// The file with the headers of the answer: a JSON array of [name, value]
    #[arg(long)]
    headers: PathBuf,
    /// The status of the answer
    #[arg(long, default_value_t = 200)]
    status: u16,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Peer {
    /// An epoll loop that does not parse the request
    RawLoop,
    /// hyper with HTTP/1.1 on tokio's multi-threaded scheduler
    Hyper,
    /// The same with HTTP/2 without TLS
    HyperHttp2,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    let canned = Canned::read(options.status, &options.headers, &options.body)?;
    let address = (Ipv4Addr::LOCALHOST, options.port).into();
    match options.peer {
        Peer::RawLoop => raw_loop::serve(address, &canned),
        Peer::Hyper => bare_hyper::serve(address, &canned, bare_hyper::Protocol::Http1),
        Peer::HyperHttp2 => bare_hyper::serve(address, &canned, bare_hyper::Protocol::Http2),
    }
}
