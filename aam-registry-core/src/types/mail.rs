//! Mails to users.

use std::fmt;

use jiff::Timestamp;

/// A mail to one person.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Identifies the mail, however often it is sent: letters, digits, `.` and `-`. The part of the
    /// `Message-ID` before the `@`.
    pub id: String,
    /// The e-mail address of the recipient.
    pub to: String,
    /// The subject, one line.
    pub subject: String,
    /// The content as plain text.
    pub text: String,
    /// The same content as an HTML document.
    pub html: String,
    /// When what the mail tells of happened, which is the date of the mail.
    pub at: Timestamp,
}

/// Shows neither the recipient nor the content: they hold addresses and one-time tokens.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("id", &self.id).field("subject", &self.subject).finish_non_exhaustive()
    }
}
