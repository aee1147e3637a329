//! How a server ends.

use std::{
    fs,
    io::{ErrorKind, Write},
    net::TcpListener,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use crate::{
    process::{Site, in_repository},
    web,
};

/// Less than the five seconds during which the server still accepts connections.
const WITHIN_THE_PROMISE: Duration = Duration::from_secs(4);

#[test]
fn sigterm_under_load_loses_no_request_and_no_count() {
    let mut site = Site::new();
    site.set("RATE_LIMIT_DOWNLOAD", 0);
    let mut server = site.serve(&[]);
    let port = server.port();
    let authorization = web::sign_up(port, "alice");
    let archive = fs::read(in_repository("tests/fixtures/greet-kit-1.0.0.aam"));
    assert_eq!(web::publish(port, &authorization, &archive.expect("there")).status, 201);
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let download = "/api/v1/packages/greet-kit/1.0.0/download";
                    assert_eq!(web::get(port, download).expect("no request is lost").status, 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while answered.load(Ordering::Relaxed) < 20 {
            thread::yield_now();
        }
        let body = r#"{"username": "nobody-at-all", "password": "not the password of anybody"}"#;
        let mut slow = web::connect(port).expect("connected");
        let head = "POST /api/v1/users/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        write!(slow, "{head}Content-Length: {}\r\n\r\n{}", body.len(), &body[..10]).expect("sent");

        server.terminate();
        server.wait_for("draining");
        assert_eq!(web::get(port, "/ready").expect("still accepted").status, 503);
        assert_eq!(web::get(port, "/health").expect("still accepted").status, 200);
        thread::sleep(WITHIN_THE_PROMISE);
        over.store(true, Ordering::Relaxed);

        // A request that began before the stop is finished.
        while web::connect(port).is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
        slow.write_all(&body.as_bytes()[10..]).expect("sent");
        let answer = web::read(&mut slow).expect("answered");
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.head.to_ascii_lowercase().contains("connection: close"), "{}", answer.head);
    });
    assert!(server.wait().success());
    assert!(server.log().last().expect("a log").contains(r#""event":"stopped""#));
    assert_eq!(web::get(port, "/health").expect_err("it is gone").kind(), ErrorKind::ConnectionRefused);

    let server = site.serve(&[]);
    let counted = web::get(server.port(), "/api/v1/packages/greet-kit/downloads").expect("answered").json();
    assert_eq!(counted["total"], answered.into_inner(), "every download is counted");
}

#[test]
fn sigterm_while_a_webhook_is_not_answered_loses_no_count() {
    // It accepts the delivery and never answers.
    let receiver = TcpListener::bind("127.0.0.1:0").expect("bound");
    let mut site = Site::new();
    let url = format!("http://{}/hook", receiver.local_addr().expect("an address"));
    let hook = format!("{{url: '{url}', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, events: [user.register]}}");
    site.write("config.yaml", &format!("webhooks: [{hook}]\n"));
    site.set("WEBHOOK_ALLOW_PRIVATE", "127.0.0.1");
    site.set("RATE_LIMIT_DOWNLOAD", 0);
    let mut server = site.serve(&[]);
    let port = server.port();
    let authorization = web::sign_up(port, "alice");
    let archive = fs::read(in_repository("tests/fixtures/greet-kit-1.0.0.aam"));
    assert_eq!(web::publish(port, &authorization, &archive.expect("there")).status, 201);
    let _delivery = receiver.accept().expect("the delivery began");
    server.terminate();
    server.wait_for("draining");
    let mut downloads = 0;
    while let Ok(answer) = web::get(port, "/api/v1/packages/greet-kit/1.0.0/download") {
        assert_eq!(answer.status, 200);
        downloads += 1;
        thread::sleep(Duration::from_millis(20));
    }
    assert!(server.wait().success());
    let log = server.log();
    assert!(log.iter().all(|line| !line.contains("background_cut_off")), "{log:#?}");
    assert!(log.iter().any(|line| line.contains("jobs_cut_off")), "{log:#?}");

    let server = site.serve(&[]);
    let counted = web::get(server.port(), "/api/v1/packages/greet-kit/downloads").expect("answered").json();
    assert_eq!(counted["total"], downloads, "every download is counted");
}

#[test]
fn kept_connections_are_told_to_close_and_idle_ones_are_closed() {
    let site = Site::new();
    let mut server = site.serve(&[]);
    let mut kept = web::connect(server.port()).expect("connected");
    let mut idle = web::connect(server.port()).expect("connected");
    let mut silent = web::connect(server.port()).expect("connected");
    for stream in [&mut kept, &mut idle] {
        let answer = web::ask(stream, "/health").expect("answered");
        assert!(!answer.head.contains("connection: close"), "{}", answer.head);
    }
    server.terminate();
    server.wait_for("draining");
    let answer = web::ask(&mut kept, "/health").expect("still answered");
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
    for stream in [&mut kept, &mut idle, &mut silent] {
        assert!(web::is_closed(stream));
    }
    assert!(server.wait().success());
    assert!(!server.log().join("").contains("requests_cut_off"), "{:#?}", server.log());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let site = Site::new();
    let mut server = site.serve(&[]);
    server.terminate();
    server.wait_for("draining");
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(1));
    assert!(server.log().iter().any(|line| line.contains("stopped_at_once")));
}

#[test]
fn a_signal_told_twice_at_once_is_one() {
    let site = Site::new();
    let mut server = site.serve(&[]);
    server.terminate();
    server.wait_for("draining");
    server.terminate();
    assert!(server.wait().success());
}

#[test]
fn a_server_that_waits_for_its_schema_ends_too() {
    let mut site = Site::new();
    let mut server = site.set("AUTO_MIGRATE", "off").serve_until(&[], "schema_behind");
    server.terminate();
    assert!(server.wait().success());
}
