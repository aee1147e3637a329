//! What a mail says, and how that looks as plain text and as HTML.

/// The content of a mail to a user.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// Names the letter in the id of its mail: lower-case letters and hyphens.
    pub(super) name: &'static str,
    pub(super) subject: String,
    pub(super) parts: Vec<Part>,
}

/// One part of a letter.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// A paragraph.
    Text(String),
    /// A command to copy, on a line of its own.
    Command(String),
    /// An address to open, on a line of its own.
    Link(String),
}

impl Letter {
    pub(super) fn new(name: &'static str, subject: impl Into<String>) -> Self {
        Self { name, subject: subject.into(), parts: Vec::new() }
    }

    /// Adds a paragraph.
    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(text.into()));
        self
    }

    /// Adds a command to copy.
    pub(super) fn command(mut self, command: impl Into<String>) -> Self {
        self.parts.push(Part::Command(command.into()));
        self
    }

    /// Adds an address to open.
    pub(super) fn link(mut self, url: impl Into<String>) -> Self {
        self.parts.push(Part::Link(url.into()));
        self
    }

    /// The letter as plain text, to the user of that name.
    pub(super) fn to_text(&self, username: &str, base_url: &str) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(paragraph) => format!("{}\n\n", one_line(paragraph)),
            Part::Link(line) | Part::Command(line) => format!("    {}\n\n", one_line(line)),
        });
        let parts = parts.collect::<Vec<_>>().concat();
        format!("Hello{},\n\n{parts}-- \n{}\n{base_url}\n", greeted(username), footer(username))
    }

    /// The letter as an HTML document, to the user of that name. Everything that it contains is escaped.
    pub(super) fn to_html(&self, username: &str, base_url: &str) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(paragraph) => format!("<p>{}</p>\n", escaped(&one_line(paragraph))),
            Part::Link(url) => {
                let url = escaped(&one_line(url));
                format!("<p><a href=\"{url}\">{url}</a></p>\n")
            }
            Part::Command(command) => format!("<pre><code>{}</code></pre>\n", escaped(&one_line(command))),
        });
        let parts = parts.collect::<Vec<_>>().concat();
        let (subject, username, base_url) = (escaped(&one_line(&self.subject)), escaped(username), escaped(base_url));
        let greeted = greeted(&username);
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{subject}</title></head>\n\
             <body style=\"font-family: sans-serif; line-height: 1.5; max-width: 40em\">\n\
             <p>Hello{greeted},</p>\n{parts}<hr>\n\
             <p><small>{}<br><a href=\"{base_url}\">{base_url}</a></small></p>\n</body>\n</html>\n",
            footer(&username)
        )
    }
}

/// The name in the greeting, if there is one.
fn greeted(username: &str) -> String {
    if username.is_empty() { String::new() } else { format!(" {username}") }
}

fn footer(username: &str) -> String {
    if username.is_empty() {
        return "Sent by the AAM registry because somebody gave this address for an invitation.".to_owned();
    }
    format!("Sent by the AAM registry because of the account {username}.")
}

/// The text with each control character, such as a line break, replaced by a space.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_letter_becomes_markup_or_a_line_of_its_own() {
        let hostile = "</p><script>alert('x')</script>\n\nPay here: \"&\"";
        let letter = Letter::new("test", hostile).text(hostile).command(hostile).link(hostile);
        let html = letter.to_html("ada", "https://example.com/?a=1&b=\"2\"");
        assert!(!html.contains("<script") && !html.contains("b=\"2\""), "{html}");
        assert_eq!(html.matches("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;").count(), 5, "{html}");
        assert!(!letter.to_text("ada", "https://example.com").contains("\nPay here"));
    }
}
