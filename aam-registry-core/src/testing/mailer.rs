//! What every [`Mailer`] has to do.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{ports::Mailer, types::Mail};

/// Defines a test for every case, on the site that `$make` returns.
#[macro_export]
macro_rules! mailer_conformance {
    ($make:expr) => {
        $crate::conformance!(
            mailer,
            $make,
            [
                a_mail_arrives_as_it_is,
                every_character_and_length_survives,
                a_mail_that_is_sent_again_is_the_same,
                a_subject_adds_no_headers,
                what_is_no_address_is_refused_for_good,
            ]
        );
    };
}

/// A mailer, and the mailbox of everybody that it sends to.
#[async_trait]
pub trait MailSite: Send + Sync {
    /// The mailer under test.
    fn mailer(&self) -> &dyn Mailer;

    /// The mails that have arrived, in this order.
    async fn received(&self) -> Vec<ReceivedMail>;
}

/// A mail as its recipient sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMail {
    /// The part of its `Message-ID` before the `@`.
    pub id: String,
    /// The recipient of the envelope.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its plain text.
    pub text: String,
    /// Its HTML.
    pub html: String,
}

fn mail() -> Mail {
    Mail {
        id: "0190a5b0-0000-7000-8000-000000000001.password-changed".into(),
        to: "ada@example.com".into(),
        subject: "Your password was changed".into(),
        text: "Hello ada,\n\nyour password was changed.\n".into(),
        html: "<!doctype html><html><body><p>Hello <b>ada</b>,</p></body></html>\n".into(),
        at: Timestamp::from_second(1_700_000_000).expect("an instant"),
    }
}

/// The content without the line ends that a mail adds at its end.
fn content(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end().to_owned()
}

async fn require_arrival(site: &dyn MailSite, mail: &Mail) {
    site.mailer().send(mail).await.expect("sent");
    let received = site.received().await.pop().expect("a mail has arrived");
    assert_eq!((&received.id, &received.to, &received.subject), (&mail.id, &mail.to, &mail.subject));
    assert_eq!(content(&received.text), content(&mail.text));
    assert_eq!(content(&received.html), content(&mail.html));
}

/// Recipient, subject, plain text and HTML arrive as given, under the id of the mail.
pub async fn a_mail_arrives_as_it_is(site: &dyn MailSite) {
    require_arrival(site, &mail()).await;
}

/// Any script, long lines, and lines that mean something in SMTP arrive unchanged.
pub async fn every_character_and_length_survives(site: &dyn MailSite) {
    let subject = format!("Пароль für 内部 {}", "long ".repeat(60).trim_end());
    require_arrival(site, &Mail { subject, ..mail() }).await;
    for text in ["für 内部 🦀", &"x".repeat(5000), ".\n..\n.hidden\nFrom here\n=20 and trailing space \nQUIT"] {
        require_arrival(site, &Mail { text: text.to_owned(), html: format!("<p>{text}</p>"), ..mail() }).await;
    }
}

/// A mail that is sent twice has one id, so that mail programs can show it once.
pub async fn a_mail_that_is_sent_again_is_the_same(site: &dyn MailSite) {
    for _ in 0..2 {
        site.mailer().send(&mail()).await.expect("sent");
    }
    let received = site.received().await;
    assert_eq!(received.len(), 2);
    assert_eq!(received[0], received[1]);
}

/// A line break in a subject ends neither the subject nor the headers.
pub async fn a_subject_adds_no_headers(site: &dyn MailSite) {
    let subject = "Hello\r\nBcc: eve@example.com\r\n\r\nIgnore the rest".into();
    if site.mailer().send(&Mail { subject, ..mail() }).await.is_err() {
        return;
    }
    let received = site.received().await;
    assert_eq!(received.len(), 1, "one recipient");
    assert_eq!((&*received[0].to, content(&received[0].text)), ("ada@example.com", content(&mail().text)));
    assert!(received[0].subject.contains("Ignore the rest"), "{:?}", received[0]);
}

/// An address that no mail can be sent to fails for good, without being quoted.
pub async fn what_is_no_address_is_refused_for_good(site: &dyn MailSite) {
    for to in ["ada", "ada@exa mple.com", "ada@example.com\r\nRCPT TO:<eve@example.com>"] {
        let failure = site.mailer().send(&Mail { to: to.into(), ..mail() }).await.expect_err(to);
        assert!(failure.is_permanent, "{failure:?}");
        assert!(!failure.message.contains("ada"), "{failure:?}");
    }
    assert_eq!(site.received().await, []);
}
