//! Mails, sent to an SMTP server on this machine: the state machine of the crate `mailin`.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use aam_registry_backends::smtp::{SmtpConfig, SmtpMailer, SmtpSecurity};
use aam_registry_core::{
    ports::{MailFailure, Mailer},
    testing::mailer::{MailSite, ReceivedMail},
    types::Mail,
};
use async_trait::async_trait;
use jiff::Timestamp;
use mail_parser::MessageParser;
use mailin::{Action, AuthMechanism, Handler, Response, Session, SessionBuilder, response};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, rustls};

/// What a server has received: the recipients of the envelope, and the message.
type Mailbox = Arc<Mutex<Vec<(Vec<String>, Vec<u8>)>>>;

/// How a server behaves.
#[derive(Clone)]
struct Server {
    security: SmtpSecurity,
    certificate: Arc<rcgen::CertifiedKey<rcgen::KeyPair>>,
    /// What it answers to recipients.
    recipients: Response,
    mailbox: Mailbox,
}

/// Takes mails, from `registry` with the password `hunter2` where it asks for a login.
struct Taker {
    recipients: Response,
    to: Vec<String>,
    message: Vec<u8>,
    mailbox: Mailbox,
}

impl Handler for Taker {
    fn rcpt(&mut self, to: &str) -> Response {
        self.to.push(to.to_owned());
        self.recipients.clone()
    }

    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.message.extend(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let mail = (std::mem::take(&mut self.to), std::mem::take(&mut self.message));
        self.mailbox.lock().expect("not poisoned").push(mail);
        response::OK
    }

    fn auth_plain(&mut self, _: &str, user: &str, password: &str) -> Response {
        if (user, password) == ("registry", "hunter2") { response::AUTH_OK } else { response::INVALID_CREDENTIALS }
    }
}

impl Server {
    fn new(security: SmtpSecurity) -> Self {
        let names = vec!["localhost".to_owned()];
        let certificate = Arc::new(rcgen::generate_simple_self_signed(names).expect("a certificate"));
        Self { security, certificate, recipients: response::OK, mailbox: Mailbox::default() }
    }

    /// Listens at `port`, 0 for a free one, until the task is aborted.
    async fn start(&self, port: u16) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let server = self.clone();
        let running = tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.serve(stream, peer.ip()).await });
            }
        });
        (address, running)
    }

    fn acceptor(&self) -> TlsAcceptor {
        let key = self.certificate.signing_key.serialize_der().try_into().expect("a key");
        let chain = vec![self.certificate.cert.der().clone()];
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
        TlsAcceptor::from(Arc::new(config.expect("a configuration")))
    }

    async fn serve(&self, stream: tokio::net::TcpStream, peer: IpAddr) {
        let mut builder = SessionBuilder::new("mail.example.com");
        match self.security {
            SmtpSecurity::StartTls => {
                builder.enable_start_tls().enable_auth(AuthMechanism::Plain);
            }
            SmtpSecurity::Tls | SmtpSecurity::None => {}
        }
        let taker = Taker {
            recipients: self.recipients.clone(),
            to: Vec::new(),
            message: Vec::new(),
            mailbox: Arc::clone(&self.mailbox),
        };
        let mut session = builder.build(peer, taker);
        if self.security == SmtpSecurity::Tls {
            let Ok(stream) = self.acceptor().accept(stream).await else { return };
            converse(stream, &mut session, true).await;
            return;
        }
        let Some(stream) = converse(stream, &mut session, true).await else { return };
        let Ok(stream) = self.acceptor().accept(stream).await else { return };
        session.tls_active();
        converse(stream, &mut session, false).await;
    }
}

/// Answers a client until it leaves, or begins TLS: then the stream is returned.
async fn converse<S>(stream: S, session: &mut Session<Taker>, greets: bool) -> Option<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    if greets {
        stream.write_all(&session.greeting().buffer().ok()?).await.ok()?;
    }
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await.ok()? == 0 {
            return None;
        }
        let answer = session.process(&line);
        if answer.action == Action::NoReply {
            continue;
        }
        stream.write_all(&answer.buffer().ok()?).await.ok()?;
        stream.flush().await.ok()?;
        match answer.action {
            Action::Close => return None,
            Action::UpgradeTls => return Some(stream.into_inner()),
            _ => {}
        }
    }
}

fn mail() -> Mail {
    Mail {
        id: "0190a5b0-0000-7000-8000-000000000001.test".into(),
        to: "ada@example.com".into(),
        subject: "Hello".into(),
        text: "Hello ada".into(),
        html: "<p>Hello ada</p>".into(),
        at: Timestamp::from_second(1_700_000_000).expect("an instant"),
    }
}

fn config(server: &Server, port: u16) -> SmtpConfig {
    SmtpConfig::new("localhost", server.security, "AAM registry <registry@example.com>").with_port(port)
}

fn mailer(config: &SmtpConfig) -> SmtpMailer {
    SmtpMailer::new(config).expect("a mailer")
}

async fn failure(config: &SmtpConfig) -> MailFailure {
    mailer(config).send(&mail()).await.expect_err("not sent")
}

struct Site {
    mailer: SmtpMailer,
    mailbox: Mailbox,
}

async fn site() -> (Site, JoinHandle<()>) {
    let server = Server::new(SmtpSecurity::None);
    let (address, running) = server.start(0).await;
    (Site { mailer: mailer(&config(&server, address.port())), mailbox: server.mailbox }, running)
}

#[async_trait]
impl MailSite for Site {
    fn mailer(&self) -> &dyn Mailer {
        &self.mailer
    }

    async fn received(&self) -> Vec<ReceivedMail> {
        let mails = self.mailbox.lock().expect("not poisoned");
        let received = |(to, message): &(Vec<String>, Vec<u8>)| {
            let parsed = MessageParser::default().parse(message).expect("a message");
            ReceivedMail {
                id: parsed.message_id().and_then(|id| id.strip_suffix("@example.com")).expect("an id").to_owned(),
                to: to.join(", "),
                subject: parsed.subject().expect("a subject").to_owned(),
                text: parsed.body_text(0).expect("plain text").into_owned(),
                html: parsed.body_html(0).expect("HTML").into_owned(),
            }
        };
        mails.iter().map(received).collect()
    }
}

aam_registry_core::mailer_conformance!(site());

#[tokio::test]
async fn a_message_is_what_mail_servers_and_programs_expect() {
    let (site, _running) = site().await;
    site.mailer.send(&mail()).await.expect("sent");
    let message = site.mailbox.lock().expect("not poisoned")[0].1.clone();
    let parsed = MessageParser::default().parse(&message).expect("a message");
    let header = |name: &str| parsed.header_raw(name).map(str::trim).unwrap_or_default().to_owned();
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert_eq!(header("Date"), "Tue, 14 Nov 2023 22:13:20 +0000");
    assert!(header("From").contains("<registry@example.com>"), "{}", header("From"));
    assert!(message.split(|byte| *byte == b'\n').all(|line| line.len() <= 999), "a line that no server takes");
}

#[tokio::test]
async fn a_mail_is_sent_over_starttls_with_a_login() {
    let server = Server::new(SmtpSecurity::StartTls);
    let (address, _running) = server.start(0).await;
    let trusting = config(&server, address.port()).with_root_certificate(server.certificate.cert.pem());
    mailer(&trusting.clone().with_login("registry", "hunter2")).send(&mail()).await.expect("sent");
    assert_eq!(server.mailbox.lock().expect("not poisoned").len(), 1);
    // A wrong password is the operator's to correct: the mail is sent again until then.
    let failure = failure(&trusting.with_login("registry", "wrong")).await;
    assert!(!failure.is_permanent && failure.message.contains("535") && !failure.message.contains("wrong"));
}

#[tokio::test]
async fn a_mail_is_sent_over_tls() {
    let server = Server::new(SmtpSecurity::Tls);
    let (address, _running) = server.start(0).await;
    let trusting = config(&server, address.port()).with_root_certificate(server.certificate.cert.pem());
    mailer(&trusting).send(&mail()).await.expect("sent");
    assert_eq!(server.mailbox.lock().expect("not poisoned").len(), 1);
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_is_not_trusted_or_offers_no_tls() {
    for security in [SmtpSecurity::StartTls, SmtpSecurity::Tls] {
        let server = Server::new(security);
        let (address, _running) = server.start(0).await;
        let failure = failure(&config(&server, address.port()).with_login("registry", "hunter2")).await;
        assert!(!failure.is_permanent && failure.message.contains("certificate"), "{failure:?}");
        assert!(server.mailbox.lock().expect("not poisoned").is_empty());
    }
    let server = Server::new(SmtpSecurity::None);
    let (address, _running) = server.start(0).await;
    let starttls = SmtpConfig::new("localhost", SmtpSecurity::StartTls, "registry@example.com");
    let failure = failure(&starttls.with_port(address.port()).with_login("registry", "hunter2")).await;
    assert!(!failure.is_permanent && failure.message.contains("STARTTLS is not supported"), "{failure:?}");
    assert!(server.mailbox.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn a_server_that_is_down_gets_the_mail_when_it_is_back() {
    let server = Server::new(SmtpSecurity::None);
    let (address, running) = server.start(0).await;
    let mailer = mailer(&config(&server, address.port()));
    mailer.send(&mail()).await.expect("sent");
    running.abort();
    let _ended = running.await;
    let failure = mailer.send(&mail()).await.expect_err("nobody listens");
    assert!(!failure.is_permanent && failure.message.starts_with("localhost:"), "{failure:?}");
    let (_, _running) = server.start(address.port()).await;
    mailer.send(&mail()).await.expect("sent");
    assert_eq!(server.mailbox.lock().expect("not poisoned").len(), 2);
}

#[tokio::test]
async fn a_refused_recipient_is_refused_for_good_and_a_full_mailbox_for_now() {
    for (answer, is_permanent) in [
        (Response::custom(550, "5.1.1 <ada@example.com> unknown".to_owned()), true),
        (Response::custom(452, "4.2.2 the mailbox of ada@example.com is full".to_owned()), false),
    ] {
        let code = answer.code.to_string();
        let server = Server { recipients: answer, ..Server::new(SmtpSecurity::None) };
        let (address, _running) = server.start(0).await;
        let failure = failure(&config(&server, address.port())).await;
        assert_eq!(failure.is_permanent, is_permanent, "{failure:?}");
        assert!(failure.message.contains(&code) && !failure.message.contains("ada"), "{failure:?}");
    }
}
