//! HTTP/2, with and without TLS.

use std::{
    future::Future,
    io::{self, Read, Write},
    sync::Arc,
};

use bytes::Bytes;
use h2::{
    Reason, RecvStream,
    client::{Builder, SendRequest},
};
use http::{Request, Response, StatusCode};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    crowd,
    process::{Site, wait_until},
    slow, tls, web,
};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// An HTTP/2 connection.
struct Client {
    requests: SendRequest<Bytes>,
    /// Completes when the connection ends.
    end: JoinHandle<Result<(), h2::Error>>,
}

impl Client {
    async fn connect(port: u16, builder: &Builder) -> Self {
        Self::over(TcpStream::connect(("127.0.0.1", port)).await.expect("connected"), builder).await
    }

    async fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, builder: &Builder) -> Self {
        let (requests, connection) = builder.handshake(stream).await.expect("HTTP/2 is spoken");
        Self { requests, end: tokio::spawn(connection) }
    }

    async fn send(&self, request: Request<()>) -> Result<Response<RecvStream>, h2::Error> {
        let mut requests = self.requests.clone().ready().await?;
        requests.send_request(request, true)?.0.await
    }

    async fn get(&self, path: &str) -> Result<(StatusCode, Value), h2::Error> {
        read(self.send(get(path)).await?).await
    }
}

fn get(path: &str) -> Request<()> {
    Request::get(format!("http://localhost{path}")).body(()).expect("a request")
}

/// The status and the body of an answer.
async fn read(response: Response<RecvStream>) -> Result<(StatusCode, Value), h2::Error> {
    let status = response.status();
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok((status, serde_json::from_slice(&bytes).expect("JSON")))
}

#[test]
fn many_requests_share_a_connection_in_clear_text() {
    let site = Site::new();
    let server = site.serve(&[]);
    block_on(async {
        let client = Client::connect(server.port(), &Builder::new()).await;
        let answers = futures_util::future::join_all((0..50).map(|number| {
            let path = if number % 2 == 0 { "/health" } else { "/nowhere" };
            client.get(path)
        }));
        for (number, answer) in answers.await.into_iter().enumerate() {
            assert_eq!(answer.expect("answered").0, if number % 2 == 0 { 200 } else { 404 });
        }
    });
    assert_eq!(web::metric(server.port(), "aam_requests_total{method=\"GET\",route=\"/health\",status=\"200\"}"), 25);
}

async fn connect_tls(port: u16, certificate: &str, protocol: &[u8]) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).expect("a certificate")).expect("one that can be trusted");
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from("registry.example.com").expect("a name");
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[test]
fn over_tls_the_client_chooses() {
    let site = Site::new();
    let (certificate, key) = tls::make(&site, "served");
    let server = site.serve(&["--tls-cert", &certificate, "--tls-key", &key]);
    block_on(async {
        let stream = connect_tls(server.port(), &certificate, b"h2").await.expect("connected");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let client = Client::over(stream, &Builder::new()).await;
        for _ in 0..2 {
            assert_eq!(client.get("/health").await.expect("answered").0, 200);
        }

        let mut stream = connect_tls(server.port(), &certificate, b"http/1.1").await.expect("connected");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("answered, and closed as TLS is");
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");

        let refused = connect_tls(server.port(), &certificate, b"gopher").await;
        assert!(refused.is_err(), "it speaks nothing else");
    });
}

#[test]
fn a_stream_that_is_not_read_is_reset_and_the_others_go_on() {
    let mut site = Site::new();
    let server = site.set("WRITE_TIMEOUT", "2s").serve(&[]);
    let download = slow::publish_large(server.port());
    block_on(async {
        let client = Client::connect(server.port(), Builder::new().initial_window_size(1000)).await;
        let mut stuck = client.send(get(download)).await.expect("answered").into_body();
        assert_eq!(stuck.data().await.expect("data").expect("as much as may be sent").len(), 1000);
        assert_eq!(slow::open_archives(&server), 1);
        let error = loop {
            tokio::select! {
                data = stuck.data() => break data.expect("not the end").expect_err("no more may be sent"),
                answer = client.get("/health") => assert_eq!(answer.expect("answered").0, 200),
            }
        };
        assert_eq!(error.reason(), Some(Reason::CANCEL));
        assert_eq!(client.get("/health").await.expect("the connection is as good as before").0, 200);
        wait_until("nothing is held", || slow::open_archives(&server) == 0);
    });
    assert_eq!(web::metric(server.port(), "aam_connections_timed_out_total{what=\"write\"}"), 1);
}

#[test]
fn a_client_is_told_how_many_requests_may_be_under_way() {
    let mut site = Site::new();
    let server = site.set("HTTP2_MAX_STREAMS", 7).serve(&[]);
    block_on(async {
        let client = Client::connect(server.port(), &Builder::new()).await;
        assert_eq!(client.get("/health").await.expect("answered").0, 200);
        assert_eq!(client.requests.current_max_send_streams(), 7);
    });
}

#[test]
fn an_idle_connection_is_taken_leave_of() {
    let mut site = Site::new();
    let server = site.set("IDLE_TIMEOUT", "1s").serve(&[]);
    block_on(async {
        let client = Client::connect(server.port(), &Builder::new()).await;
        assert_eq!(client.get("/health").await.expect("answered").0, 200);
        let Client { requests, end } = client;
        end.await.expect("it ends").expect("in peace");
        drop(requests);
    });
    assert_eq!(web::metric(server.port(), "aam_connections_timed_out_total{what=\"idle\"}"), 1);
}

#[test]
fn what_is_too_large_is_refused_in_json() {
    let site = Site::new();
    let server = site.serve(&[]);
    block_on(async {
        let client = Client::connect(server.port(), &Builder::new()).await;
        let mut request = get("/health");
        request.headers_mut().insert("cookie", "x".repeat(40 * 1024).parse().expect("a value"));
        let (status, json) = read(client.send(request).await.expect("answered")).await.expect("read");
        assert_eq!((status.as_u16(), json["error"].as_str()), (431, Some("invalid_request")));
        let (status, json) = client.get(&format!("/{}", "x".repeat(9 * 1024))).await.expect("answered");
        assert_eq!((status.as_u16(), json["error"].as_str()), (414, Some("invalid_request")));
    });
}

#[test]
fn beyond_the_most_connections_a_request_is_refused_and_leave_is_taken() {
    let mut site = Site::new();
    let server = site.set("MAX_CONNECTIONS", 1).serve(&[]);
    let held = crowd::busy(&server);
    block_on(async {
        let client = Client::connect(server.port(), &Builder::new()).await;
        let (status, json) = client.get("/api/v1/packages").await.expect("answered");
        assert_eq!((status.as_u16(), json["error"].as_str()), (503, Some("overloaded")));
        client.end.await.expect("it ends").expect("in peace");
    });
    let idle = web::metric(server.port(), "aam_connections_timed_out_total{what=\"idle\"}");
    assert_eq!(idle, 0, "it ends at once, not when it has lain idle");
    drop(held);
}

#[test]
fn what_was_begun_is_finished_when_the_server_ends() {
    let site = Site::new();
    let mut server = site.serve(&[]);
    let port = server.port();
    let body = r#"{"username": "nobody-at-all", "password": "not the password of anybody"}"#;
    block_on(async {
        let client = Client::connect(port, &Builder::new()).await;
        let request = Request::post("http://localhost/api/v1/users/login")
            .header("content-type", "application/json")
            .body(())
            .expect("a request");
        let mut requests = client.requests.clone().ready().await.expect("ready");
        let (answer, mut rest) = requests.send_request(request, false).expect("sent");
        rest.send_data(Bytes::copy_from_slice(&body.as_bytes()[..10]), false).expect("sent");
        assert_eq!(client.get("/health").await.expect("answered").0, 200);

        server.signal("INT");
        server.wait_for("draining");
        while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            tokio::task::yield_now().await;
        }
        rest.send_data(Bytes::copy_from_slice(&body.as_bytes()[10..]), true).expect("sent");
        assert_eq!(read(answer.await.expect("answered")).await.expect("read").0, 401);
        client.end.await.expect("it ends").expect("in peace");
    });
    assert!(server.wait().success());
    assert!(!server.log().join("").contains("requests_cut_off"), "{:#?}", server.log());
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[test]
fn requests_that_are_taken_back_at_once_end_their_connection_and_fill_no_log() {
    let site = Site::new();
    let server = site.serve(&[]);
    for _ in 0..5 {
        let mut flood = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[])].concat();
        for stream in (1..2000).step_by(2) {
            // `GET /` of `x`, and at once RST_STREAM with CANCEL.
            flood.extend(frame(1, 5, stream, &[0x82, 0x86, 0x84, 0x41, 1, b'x']));
            flood.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
        }
        let mut connection = web::connect(server.port()).expect("connected");
        // The server may close before it has read all of it.
        let _ = connection.write_all(&flood);
        let _ = connection.read_to_end(&mut Vec::new());
    }
    assert_eq!(web::get(server.port(), "/health").expect("answered").status, 200);
    let log = server.whole_log();
    let by_library: Vec<_> = log.iter().filter(|line| line.contains("h2::")).collect();
    assert!(by_library.is_empty(), "{by_library:?}");
}

/// Sends `frames` again and again, at most 16 MiB of them, and reads what comes; whether the server closed the connection
/// before all were sent.
fn floods(port: u16, begin: &[u8], frames: &[u8]) -> bool {
    const MOST: usize = 16 * 1024 * 1024;
    let mut connection = web::connect(port).expect("connected");
    let mut answers = connection.try_clone().expect("a second handle");
    let reading = std::thread::spawn(move || answers.read_to_end(&mut Vec::new()).map(drop));
    let start = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[]), begin.to_vec()].concat();
    connection.write_all(&start).expect("sent");
    let many = frames.repeat(64 * 1024 / frames.len());
    let mut sent = 0;
    let is_cut = loop {
        if connection.write_all(&many).is_err() {
            break true;
        }
        sent += many.len();
        if sent >= MOST {
            break false;
        }
    };
    let _ = connection.shutdown(std::net::Shutdown::Both);
    let _ = reading.join();
    is_cut
}

#[test]
fn frames_without_end_and_without_requests_close_the_connection() {
    let site = Site::new();
    let server = site.serve(&[]);
    let port = server.port();
    for (name, frames) in [
        ("settings", frame(4, 0, 0, &[0, 3, 0, 0, 0, 100])),
        ("ping", frame(6, 0, 0, &[7; 8])),
        ("priority", frame(2, 0, 1, &[0, 0, 0, 0, 16])),
        ("unknown", frame(0xbb, 0, 0, &[0; 100])),
    ] {
        let before = web::metric(port, "aam_http2_floods_total");
        assert!(floods(port, &[], &frames), "{name}: it may go on for ever");
        wait_until("it is counted", || web::metric(port, "aam_http2_floods_total") > before);
    }
    assert_eq!(web::get(port, "/health").expect("answered").status, 200);
}

#[test]
fn a_head_that_never_ends_closes_the_connection() {
    let site = Site::new();
    let server = site.serve(&[]);
    let port = server.port();
    // HEADERS of `GET /` without END_HEADERS, and then CONTINUATION for ever: empty, and with a header.
    let begin = frame(1, 1, 1, &[0x82, 0x86, 0x84, 0x41, 1, b'x']);
    let literal = [&[0, 5][..], b"x-abc", &[100], &[b'y'; 100]].concat();
    for frames in [frame(9, 0, 1, &[]), frame(9, 0, 1, &literal)] {
        assert!(floods(port, &begin, &frames), "it may go on for ever");
    }
    assert_eq!(web::get(port, "/health").expect("answered").status, 200);
}

#[test]
fn a_long_download_is_no_flood() {
    let mut site = Site::new();
    let server = site.set("RATE_LIMIT_OTHER", 0).serve(&[]);
    block_on(async {
        let client = Client::connect(server.port(), &Builder::new()).await;
        // Each answer is acknowledged by frames that belong to no request.
        for _ in 0..300 {
            assert_eq!(client.get("/api/openapi.json").await.expect("answered").0, 200);
        }
    });
    assert_eq!(web::metric(server.port(), "aam_http2_floods_total"), 0);
}
