//! `healthcheck`.

use std::{io, path::PathBuf, time::Duration};

use http::{Uri, uri::Scheme};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time,
};

use super::{Answer, Failed, configuration};
use crate::{
    cli::Healthcheck,
    config::{ListenOn, Settings, Surroundings},
    serve,
};

const PATIENCE: Duration = Duration::from_secs(5);
/// The most bytes of an answer that are read.
const MOST: u64 = 16 * 1024;

/// Asks the server whether it is ready.
pub(super) fn run(command: &Healthcheck, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let url = command.url.clone().unwrap_or_else(|| own_url(&settings));
    let uri: Uri =
        url.parse().map_err(|_| Failed(format!("`{url}` is not a URL such as http://localhost:8000/ready")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failed(format!("no thread can be started: {error}")))?;
    let socket = match &settings.host {
        ListenOn::Unix(path) if command.url.is_none() => Some(path),
        _ => None,
    };
    let asked = runtime.block_on(async { time::timeout(PATIENCE, ask(&uri, socket, &settings)).await });
    let outcome = match asked {
        Ok(Ok((200, _))) => Ok(()),
        Ok(Ok((status, None))) => Err(format!("it answered {status}")),
        Ok(Ok((status, Some(message)))) => Err(format!("it answered {status}: {message}")),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    };
    let text = match &outcome {
        Ok(()) => format!("{url} is well"),
        Err(reason) => format!("{url} is not well: {reason}"),
    };
    let json = json!({ "url": url, "healthy": outcome.is_ok(), "error": outcome.as_ref().err() });
    Ok(Answer::new(command.json, text, &json).bad_unless(outcome.is_ok()))
}

fn own_url(settings: &Settings) -> String {
    let scheme = if settings.tls_cert.is_some() { "https" } else { "http" };
    let host = match &settings.host {
        ListenOn::Unix(_) => return format!("{scheme}://localhost/ready"),
        ListenOn::Address(host) => match host.0.as_str() {
            "0.0.0.0" => "127.0.0.1".to_owned(),
            "::" => "[::1]".to_owned(),
            host if host.contains(':') => format!("[{host}]"),
            host => host.to_owned(),
        },
    };
    format!("{scheme}://{host}:{}/ready", settings.port.0)
}

/// The status of the server's answer, and its message about what is wrong. With a `socket` it is asked there.
async fn ask(uri: &Uri, socket: Option<&PathBuf>, settings: &Settings) -> io::Result<(u16, Option<String>)> {
    let bad = |problem: &str| io::Error::new(io::ErrorKind::InvalidInput, problem.to_owned());
    let authority = uri.authority().ok_or_else(|| bad("the URL has no host"))?;
    let is_https = uri.scheme() == Some(&Scheme::HTTPS);
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let port = authority.port_u16().unwrap_or(if is_https { 443 } else { 80 });
    let path = match uri.path_and_query().map(http::uri::PathAndQuery::as_str) {
        None | Some("/" | "") => "/ready",
        Some(path) => path,
    };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: aam-registry-healthcheck\r\nConnection: close\r\n\r\n"
    );
    match socket {
        Some(path) => exchange_with(UnixStream::connect(path).await?, is_https, host, &request, settings).await,
        None => exchange_with(TcpStream::connect((host, port)).await?, is_https, host, &request, settings).await,
    }
}

async fn exchange_with(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    is_https: bool,
    host: &str,
    request: &str,
    settings: &Settings,
) -> io::Result<(u16, Option<String>)> {
    if !is_https {
        return exchange(stream, request).await;
    }
    let Some(certificate) = &settings.tls_cert else {
        let problem = "an https URL is only asked where TLS_CERT says which certificate to expect";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    };
    exchange(serve::tls::connect_to_own(stream, certificate, host).await?, request).await
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> io::Result<(u16, Option<String>)> {
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).await?;
    let status = answer.get(..12).and_then(|line| str::from_utf8(line).ok());
    let status = status.and_then(|line| line.strip_prefix("HTTP/1.1 ")?.parse().ok());
    let status =
        status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "what answered does not speak HTTP"))?;
    let body = str::from_utf8(&answer).ok().and_then(|answer| answer.split_once("\r\n\r\n"));
    let told = body.and_then(|(_, body)| serde_json::from_str::<Value>(body).ok());
    Ok((status, told.and_then(|told| Some(told["message"].as_str()?.to_owned()))))
}
