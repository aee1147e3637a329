//! What the server listens on, and what it says to browsers and proxies.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv6Addr, TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    process::Command,
};

use serde_json::json;

use crate::{
    process::{Site, mode},
    web,
};

/// The answer to a request over any stream: head and body.
fn ask(mut stream: impl Read + Write, head: &str) -> (String, String) {
    write!(stream, "{head}\r\nHost: registry\r\nConnection: close\r\n\r\n").expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answered");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_ascii_lowercase(), body.to_owned())
}

#[test]
fn a_unix_socket_is_listened_on_and_removed() {
    let mut site = Site::new();
    let socket = site.path("http.sock");
    // As a server leaves it that was killed.
    drop(UnixListener::bind(&socket).expect("our own folder"));
    site.set("HOST", format!("unix:{}", socket.display())).set("SOCKET_MODE", "600");
    let mut server = site.serve(&[]);
    assert_eq!(server.started["address"], format!("unix:{}", socket.display()));
    assert_eq!(mode(&socket), 0o600);
    let connect = || UnixStream::connect(&socket).expect("connected");
    let (head, body) = ask(connect(), "GET /health HTTP/1.1");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(body.contains("\"ok\""), "{body}");
    site.run(&["healthcheck"]).succeeded();
    // Who connects by the socket is on this machine, and so a proxy that is believed.
    ask(connect(), "GET /health HTTP/1.1\r\nX-Forwarded-For: 203.0.113.9");
    let told = |line: &String| line.contains("\"route\":\"/health\"") && line.contains("\"client_ip\":\"203.0.113.9\"");
    crate::process::wait_until("it is logged", || server.log().iter().any(told));

    let taken = site.run(&["serve", "--data-dir", "other"]).failed().stderr();
    assert!(taken.contains("another server listens there"), "{taken}");
    assert!(socket.exists(), "the running server's");
    server.signal("INT");
    assert!(server.wait().success());
    assert!(!socket.exists(), "removed at the end");

    fs::write(&socket, "data").expect("our own folder");
    let other = site.run(&["serve"]).failed().stderr();
    assert!(other.contains("a file that is no socket is in its place"), "{other}");
    assert_eq!(fs::read_to_string(&socket).expect("kept"), "data");
}

#[test]
fn sockets_that_a_supervisor_opened_are_served() {
    let site = Site::new();
    let (tcp, socket) = (TcpListener::bind("127.0.0.1:0").expect("a port"), site.path("http.sock"));
    let unix = UnixListener::bind(&socket).expect("our own folder");
    let port = tcp.local_addr().expect("bound").port();
    // A shell puts the sockets where systemd does, and keeps its process id.
    let (first, second) = (inheritable(&tcp), inheritable(&unix));
    let script = format!("exec 3<&{first} 4<&{second}; LISTEN_PID=$$ LISTEN_FDS=2 exec \"$0\"");
    let mut command = Command::new("bash");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_aam-registry")]);
    let mut server = site.serve_by(command);
    assert_eq!(web::get(port, "/health").expect("answered").status, 200);
    let (head, _) = ask(UnixStream::connect(&socket).expect("connected"), "GET /ready HTTP/1.1");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    server.signal("INT");
    assert!(server.wait().success());
    assert!(socket.exists(), "the supervisor's own file is left alone");
}

/// The number of a file descriptor that a child process gets too.
fn inheritable(socket: impl std::os::fd::AsFd) -> i32 {
    use std::os::fd::IntoRawFd;
    rustix::io::dup(socket).expect("a descriptor").into_raw_fd()
}

#[test]
fn ipv6_is_listened_on_with_and_without_ipv4() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        // A machine without IPv6: `::` is refused with what to do.
        let site = Site::new();
        let told = site.run(&["serve", "--host", "::", "--port", "0"]).failed().stderr();
        assert!(told.contains("--host 0.0.0.0"), "{told}");
        return;
    }
    let site = Site::new();
    let server = site.serve(&["--host", "::"]);
    let port = server.port();
    assert!(server.started["address"].as_str().expect("text").starts_with("[::]:"));
    let (head, _) = ask(TcpStream::connect((Ipv6Addr::LOCALHOST, port)).expect("connected"), "GET /health HTTP/1.1");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(web::get(port, "/health").expect("answered").status, 200, "IPv4 too");
    drop(server);
    let server = site.serve(&["--host", "[::1]"]);
    let port = server.port();
    let (head, _) = ask(TcpStream::connect((Ipv6Addr::LOCALHOST, port)).expect("connected"), "GET /health HTTP/1.1");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "an IPv6 address is no IPv4 address");
}

#[test]
fn a_registry_below_a_path_is_reached_with_the_path_and_without() {
    let mut site = Site::new();
    site.set("BASE_URL", "https://example.com/tools/registry");
    let server = site.serve(&[]);
    let port = server.port();
    for below in ["", "/tools/registry"] {
        let answer = web::get(port, &format!("{below}/api/v1/packages?limit=1")).expect("answered");
        assert_eq!((answer.status, answer.json()["total"].clone()), (200, json!(0)), "{below}");
        assert_eq!(web::get(port, &format!("{below}/ready")).expect("answered").status, 200);
        let root = web::get(port, &format!("{below}/")).expect("answered").json();
        assert_eq!(root["api"], "/tools/registry/api/v1", "links have the path, whoever removed it");
    }
    assert_eq!(web::get(port, "/tools/registry").expect("answered").status, 200);
    assert_eq!(web::get(port, "/tools/registry2/ready").expect("answered").status, 404);
    site.set("BASE_URL", "https://example.com/api");
    assert!(site.run(&["config", "check"]).failed().stderr().contains("must not have a path that begins with /api"));
}

#[test]
fn every_answer_tells_browsers_to_guess_and_refer_nothing() {
    let mut site = Site::new();
    let server = site.set("METRICS_TOKEN", "0123456789abcdef").serve(&[]);
    let port = server.port();
    let long = format!("/{}", "x".repeat(9000));
    for path in ["/", "/health", "/api/v1/packages", "/api/docs", "/api/openapi.json", "/nowhere", "/metrics", &long] {
        let head = web::get(port, path).expect("answered").head.to_ascii_lowercase();
        assert!(head.contains("\r\nx-content-type-options: nosniff"), "{path}: {head}");
        assert!(head.contains("\r\nreferrer-policy: no-referrer"), "{path}: {head}");
    }
    let stream = || web::connect(port).expect("connected");
    let (head, _) = ask(stream(), "NONSENSE");
    assert!(head.starts_with("http/1.1 400") && head.contains("nosniff") && head.contains("no-referrer"), "{head}");
    for page in ["/", "/api/docs", "/register", "/reset-password", "/verify-email"] {
        let (head, _) = ask(stream(), &format!("GET {page} HTTP/1.1\r\nAccept: text/html"));
        assert!(head.contains("content-type: text/html"), "{page}: {head}");
        assert!(head.contains("content-security-policy: default-src 'none'"), "{page}: {head}");
    }
}

#[test]
fn the_header_forwarded_names_the_client() {
    let mut site = Site::new();
    let server = site.set("CLIENT_IP_HEADER", "Forwarded").serve(&[]);
    let forwarded = "GET /health HTTP/1.1\r\nForwarded: for=1.1.1.1, for=\"[2001:db8::7]:4711\";proto=https";
    ask(web::connect(server.port()).expect("connected"), forwarded);
    let told = |line: &String| line.contains("\"client_ip\":\"2001:db8::7\"");
    crate::process::wait_until("it is logged", || server.log().iter().any(told));
}
