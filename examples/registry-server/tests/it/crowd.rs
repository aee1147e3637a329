//! More connections than the limit.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use crate::{
    process::{Server, Site, wait_until},
    slow,
    web::{self, Answer},
};

/// How many connections beyond the limit still get an answer.
const SPARE: usize = 64;

/// A connection with a running request.
pub(crate) fn busy(server: &Server) -> TcpStream {
    let mut stream = web::connect(server.port()).expect("connected");
    let head = "POST /api/v1/users/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    write!(stream, "{head}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n").expect("sent");
    let mut told = [0; 25];
    stream.read_exact(&mut told).expect("the server wants the rest");
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[track_caller]
fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.json()["error"], "overloaded");
    for header in ["retry-after: 1", "connection: close", "content-type: application/json", "x-request-id: "] {
        assert!(answer.head.contains(header), "{header} is not in {}", answer.head);
    }
}

#[test]
fn beyond_the_most_connections_requests_are_refused_and_probes_are_answered() {
    let mut site = Site::new();
    let server = site.set("MAX_CONNECTIONS", 2).serve(&[]);
    let port = server.port();
    let mut held = [busy(&server), busy(&server)];
    assert_refused(&web::get(port, "/api/v1/packages").expect("answered"));
    // Also to a client that is still sending, and may read only after it has sent everything.
    let mut sending = web::connect(port).expect("connected");
    write!(sending, "POST /api/v1/packages HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n").expect("sent");
    wait_until("it is refused", || sending.peek(&mut [0; 12]).expect("answered") == 12);
    for _ in 0..10 {
        sending.write_all(&"x".repeat(30_000).into_bytes()).expect("still taken");
        thread::sleep(Duration::from_millis(20));
    }
    assert_refused(&web::read(&mut sending).expect("answered"));
    for probe in ["/health", "/ready", "/metrics", "/health/db"] {
        let mut stream = web::connect(port).expect("connected");
        write!(stream, "GET {probe} HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
        let answer = web::read(&mut stream).expect("answered and closed");
        assert_eq!(answer.status, 200, "{probe}");
        assert!(answer.head.contains("connection: close"), "{probe}: {}", answer.head);
    }
    assert_eq!(web::metric(port, "aam_connections_refused_total{reason=\"limit\"}"), 2);
    wait_until("the refused ones are gone", || web::metric(port, "aam_connections_open") == 3);
    assert_eq!(server.wait_for("connections_exhausted")["max_connections"], 2);
    // The connections within the limit are served as always.
    for stream in &mut held {
        stream.write_all(b"{}").expect("sent");
        assert_eq!(web::read_one(stream).expect("answered").status, 400);
    }
    drop(held);
    wait_until("there is a place again", || web::get(port, "/api/v1/packages").expect("answered").status == 200);
}

#[test]
fn idle_connections_make_room() {
    let mut site = Site::new();
    let server = site.set("MAX_CONNECTIONS", 2).serve(&[]);
    let mut kept = web::connect(server.port()).expect("connected");
    assert_eq!(web::ask(&mut kept, "/health").expect("answered").status, 200);
    thread::sleep(Duration::from_millis(1100));
    let mut busy = busy(&server);
    wait_until("there is a place", || web::get(server.port(), "/api/v1/packages").expect("answered").status == 200);
    assert!(web::is_closed(&mut kept));
    busy.write_all(b"{}").expect("sent");
    assert_eq!(web::read_one(&mut busy).expect("no request made room").status, 400);
}

#[test]
fn a_flood_is_told_without_being_listened_to() {
    let mut site = Site::new();
    let server = site.set("MAX_CONNECTIONS", 1).set("HEADER_TIMEOUT", "10m").serve(&[]);
    let held = busy(&server);
    let mut silent: Vec<_> = (0..SPARE).map(|_| web::connect(server.port()).expect("connected")).collect();
    let mut turned_away = web::connect(server.port()).expect("connected");
    assert_refused(&web::read(&mut turned_away).expect("answered unasked"));
    // Clients that send nothing do not block others for long.
    assert!(silent.iter_mut().all(web::is_closed));
    wait_until("it recovers", || web::get(server.port(), "/health").expect("answered").status == 200);
    assert_eq!(web::metric(server.port(), "aam_connections_refused_total{reason=\"flood\"}"), 1);
    drop(held);
}

#[test]
fn one_address_has_no_more_connections_than_it_may() {
    let mut site = Site::new();
    let server = site.set("MAX_CONNECTIONS_PER_ADDRESS", 2).set("TRUSTED_PROXIES", "192.0.2.0/24").serve(&[]);
    let port = server.port();
    let mut streams: Vec<_> = (0..10).map(|_| web::connect(port).expect("connected")).collect();
    assert_eq!(server.wait_for("address_crowded")["client_ip"], "127.0.0.1");
    // Two of them get a spare seat, and send nothing.
    let refused: Vec<_> = streams
        .iter_mut()
        .filter_map(|stream| {
            stream.set_read_timeout(Some(Duration::from_secs(1))).expect("set");
            let is_answered = stream.peek(&mut [0]).is_ok_and(|bytes| bytes > 0);
            is_answered.then(|| web::read(stream).expect("answered unasked"))
        })
        .collect();
    assert!(refused.len() >= 8, "{}", refused.len());
    for answer in &refused {
        assert_refused(answer);
        assert!(answer.json()["message"].as_str().expect("text").contains("Your address has as many"), "{answer:?}");
    }
    drop(streams);
    wait_until("there is a place again", || web::get(port, "/health").is_ok_and(|answer| answer.status == 200));
    assert!(web::metric(port, "aam_connections_refused_total{reason=\"address\"}") >= 8);
}

#[test]
fn a_trusted_proxy_has_as_many_connections_as_it_wants() {
    let mut site = Site::new();
    let server = site.set("MAX_CONNECTIONS_PER_ADDRESS", 1).serve(&[]);
    let _held = [busy(&server), busy(&server)];
    assert_eq!(web::get(server.port(), "/health").expect("answered").status, 200);
}

#[test]
fn answers_that_nobody_reads_hold_no_more_memory_than_they_may() {
    let mut site = Site::new();
    let server = site.set("ANSWER_MEMORY", "16KiB").serve(&[]);
    let port = server.port();
    let download = slow::publish_large(port);
    let mut unread = web::connect(port).expect("connected");
    write!(unread, "GET {download} HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    let refused = "aam_requests_refused_total{reason=\"answer_memory\"}";
    wait_until("the others are told", || {
        let answer = web::get(port, "/api/v1/packages").expect("answered");
        answer.status == 503 && answer.json()["error"] == "overloaded"
    });
    assert!(web::metric(port, refused) >= 1, "a probe is answered");
    // Sooner than WRITE_TIMEOUT, which is a minute.
    wait_until("who reads nothing is given up", || web::get(port, "/api/v1/packages").expect("answered").status == 200);
    assert_eq!(web::metric(port, "aam_answer_memory_bytes"), 0);
}
