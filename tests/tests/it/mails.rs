//! Mails of the server, sent to an SMTP server on this machine.

use std::sync::{Arc, Mutex};

use aam_registry_tests::{Answer, Api, Server, eventually};
use mail_parser::MessageParser;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// What was received: recipient, subject and plain text of each mail.
pub(crate) type Mailbox = Arc<Mutex<Vec<(String, String, String)>>>;

/// Takes the mails of one connection (RFC 5321).
async fn converse(stream: TcpStream, mailbox: &Mailbox) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.example.com ESMTP\r\n").await.ok()?;
    let (mut to, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let answer: &[u8] = match line.get(..4).map(str::to_ascii_uppercase).as_deref() {
            Some("EHLO") => b"250-mail.example.com\r\n250 8BITMIME\r\n",
            Some("RCPT") => {
                to = line.split(['<', '>']).nth(1)?.to_owned();
                b"250 OK\r\n"
            }
            Some("DATA") => {
                stream.write_all(b"354 go ahead\r\n").await.ok()?;
                let mut message = String::new();
                while !message.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut message).await.ok()?;
                }
                let parsed = MessageParser::default().parse(message.as_bytes())?;
                let (subject, text) = (parsed.subject()?.to_owned(), parsed.body_text(0)?.into_owned());
                mailbox.lock().expect("not poisoned").push((to.clone(), subject, text));
                b"250 OK\r\n"
            }
            Some("QUIT") => b"221 bye\r\n",
            _ => b"250 OK\r\n",
        };
        stream.write_all(answer).await.ok()?;
    }
}

pub(crate) fn listen(listener: TcpListener, mailbox: Mailbox) {
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mailbox = Arc::clone(&mailbox);
            tokio::spawn(async move { converse(stream, &mailbox).await });
        }
    });
}

/// The text of the mail with that subject to that address, as soon as it is there.
pub(crate) async fn mail(mailbox: &Mailbox, address: &str, subject: &str) -> String {
    let (text, _) = eventually(format!("`{subject}` to {address}"), async || {
        let mails = mailbox.lock().expect("not poisoned");
        mails.iter().find(|(to, about, _)| to == address && about == subject).map(|(.., text)| text.clone())
    })
    .await;
    text
}

pub(crate) fn link(text: &str) -> String {
    text.lines().map(str::trim).find(|line| line.starts_with("https://")).expect("a link").to_owned()
}

const PASSWORD: &str = "tulip-Wagon-93-kelp";

async fn log_in(api: &Api, password: &str) -> Api {
    let body = json!({"username": "ada", "password": password});
    let session = api.post("/api/v1/users/login", &body).await.expect_status(200).json();
    api.with_token(session["access_token"].as_str().expect("a token"))
}

#[tokio::test]
async fn addresses_are_verified_and_changes_of_them_told_by_mail() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    let mailbox = Mailbox::default();
    listen(listener, Arc::clone(&mailbox));
    let port = address.port().to_string();
    let settings = [
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", &*port),
        ("SMTP_TLS", "none"),
        ("SMTP_FROM", "registry@example.com"),
        ("BASE_URL", "https://registry.example.com"),
        // The address of before waits sealed; servers on PostgreSQL have a key only if they are given one.
        ("SECRETS_KEY", "a key that all replicas have in common"),
    ];
    let server = Server::start_with(&settings).await;
    let api = server.anonymous();
    let account = json!({"username": "ada", "email": "ada@example.com", "password": PASSWORD});
    api.post("/api/v1/users/register", &account).await.expect_status(201);

    let login = json!({"username": "ada", "password": PASSWORD});
    api.post("/api/v1/users/login", &login).await.expect_status(401);
    let confirmation = mail(&mailbox, "ada@example.com", "Confirm your e-mail address").await;
    let token = json!({"token": link(&confirmation)});
    api.post("/api/v1/users/verify-email", &token).await.expect_status(204);
    let ada = log_in(&api, PASSWORD).await;
    assert_eq!(ada.get("/api/v1/users/me").await.expect_status(200).json()["email_verified"], true);

    let change = json!({"email": "ada@example.org", "current_password": PASSWORD});
    let request = ada.request(http::Method::PATCH, "/api/v1/users/me").json(&change);
    assert_eq!(Answer::of(request).await.expect_status(200).json()["email_verified"], false);
    let told = mail(&mailbox, "ada@example.com", "The e-mail address of your account was changed").await;
    assert!(!told.contains("ada@example.org"), "{told}");
    mail(&mailbox, "ada@example.org", "Verify your e-mail address").await;
    assert!(!server.log().contains("ada@example."), "an address is in the log");
}
