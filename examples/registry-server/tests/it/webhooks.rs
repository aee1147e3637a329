//! The operator's webhooks, from a change to its receiver.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::process::{Site, wait_until};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A delivery: the id of its header, and its body.
type Delivery = (String, Value);

/// A receiver on a port of this machine that gives these answers, one after
/// the other and the last one for ever; where the answer is empty, it never comes.
fn receiver(answers: &'static [&'static str]) -> (u16, Receiver<Delivery>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let (deliver, delivered) = mpsc::channel();
    thread::spawn(move || {
        let mut unanswered = Vec::new();
        for (at, stream) in listener.incoming().enumerate() {
            let mut stream = BufReader::new(stream.expect("accepted"));
            let (mut id, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap_or(0) <= 2 {
                    break;
                }
                let (name, value) = line.split_once(':').unwrap_or_default();
                match name.to_ascii_lowercase().as_str() {
                    "webhook-id" => value.trim().clone_into(&mut id),
                    "content-length" => length = value.trim().parse().expect("a length"),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).expect("a body");
            let answer = answers[at.min(answers.len() - 1)];
            let _ = stream.get_mut().write_all(answer.as_bytes());
            if answer == HANGING {
                unanswered.push(stream);
            }
            if deliver.send((id, serde_json::from_slice(&body).expect("JSON"))).is_err() {
                return;
            }
        }
    });
    (port, delivered)
}

const OK: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
/// No answer for as long as the test lasts.
const HANGING: &str = "";
const GONE: &str = "HTTP/1.1 410 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const BROKEN: &str = "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn configured(site: &Site, port: u16) {
    site.write(
        "config.yaml",
        &format!(
            "webhooks:\n  - url: http://127.0.0.1:{port}/hook\n    secret: {SECRET}\n    events: [admin.create, user.register]\n"
        ),
    );
}

fn create_admin(site: &Site, name: &str) {
    let create = ["create-admin", "--username", name, "--email", &format!("{name}@example.com")];
    site.run_with_input(&create, "a very long sentence to log in with\n").succeeded();
}

fn jobs(site: &Site) -> Value {
    serde_json::from_str(&site.run(&["jobs", "list", "--json"]).succeeded().stdout()).expect("JSON")
}

#[test]
fn an_event_is_delivered_again_under_one_id_until_it_is_received() {
    let (port, delivered) = receiver(&[BROKEN, OK]);
    let mut site = Site::new();
    configured(&site, port);
    site.set("WEBHOOK_ALLOW_PRIVATE", "127.0.0.1");
    create_admin(&site, "ada");
    let _server = site.serve(&[]);
    let next = || delivered.recv_timeout(Duration::from_mins(1)).expect("delivered");
    let (first, second) = (next(), next());
    assert_eq!(first, second);
    let (id, body) = first;
    assert_eq!((body["type"].as_str(), body["data"]["id"].as_str()), (Some("admin.create"), Some(&*id)));
    assert_eq!(body["data"]["actor"], "ada");
    wait_until("nothing waits any more", || jobs(&site)["total"] == 0);
}

#[test]
fn an_address_inside_is_not_called_and_the_operator_sees_why() {
    let (port, delivered) = receiver(&[OK]);
    let site = Site::new();
    configured(&site, port);
    create_admin(&site, "ada");
    let _server = site.serve(&[]);
    wait_until("it was tried", || jobs(&site)["jobs"][0]["last_error"].is_string());
    let listed = jobs(&site);
    let reason = listed["jobs"][0]["last_error"].as_str().expect("a reason");
    assert!(reason.contains("WEBHOOK_ALLOW_PRIVATE"), "{reason}");
    assert!(delivered.try_recv().is_err(), "nothing came");
}

/// A server that is killed while its delivery is under way, and the one that comes after it.
#[test]
fn every_event_arrives_though_a_server_is_killed() {
    let (port, delivered) = receiver(&[HANGING, OK]);
    let mut site = Site::new();
    configured(&site, port);
    site.set("WEBHOOK_ALLOW_PRIVATE", "127.0.0.1");
    let first = site.serve(&[]);
    create_admin(&site, "admin-0");
    let (id, body) = delivered.recv_timeout(Duration::from_mins(1)).expect("begun");
    drop(first);
    let _second = site.serve(&[]);
    for at in 1..4 {
        create_admin(&site, &format!("admin-{at}"));
    }
    let mut wanted: BTreeSet<_> = (0..4).map(|at| format!("admin-{at}")).collect();
    while !wanted.is_empty() {
        // The lease of the one that was killed has to run out.
        let (again, delivery) = delivered.recv_timeout(Duration::from_mins(2)).expect("every event is delivered");
        let user = delivery["data"]["actor"].as_str().expect("a user");
        if user == "admin-0" {
            assert_eq!((&again, &delivery), (&id, &body), "the same message");
        }
        wanted.remove(user);
    }
    wait_until("nothing waits any more", || jobs(&site)["total"] == 0);
}

#[test]
fn a_webhook_whose_receiver_is_gone_is_disabled_until_the_operator_enables_it() {
    let (port, delivered) = receiver(&[GONE, OK]);
    let mut site = Site::new();
    configured(&site, port);
    site.set("WEBHOOK_ALLOW_PRIVATE", "127.0.0.1");
    let webhooks = || site.run(&["webhook", "list", "--json"]).succeeded().json()["webhooks"].clone();
    create_admin(&site, "ada");
    assert_eq!((&webhooks()[0]["name"], &webhooks()[0]["disabled_reason"]), (&"127.0.0.1".into(), &Value::Null));
    let server = site.serve(&[]);
    delivered.recv_timeout(Duration::from_mins(1)).expect("delivered");
    wait_until("it is disabled", || webhooks()[0]["disabled_reason"] == "gone");
    let told = || crate::web::get(server.port(), "/metrics").expect("answered").body;
    wait_until("it is counted", || told().contains("aam_operator_webhooks_disabled 1"));
    create_admin(&site, "bob");
    wait_until("nothing is queued for it", || {
        jobs(&site)["jobs"].as_array().is_some_and(|jobs| jobs.iter().all(|job| job["state"] == "failed"))
    });
    let unknown = site.run(&["webhook", "enable", "other"]).failed().stderr();
    assert!(unknown.contains("config.yaml lists no webhook other"), "{unknown}");
    let enabled = site.run(&["webhook", "enable", "127.0.0.1"]).succeeded().stdout();
    assert!(enabled.contains("127.0.0.1 is in use again"), "{enabled}");
    create_admin(&site, "eve");
    let (_, body) = delivered.recv_timeout(Duration::from_mins(1)).expect("delivered");
    assert_eq!(body["data"]["actor"], "eve", "what happened meanwhile is not sent");
}

#[test]
fn deliveries_go_through_the_proxy() {
    let (proxy, asked) = proxy();
    let mut site = Site::new();
    site.write(
        "config.yaml",
        &format!("webhooks:\n  - url: http://hooks.invalid/hook\n    secret: {SECRET}\n    events: [admin.create]\n"),
    );
    site.set("HTTPS_PROXY", format!("http://127.0.0.1:{proxy}"));
    create_admin(&site, "ada");
    let _server = site.serve(&[]);
    let line = asked.recv_timeout(Duration::from_mins(1)).expect("asked");
    assert_eq!(line, "POST http://hooks.invalid/hook HTTP/1.1");
    wait_until("it was delivered", || jobs(&site)["total"] == 0);
}

/// A proxy that answers everything itself, and tells the first line of each request.
fn proxy() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("accepted"));
            let mut first = String::new();
            let _ = stream.read_line(&mut first);
            let mut length = 0;
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap_or(0) <= 2 {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a length");
                }
            }
            // A request that is not read whole is answered by a reset.
            stream.read_exact(&mut vec![0; length]).expect("a body");
            let _ = stream.get_mut().write_all(OK.as_bytes());
            if tell.send(first.trim_end().to_owned()).is_err() {
                return;
            }
        }
    });
    (port, told)
}
