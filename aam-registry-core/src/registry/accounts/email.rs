//! What an e-mail address looks like.

use email_address::{EmailAddress, Options};

use crate::error::Detail;

/// What is wrong with an e-mail address.
pub(super) fn fault(text: &str) -> Option<Detail> {
    (!is_email(text)).then(|| Detail::new("email", "is not an e-mail address"))
}

/// Whether `text` has the shape of an address that mail can be sent to: who
/// it reaches, only a mail can tell.
fn is_email(text: &str) -> bool {
    let options = Options::default().without_display_text().without_domain_literal();
    // The crate takes white space, commas and brackets between quotes, and white space and control
    // characters that are not ASCII everywhere.
    let has_odd = text.contains(|c: char| c == '"' || c.is_whitespace() || c.is_control());
    text.len() <= 254 && !has_odd && EmailAddress::parse_with_options(text, options).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_mail_addresses_have_a_shape() {
        for good in ["ada@example.com", "a.b+c@mail.example.org", "root@localhost"] {
            assert!(is_email(good), "{good} was refused");
        }
        for bad in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c.d",
            "a@b@c",
            "a@b..c",
            "a@b\r\nBcc: x",
            "<a@b.c>",
            "Ada <a@b.c>",
            "\"a,b\"@c.d",
            "a@-b.c",
            "a@[127.0.0.1]",
            "a\u{85}@b.c",
            "a\u{2028}@b.c",
            &format!("{}@b.c", "a".repeat(65)),
        ] {
            assert!(!is_email(bad), "{bad:?} passed");
        }
    }
}
