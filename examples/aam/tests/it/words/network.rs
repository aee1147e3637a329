//! Registries that cannot be reached, and what stands on the way to them.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use rustls::{
    ServerConfig, ServerConnection,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::Told;
use crate::{
    machine::Machine,
    server::Server,
    stage::{Stage, say},
};

/// A port at which nobody listens.
fn dead() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").to_string()
}

/// A server that says `bytes` to whatever it hears, and closes.
fn blurts(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(bytes);
        }
    });
    address
}

/// A server with a certificate of its own making, for the names given; its address and the certificate.
fn encrypted(names: &[&str]) -> (String, String) {
    encrypted_as(rcgen::IsCa::NoCa, names)
}

/// The same with a certificate that is an authority's or none's.
fn encrypted_as(is_ca: rcgen::IsCa, names: &[&str]) -> (String, String) {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = rcgen::CertificateParams::new(names).expect("names");
    parameters.is_ca = is_ca;
    let signing_key = rcgen::KeyPair::generate().expect("a key");
    let cert = parameters.self_signed(&signing_key).expect("made");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("a certificate");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let Ok(mut connection) = ServerConnection::new(Arc::clone(&config)) else { continue };
            // A client that does not trust it goes away; one without TLS gets an alert.
            while connection.is_handshaking() {
                if connection.complete_io(&mut client).is_err() {
                    let _ = connection.write_tls(&mut client);
                    let _ = client.shutdown(Shutdown::Write);
                    break;
                }
            }
        }
    });
    (address, cert.pem())
}

/// A proxy that speaks SOCKS5 (RFC 1928) without logins; how many connections it made.
fn socks() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let counter = Arc::clone(&counter);
            thread::spawn(move || {
                let _ = forward(client, &counter);
            });
        }
    });
    (address, made)
}

fn forward(mut client: TcpStream, made: &AtomicUsize) -> std::io::Result<()> {
    let mut head = [0; 2];
    client.read_exact(&mut head)?;
    client.read_exact(&mut vec![0; usize::from(head[1])])?;
    client.write_all(&[5, 0])?;
    let mut request = [0; 4];
    client.read_exact(&mut request)?;
    assert_eq!(request[3], 1, "an IPv4 address");
    let mut target = [0; 6];
    client.read_exact(&mut target)?;
    let [a, b, c, d, high, low] = target;
    let mut server = TcpStream::connect((Ipv4Addr::from([a, b, c, d]), u16::from_be_bytes([high, low])))?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    made.fetch_add(1, Ordering::SeqCst);
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    std::io::copy(&mut server, &mut client).map(drop)
}

#[test]
fn what_is_in_the_way_of_a_registry_is_named_with_what_to_do() {
    let mut told = Told::default();
    let machine = Machine::new();
    let info = |url: &str| machine.aam(&["info", "a", "--registry", url]);

    let refused = dead();
    told.naming(&refused, "[DEAD]");
    told.hear("nobody listens there", 6, &mut info(&format!("http://{refused}")));
    told.hear("an address without http:// or https://", 2, &mut info("localhost:8000"));
    told.hear("another machine's address without https://", 2, &mut info("aam.example.com"));
    told.hear("a name that no registry has", 2, &mut info("team"));

    for status in ["301 Moved Permanently", "308 Permanent Redirect"] {
        let stage = Stage::start(move |first, client| {
            let path = first.split(' ').nth(1).unwrap_or_default();
            say(client, status, &format!("location: https://aam.example.com{path}\r\n"), "");
        });
        told.naming(stage.address.to_string(), "[PROXY]");
        told.hear(&format!("http is redirected to https ({status})"), 2, &mut info(&stage.url()));
    }
    let busy = Stage::start(|_, client| say(client, "429 Too Many Requests", "retry-after: 300\r\n", "slow down"));
    told.naming(busy.address.to_string(), "[PROXY]");
    told.hear("a proxy in front limits requests", 6, &mut info(&busy.url()));
    let down = Stage::json("502 Bad Gateway", |_| "<html>nginx</html>".to_owned());
    told.naming(down.address.to_string(), "[PROXY]");
    told.hear("the registry behind nginx is down", 6, &mut info(&down.url()));
    let other = Stage::json("404 Not Found", |_| "<html>nginx</html>".to_owned());
    told.naming(other.address.to_string(), "[OTHER]");
    told.hear("a server that is no registry", 6, &mut info(&other.url()));

    let alert = blurts(b"\x15\x03\x03\x00\x02\x02\x32");
    told.naming(&alert, "[TLS]");
    told.hear("http to a port that speaks TLS", 6, &mut info(&format!("http://{alert}")));
    let nginx = Stage::json("400 Bad Request", |_| {
        "<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>".to_owned()
    });
    told.naming(nginx.address.to_string(), "[TLS]");
    told.hear("http to nginx's port for https", 6, &mut info(&nginx.url()));
    let plain = blurts(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    told.naming(&plain, "[PLAIN]");
    told.hear("https to a port that does not speak TLS", 6, &mut info(&format!("https://{plain}")));
    let silent = blurts(b"");
    told.naming(&silent, "[SILENT]");
    told.hear("a connection that is closed without an answer", 6, &mut info(&format!("http://{silent}")));

    insta::assert_snapshot!("network", told.text);
}

#[test]
fn a_host_that_nobody_knows_is_named() {
    let machine = Machine::new();
    let error = machine.fails(6, &["info", "a", "--registry", "http://nosuch.invalid"]);
    let message = error["message"].as_str().expect("text");
    // Behind the colon stands what the system says.
    let (host, system) = message.split_once(": ").expect("a cause");
    let mut told = Told::default();
    told.naming(system, "[SYSTEM]");
    told.hear("a host that nobody knows", 6, &mut machine.aam(&["info", "a", "--registry", "http://nosuch.invalid"]));
    assert_eq!(host, "The host of http://nosuch.invalid is not known");
    insta::assert_snapshot!("unknown_host", told.text);
}

#[cfg(target_os = "linux")]
#[test]
fn certificates_that_are_not_trusted_are_told_with_how_to_trust_them() {
    let mut told = Told::default();
    let machine = Machine::new();
    let info = |url: String| machine.aam(&["info", "a", "--registry", &url]);
    let (company, _) = encrypted(&["127.0.0.1"]);
    told.naming(&company, "[COMPANY]");
    told.hear("a company's own certificate", 6, &mut info(format!("https://{company}")));
    let (named, pem) = encrypted(&["registry.example.com"]);
    told.naming(&named, "[NAMED]");
    let file = machine.user().join("root.pem");
    fs::write(&file, pem).expect("written");
    told.naming(file.display().to_string(), "[FILE]");
    let elsewhere = |url: String| {
        let mut command = info(url);
        command.env("SSL_CERT_FILE", &file);
        command
    };
    let authority = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let (authority, its_pem) = encrypted_as(authority, &["127.0.0.1"]);
    told.naming(&authority, "[AUTHORITY]");
    let its_file = machine.user().join("authority.pem");
    fs::write(&its_file, its_pem).expect("written");
    told.hear("an authority's certificate", 6, &mut info(format!("https://{authority}")));
    let mut trusted = info(format!("https://{authority}"));
    trusted.env("SSL_CERT_FILE", &its_file);
    told.hear("an authority's certificate that is trusted", 6, &mut trusted);
    told.hear("another root in SSL_CERT_FILE", 6, &mut elsewhere(format!("https://{company}")));
    let mut nowhere = info(format!("https://{company}"));
    nowhere.env("SSL_CERT_FILE", machine.user().join("missing.pem"));
    told.naming(machine.user().display().to_string(), "[HOME]");
    told.hear("no file at SSL_CERT_FILE", 1, &mut nowhere);
    let mut bare = info(format!("https://{company}"));
    bare.env("SSL_CERT_DIR", machine.user().join("project"));
    told.hear("a system without root certificates", 1, &mut bare);
    told.hear("a certificate for another name", 6, &mut elsewhere(format!("https://{named}")));
    told.hear("http to a port that speaks TLS (rustls)", 6, &mut info(format!("http://{company}")));
    insta::assert_snapshot!("certificates", told.text);
}

#[test]
fn proxies_on_the_way_are_told_apart_from_registries() {
    let mut told = Told::default();
    let machine = Machine::new();
    let through = |variable: &str, proxy: &str, url: &str| {
        let mut command = machine.aam(&["info", "a", "--registry", url]);
        command.env(variable, proxy);
        command
    };
    let (http, https) = ("http://registry.example.com", "https://registry.example.com:8443");
    let refused = dead();
    told.naming(&refused, "[DEAD]");
    told.hear("a dead proxy", 6, &mut through("HTTPS_PROXY", &format!("http://me:secret@{refused}"), https));
    told.hear("a dead proxy for http", 6, &mut through("http_proxy", &format!("http://{refused}"), http));
    let address = "https://192.0.2.1";
    told.hear("a dead SOCKS proxy", 6, &mut through("HTTPS_PROXY", &format!("socks5://{refused}"), address));
    told.hear(
        "a SOCKS proxy that could look a name up",
        6,
        &mut through("ALL_PROXY", &format!("socks5://{refused}"), "http://nosuch.invalid"),
    );
    told.hear("a dead proxy for everything", 6, &mut through("ALL_PROXY", &refused, http));
    let unused = format!("https://{refused}");
    told.hear("a kind of proxy that nobody speaks", 6, &mut through("HTTPS_PROXY", "gopher://127.0.0.1:70", &unused));
    let forbids = Stage::json("403 Forbidden", |_| "no".to_owned());
    told.naming(forbids.address.to_string(), "[PROXY]");
    told.hear("a proxy that does not let it through", 6, &mut through("HTTPS_PROXY", &forbids.url(), https));
    let asks = Stage::json("407 Proxy Authentication Required", |_| "no".to_owned());
    told.naming(asks.address.to_string(), "[PROXY]");
    told.hear("a proxy that wants a login", 6, &mut through("HTTPS_PROXY", &asks.url(), https));
    told.hear("a proxy that wants a login for http", 3, &mut through("HTTP_PROXY", &asks.url(), http));
    insta::assert_snapshot!("proxies", told.text);
}

#[test]
fn a_socks_proxy_is_used() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    for scheme in ["socks5", "socks5h"] {
        let (proxy, made) = socks();
        let mut command = machine.aam(&["info", "greet-kit"]);
        let output = command.env("ALL_PROXY", format!("{scheme}://{proxy}")).output().expect("aam runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(made.load(Ordering::SeqCst) > 0, "{scheme}: it went past the proxy");
    }
}

#[test]
fn an_archive_that_a_proxy_does_not_let_through_is_told_as_that() {
    let mut told = Told::default();
    let stage = Stage::start(|first, client| match first.split(' ').next() {
        Some("POST") => say(client, "413 Request Entity Too Large", "server: nginx\r\n", "<html>413</html>"),
        _ => say(
            client,
            "404 Not Found",
            "content-type: application/json\r\n",
            r#"{"error": "package_not_found", "message": "no"}"#,
        ),
    });
    told.naming(stage.address.to_string(), "[PROXY]");
    let machine = stage.machine();
    machine.init("notes", ".");
    let mut command = machine.aam(&["pkg", "publish", "--quiet"]);
    told.hear("nginx's limit of a body", 8, command.env("AAM_TOKEN", "aam_x"));

    // A proxy that closes at once breaks the connection while the archive is on its way.
    let abrupt = blurts(b"HTTP/1.1 413 Request Entity Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    told.naming(&abrupt, "[PROXY]");
    let mut command = machine.aam(&["pkg", "publish", "--quiet", "--registry", &format!("http://{abrupt}")]);
    let output = command.env("AAM_REGISTRY", format!("http://{abrupt}")).env("AAM_TOKEN", "aam_x").output();
    assert!(!output.expect("aam runs").status.success());
    insta::assert_snapshot!("too_large", told.text);
}

#[test]
fn a_registry_that_wants_a_pause_is_waited_for_aloud_and_not_for_ever() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let stage = Stage::start(move |_, client| {
        if counter.fetch_add(1, Ordering::SeqCst) == 0 {
            let body = r#"{"error": "rate_limited", "message": "Too many requests"}"#;
            say(client, "429 Too Many Requests", "retry-after: 1\r\n", body);
        } else {
            let body = r#"{"packages": [], "total": 0, "page": 1, "pages": 1}"#;
            say(client, "200 OK", "content-type: application/json\r\n", body);
        }
    });
    let machine = stage.machine();
    let output = machine.run(&["--json", "search", "a"]);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).replace(&stage.url(), "[REGISTRY]");
    assert_eq!(said, "Waiting 1 s: [REGISTRY] limits how often it is asked, and wants this pause\n");

    let mut told = Told::default();
    let patient = Stage::start(|_, client| {
        let body = r#"{"error": "rate_limited", "message": "Too many requests from your address"}"#;
        say(client, "429 Too Many Requests", "retry-after: 3600\r\n", body);
    });
    told.hear("a pause that is too long to wait for", 6, &mut patient.machine().aam(&["search", "a"]));
    insta::assert_snapshot!("waiting", told.text);
}
