//! HTTP/1 connections as clients, pools and strangers use them.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::{
    process::{Site, wait_until},
    web,
};

/// Longer than the time after which an idle connection's buffers are released.
const UNTIL_IT_RESTS: Duration = Duration::from_millis(1500);

#[test]
fn pipelined_requests_are_answered_in_order() {
    let site = Site::new();
    let server = site.serve(&[]);
    let mut stream = web::connect(server.port()).expect("connected");
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let login = r#"{"username": "nobody-at-all", "password": "not the password of anybody"}"#;
    let post = format!(
        "POST /api/v1/users/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        login.len()
    );
    // The slowest request is not the last one.
    let requests = [request("/health"), post + login, request("/nowhere"), request("/ready"), request("/api/docs")];
    stream.write_all(requests.concat().as_bytes()).expect("sent");
    let answers = requests.map(|_| web::read_one(&mut stream).expect("answered"));
    let statuses = answers.each_ref().map(|answer| answer.status);
    assert_eq!(statuses, [200, 401, 404, 200, 200], "{:?}", answers[1]);
    // A request that arrives in pieces, with the beginning of the next one, on the same connection.
    let both = request("/health") + &request("/nowhere");
    for piece in both.as_bytes().chunks(17) {
        stream.write_all(piece).expect("sent");
        stream.flush().expect("sent");
    }
    assert_eq!(web::read_one(&mut stream).expect("answered").status, 200);
    assert_eq!(web::read_one(&mut stream).expect("answered").status, 404);
}

#[test]
fn a_connection_is_kept_and_may_rest_between_requests() {
    let site = Site::new();
    let server = site.serve(&[]);
    let mut stream = web::connect(server.port()).expect("connected");
    for _ in 0..2 {
        for path in ["/health", "/ready", "/health"] {
            assert_eq!(web::ask(&mut stream, path).expect("the connection is kept").status, 200);
        }
        thread::sleep(UNTIL_IT_RESTS);
    }
    // A request may arrive in two parts, the first together with the previous request.
    for begin in ["GET /hea", "GET /ready HTTP/1.1\r\nHost: x\r\n\r\nGET /hea"] {
        stream.write_all(begin.as_bytes()).expect("sent");
        if begin.contains("ready") {
            assert_eq!(web::read_one(&mut stream).expect("answered").status, 200);
        }
        thread::sleep(UNTIL_IT_RESTS);
        stream.write_all(b"lth HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
        assert!(web::read_one(&mut stream).expect("answered").body.contains("version"));
    }
    // An HTTP/1.0 connection is closed unless the client asks to keep it.
    stream.write_all(b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").expect("sent");
    assert!(web::read_one(&mut stream).expect("answered").head.contains("connection: keep-alive"));
    stream.write_all(b"GET /health HTTP/1.0\r\n\r\n").expect("sent");
    assert_eq!(web::read(&mut stream).expect("answered and closed").status, 200);
}

#[test]
fn what_is_left_of_a_body_behind_its_answer_is_no_request() {
    let site = Site::new();
    let server = site.serve(&[]);
    let mut stream = web::connect(server.port()).expect("connected");
    let rest = "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n";
    let length = 10 + rest.len();
    write!(stream, "POST /api/v1/packages HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n0123456789")
        .expect("sent");
    assert_eq!(web::read_one(&mut stream).expect("answered at once").status, 401);
    thread::sleep(UNTIL_IT_RESTS);
    stream.write_all(rest.as_bytes()).expect("sent");
    assert_eq!(web::ask(&mut stream, "/health").expect("answered").status, 200);
}

#[test]
fn what_is_too_long_or_no_http_is_refused_in_json() {
    let site = Site::new();
    let server = site.serve(&[]);
    let many = "X-Many: 1\r\n".repeat(200);
    let long = "x".repeat(9 * 1024);
    let huge = "x".repeat(200 * 1024);
    for (request, status) in [
        (format!("GET /{long} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 414),
        (format!("GET /health?{long} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 414),
        (format!("GET /{huge} HTTP/1.1\r\nHost: x\r\n\r\n"), 431),
        (format!("GET /health HTTP/1.1\r\nHost: x\r\nCookie: {huge}\r\n\r\n"), 431),
        (format!("GET /health HTTP/1.1\r\nHost: x\r\n{many}\r\n"), 431),
        ("GET /health HTTP/1.1\r\nHost: x\r\nBroken\r\n\r\n".to_owned(), 400),
        ("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n".to_owned(), 400),
        ("GET /health HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(), 400),
        ("GET /health HTTP/1.1\r\nHost: x\r\nHost: x\r\nConnection: close\r\n\r\n".to_owned(), 400),
        ("GET /health HTTP/1.1\r\nHost: x\r\nhost: y\r\nConnection: close\r\n\r\n".to_owned(), 400),
        ("GET /health HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n".to_owned(), 400),
        ("GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n".to_owned(), 400),
        ("GET /health HTTP/1.1\r\nHost: user@x\r\nConnection: close\r\n\r\n".to_owned(), 400),
        ("\u{16}\u{3}\u{1} this is no request\r\n\r\n".to_owned(), 400),
    ] {
        let shown = &request[..request.len().min(60)];
        let mut stream = web::connect(server.port()).expect("connected");
        stream.write_all(request.as_bytes()).expect("sent");
        let answer = web::read(&mut stream).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(answer.status, status, "{shown}");
        let json = answer.json();
        assert_eq!(json["error"], "invalid_request", "{shown}");
        let id = json["request_id"].as_str().expect("text");
        assert!(answer.head.contains(&format!("x-request-id: {id}")), "{shown}: {}", answer.head);
        assert!(answer.head.contains("content-type: application/json"), "{shown}: {}", answer.head);
    }
    // Also after a valid request, and in the same packet.
    for good in ["GET /health HTTP/1.1\r\nHost: x\r\n\r\n", "GET /health HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n"] {
        let mut stream = web::connect(server.port()).expect("connected");
        stream.write_all(good.as_bytes()).expect("sent");
        assert_eq!(web::read_one(&mut stream).expect("answered").status, 200);
        if !good.contains("nonsense") {
            stream.write_all(b"nonsense\r\n\r\n").expect("sent");
        }
        assert_eq!(web::read(&mut stream).expect("answered").json()["error"], "invalid_request");
    }
}

#[test]
fn hosts_as_clients_write_them_are_taken() {
    let site = Site::new();
    let server = site.serve(&[]);
    for host in ["registry.example.com", "127.0.0.1:8000", "[::1]:8000", "under_score", "xn--bcher-kva.example", ""] {
        let mut stream = web::connect(server.port()).expect("connected");
        write!(stream, "GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("sent");
        assert_eq!(web::read(&mut stream).expect("answered").status, 200, "{host}");
    }
}

#[test]
fn two_thousand_idle_connections_are_served() {
    const CONNECTIONS: usize = 2000;
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("as many files as may be");
    let site = Site::new();
    let server = site.serve(&[]);
    let mut streams: Vec<_> = (0..CONNECTIONS).map(|_| web::connect(server.port()).expect("connected")).collect();
    let ask_all = |streams: &mut [TcpStream]| {
        for stream in &mut *streams {
            stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
        }
        for stream in streams {
            assert_eq!(web::read_one(stream).expect("answered").status, 200);
        }
    };
    ask_all(&mut streams);
    assert!(web::metric(server.port(), "aam_connections_open") > CONNECTIONS as u64);
    // Again after their buffers were released.
    thread::sleep(UNTIL_IT_RESTS);
    ask_all(&mut streams);
    drop(streams);
    wait_until("they are forgotten", || web::metric(server.port(), "aam_connections_open") == 1);
}

#[test]
fn without_files_left_it_pauses_says_so_once_and_recovers() {
    let mut site = Site::new();
    site.set("DATABASE_POOL_SIZE", 1);
    let server = site.serve_with_files(64);
    let log = server.log().join("\n");
    assert!(log.contains(r#""event":"few_descriptors""#), "{log}");
    // The system accepts them as long as its queue has room.
    let streams: Vec<_> = (0..100).map(|_| web::connect(server.port()).expect("connected")).collect();
    server.wait_for("accept_failed");
    drop(streams);
    assert_eq!(web::get(server.port(), "/health").expect("answered").status, 200);
    let told = server.log().iter().filter(|line| line.contains("accept_failed")).count();
    assert_eq!(told, 1, "{:#?}", server.log());
}

#[test]
fn every_address_of_a_host_is_listened_on() {
    let mut site = Site::new();
    let answers = |host: &str, port: u16| {
        let Ok(mut stream) = TcpStream::connect((host, port)) else { return false };
        stream.write_all(b"GET /health HTTP/1.0\r\n\r\n").expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("answered");
        text.starts_with("HTTP/1.0 200") || text.starts_with("HTTP/1.1 200")
    };
    // If the machine has IPv6.
    let has_ipv6 = TcpListener::bind("[::1]:0").is_ok();
    let server = site.set("HOST", "localhost").serve(&[]);
    assert!(answers("127.0.0.1", server.port()));
    let mut site = Site::new();
    site.set("HOST", "::");
    if has_ipv6 {
        let server = site.serve(&[]);
        assert!(answers("127.0.0.1", server.port()) && answers("::1", server.port()));
        // An IPv4 address is logged the same way, whichever socket accepted it.
        wait_until("it is logged", || server.log().join("").matches(r#""client_ip":"127.0.0.1""#).count() == 1);
    } else {
        let stderr = site.run(&["--port", "0"]).failed().stderr();
        assert!(stderr.contains("cannot listen on [::]:0"), "{stderr}");
    }
}
