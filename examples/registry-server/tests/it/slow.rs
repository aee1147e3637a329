//! Slow clients.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use aam_registry_core::archive::{PackContents, PackEntry, pack};

use crate::{
    process::{Server, Site, wait_until},
    web,
};

const TIMED_OUT: &str = "aam_connections_timed_out_total";

/// A packed package with that many incompressible bytes.
fn package_of(len: usize) -> Vec<u8> {
    let manifest = br#"{"name": "large", "version": "1.0.0", "description": "A large package",
        "artifacts": {"prompts": [{"name": "noise", "path": "noise.bin", "description": "Noise"}]}}"#;
    let mut state = 1_u64;
    let mut noise = Vec::with_capacity(len);
    while noise.len() < len {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        noise.extend_from_slice(&state.to_be_bytes()[..4]);
    }
    let entry = |path: &str, bytes: Vec<u8>| PackEntry {
        path: path.to_owned(),
        executable: false,
        contents: PackContents::Bytes(bytes),
    };
    let mut archive = Vec::new();
    pack(vec![entry("aam.yaml", manifest.to_vec()), entry("noise.bin", noise)], &mut archive).expect("packed");
    archive
}

/// Publishes a package that is larger than all buffers between the server and a client; returns its
/// path.
pub(crate) fn publish_large(port: u16) -> &'static str {
    let authorization = web::sign_up(port, "alice");
    assert_eq!(web::publish(port, &authorization, &package_of(24 * 1024 * 1024)).status, 201);
    "/api/v1/packages/large/1.0.0/download"
}

/// How many archives the server has open.
pub(crate) fn open_archives(server: &Server) -> usize {
    let files = fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("the system tells");
    let targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().contains("/data/packages/")).count()
}

#[track_caller]
fn wait_for_time_out(server: &Server, what: &str, count: u64) {
    let name = format!("{TIMED_OUT}{{what=\"{what}\"}}");
    wait_until(&format!("{name} is {count}"), || web::metric(server.port(), &name) == count);
}

#[test]
fn who_does_not_finish_the_head_of_a_request_is_cut_off() {
    let mut site = Site::new();
    let server = site.set("HEADER_TIMEOUT", "1s").serve(&[]);
    let mut silent = web::connect(server.port()).expect("connected");
    let mut stops = web::connect(server.port()).expect("connected");
    stops.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n").expect("sent");
    // A client that keeps sending very slowly is treated the same.
    let mut trickles = web::connect(server.port()).expect("connected");
    assert_eq!(web::ask(&mut trickles, "/health").expect("answered").status, 200);
    trickles.write_all(b"GET /health HTTP/1.1\r\n").expect("sent");
    let mut pieces = trickles.try_clone().expect("the same connection");
    let trickling = thread::spawn(move || {
        while pieces.write_all(b"X: 1\r\n").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    for stream in [&mut silent, &mut stops, &mut trickles] {
        assert!(web::is_closed(stream));
    }
    trickling.join().expect("it ends");
    wait_for_time_out(&server, "header", 3);
}

#[test]
fn an_idle_connection_is_closed() {
    let mut site = Site::new();
    let server = site.set("IDLE_TIMEOUT", "2s").set("HEADER_TIMEOUT", "10m").serve(&[]);
    let mut stream = web::connect(server.port()).expect("connected");
    assert_eq!(web::ask(&mut stream, "/health").expect("answered").status, 200);
    assert!(web::is_closed(&mut stream));
    wait_for_time_out(&server, "idle", 1);
    wait_until("it is forgotten", || web::metric(server.port(), "aam_connections_open") == 1);
}

#[test]
fn a_reader_that_takes_nothing_is_cut_off_and_holds_nothing() {
    let mut site = Site::new();
    let server = site.set("WRITE_TIMEOUT", "2s").serve(&[]);
    let download = publish_large(server.port());
    let mut stream = web::connect(server.port()).expect("connected");
    write!(stream, "GET {download} HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    wait_until("it is sent", || open_archives(&server) == 1);
    wait_for_time_out(&server, "write", 1);
    wait_until("nothing is held", || {
        open_archives(&server) == 0 && web::metric(server.port(), "aam_connections_open") == 1
    });
    // Bytes that the server had not sent are discarded.
    let error = stream.read_to_end(&mut Vec::new()).expect_err("it does not look complete");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_reader_that_takes_too_little_is_cut_off_and_a_slow_one_is_not() {
    let mut site = Site::new();
    let server = site.set("WRITE_TIMEOUT", "3s").serve(&[]);
    let port = server.port();
    let download = publish_large(port);
    let begin = || {
        let mut stream = web::connect(port).expect("connected");
        write!(stream, "GET {download} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
        stream
    };
    thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let (mut stream, mut read, mut pieces) = (begin(), 0, vec![0; 256 * 1024]);
            loop {
                match stream.read(&mut pieces) {
                    Ok(0) => return read,
                    Ok(len) => read += len,
                    Err(error) => panic!("it was cut off behind {read} bytes: {error}"),
                }
                thread::sleep(Duration::from_millis(40));
            }
        });
        // An occasional byte shows that the client is there, but is not enough.
        let mut stingy = begin();
        while web::metric(port, "aam_connections_timed_out_total{what=\"write\"}") == 0 {
            stingy.read_exact(&mut [0]).expect("what was sent before it was cut off");
            thread::sleep(Duration::from_millis(100));
        }
        let error = stingy.read_to_end(&mut Vec::new()).expect_err("it does not look complete");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert!(slow.join().expect("it ends") > 24 * 1024 * 1024);
    });
    assert_eq!(web::metric(port, "aam_connections_timed_out_total{what=\"write\"}"), 1);
}

/// Sends the head of a request and some of its body.
fn begin(port: u16, head: &str, body: &str) -> TcpStream {
    let mut stream = web::connect(port).expect("connected");
    write!(stream, "POST {head}Host: x\r\nContent-Length: 1000\r\n\r\n{body}").expect("sent");
    stream
}

#[test]
fn a_body_that_stops_coming_is_told() {
    let mut site = Site::new();
    let server = site.set("BODY_TIMEOUT", "2s").serve(&[]);
    let port = server.port();
    let authorization = web::sign_up(port, "alice");
    let login = "/api/v1/users/login HTTP/1.1\r\nContent-Type: application/json\r\n";
    let publish =
        format!("/api/v1/packages HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=boundary\r\n{authorization}");
    let form = "--boundary\r\nContent-Disposition: form-data; name=\"archive\"; filename=\"x.aam\"\r\n\r\n\u{1f}";
    let mut stopped = [begin(port, login, "{\"username\": "), begin(port, &publish, form)];
    // A client that only pauses is waited for.
    let mut pauses = begin(port, login, "{");
    for _ in 0..3 {
        thread::sleep(Duration::from_millis(300));
        pauses.write_all(b" ").expect("sent");
    }
    let rest = r#""username": "nobody-at-all", "password": "not the password of anybody"}"#;
    write!(pauses, "{rest}{}", " ".repeat(1000 - 4 - rest.len())).expect("sent");
    assert_eq!(web::read_one(&mut pauses).expect("answered").status, 401);
    for stream in &mut stopped {
        let answer = web::read(stream).expect("answered and closed");
        assert_eq!(answer.status, 408, "{answer:?}");
        assert_eq!(answer.json()["error"], "timeout");
        assert!(answer.head.contains("connection: close"), "{}", answer.head);
    }
    wait_for_time_out(&server, "body", 2);
    // The client that paused, and this one.
    wait_until("they are gone", || web::metric(port, "aam_connections_open") == 2);
}
