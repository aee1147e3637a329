//! Servers that answer every request with the same bytes: how fast the kernel
//! and the loopback are, and what hyper can make of them.
//!
//! A process of its own, so that its processor time can be told from that of
//! the load; built with the profile of the server that it is compared with.

mod bare_hyper;
mod canned;
mod raw_loop;

use std::{io, net::Ipv4Addr, path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};

use canned::Canned;

/// As in the server, so that the allocator makes no difference.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Answers every request on a port of the loopback with the same bytes.
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
    /// An epoll loop that does not even parse the request
    RawLoop,
    /// hyper on tokio's scheduler for many threads, HTTP/1.1
    Hyper,
    /// The same with HTTP/2 on a plain connection
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
