//! What an e-mail address looks like.

use crate::error::Detail;

/// What is wrong with an e-mail address.
pub(super) fn fault(text: &str) -> Option<Detail> {
    (!is_email(text)).then(|| Detail::new("email", "is not an e-mail address"))
}

/// Whether `text` has the shape of an address that mail can be sent to: who
/// it reaches, only a mail can tell.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let printable =
        text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"@<>()[],;:\\\"".contains(c) || c == '@');
    let labels = |text: &str| !text.is_empty() && text.split('.').all(|label| !label.is_empty());
    text.len() <= 254 && local.len() <= 64 && printable && !local.contains('@') && labels(local) && labels(domain)
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
            &format!("{}@b.c", "a".repeat(65)),
        ] {
            assert!(!is_email(bad), "{bad:?} passed");
        }
    }
}
