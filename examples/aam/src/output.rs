//! What the client says: results to stdout, everything else to stderr.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
};

use clap::builder::styling::{AnsiColor, Style};
use jiff::Timestamp;
use serde::Serialize;

use crate::failure::{Failure, Result};

/// How to speak: to a person or to a program, loudly or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    colour: bool,
}

impl Output {
    /// Colours need a terminal and no `NO_COLOR`.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { json, quiet, colour: wanted && !json && io::stdout().is_terminal() && io::stderr().is_terminal() }
    }

    /// Whether progress bars make sense: a person watches and did not ask for silence.
    pub(crate) fn shows_progress(self) -> bool {
        !self.json && !self.quiet && io::stderr().is_terminal()
    }

    /// Whether `--json` was asked for.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Whether `--quiet` was asked for.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// The answer to a question: `value` as JSON, or the lines of `human`.
    pub(crate) fn result(self, value: &impl Serialize, human: impl FnOnce() -> Vec<String>) -> Result<()> {
        if self.json {
            let text = serde_json::to_string_pretty(value)
                .map_err(|error| Failure::new(crate::failure::Kind::Other, "io", error.to_string()))?;
            return Self::print(&escaped(&text));
        }
        let lines = human();
        if lines.is_empty() { Ok(()) } else { Self::print(&lines.join("\n")) }
    }

    /// What a command did: as [`Self::result`], but silent for a person who asked for quiet.
    pub(crate) fn done(self, value: &impl Serialize, human: impl FnOnce() -> Vec<String>) -> Result<()> {
        if self.quiet && !self.json { Ok(()) } else { self.result(value, human) }
    }

    /// Tells a person something that is not the result.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet && !self.json {
            Self::complain(&plain(text));
        }
    }

    /// Says what the command waits for, beside `--json`, too: it is no part of the result.
    pub(crate) fn waiting(self, text: &str) {
        if !self.quiet {
            Self::complain(&plain(text));
        }
    }

    /// Warns; silent only with `--json`, whose results carry the warnings themselves, and `--quiet`.
    pub(crate) fn warn(self, text: &str) {
        if !self.quiet && !self.json {
            Self::complain(&format!("{} {}", self.yellow("warning:"), plain(text)));
        }
    }

    /// Tells why a command failed.
    pub(crate) fn failure(self, failure: &Failure) {
        if self.json {
            // Nothing is left to say where stdout is closed.
            let _ = serde_json::to_string_pretty(failure).map(|text| Self::print(&escaped(&text)));
            return;
        }
        let error = self.paint(AnsiColor::Red.on_default().bold(), "error:");
        let mut lines = vec![format!("{error} {}", paragraph(&failure.message))];
        let details = failure.details.iter().map(|detail| format!("  {}: {}", detail.field, detail.error));
        lines.extend(details.map(|detail| paragraph(&detail)));
        lines.extend(failure.hint.iter().map(|hint| format!("{} {hint}", self.cyan("help:"))));
        lines.extend(failure.request_id.iter().map(|id| self.dim(&format!("request id: {}", plain(id)))));
        Self::complain(&lines.join("\n"));
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.paint(AnsiColor::Cyan.on_default(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn print(text: &str) -> Result<()> {
        match writeln!(io::stdout().lock(), "{text}") {
            // The reader of a pipe may stop reading when it has seen enough.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::system("Cannot write the result", &error))
            }
            _ => Ok(()),
        }
    }

    fn complain(text: &str) {
        // There is no other place to say that stderr is closed.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// Text of a registry or a package, safe to show on one line: a line end or tab
/// becomes a space, and what could move the cursor, recolour a terminal, turn
/// the order of what follows or hide itself becomes `?`.
pub(crate) fn plain(text: &str) -> String {
    let shown = |c| match c {
        '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        c if c.is_control() || is_format(c) => '?',
        c => c,
    };
    text.trim_end().chars().map(shown).collect()
}

/// JSON in which every character that could move the cursor, turn the order of
/// what follows or hide itself is escaped, as JSON lets any character of a
/// string be: it is read by programs, and shown on terminals on the way.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && (c.is_control() || is_format(c) || matches!(c, '\u{2028}' | '\u{2029}')) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // A string takes whatever is written to it.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// As [`plain`], but the lines of `text` stay: indented, so that none passes for one of ours.
fn paragraph(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n    ")
}

/// Whether a character is one of Unicode's format characters (category Cf),
/// save the two joiners (U+200C, U+200D) that words and emoji are written with.
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
        | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}'
    )
}

/// An instant, to the second.
pub(crate) fn instant(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// As [`instant`], of the text of an answer; what is no instant stays as it is.
pub(crate) fn moment(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), instant)
}

/// Aligns rows of cells into lines, two spaces apart.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{:<width$}", plain(cell), width = *width));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_align_and_show_no_escape_sequences() {
        let rows = vec![vec!["a".to_owned(), "b".to_owned()], vec!["long\u{1b}[31m".to_owned(), "c".to_owned()]];
        assert_eq!(table(&rows), ["a          b", "long?[31m  c"]);
    }

    #[test]
    fn json_shows_nothing_that_acts_and_means_the_same() {
        let value = serde_json::json!({"a\u{9b}": "x\u{7f}\u{202e}y\u{e0041}\n\u{2028}é"});
        let text = escaped(&serde_json::to_string_pretty(&value).expect("json"));
        assert!(text.chars().all(|c| c == '\n' || c == 'é' || (' '..='~').contains(&c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("json"), value);
    }

    #[test]
    fn nothing_is_shown_that_reorders_hides_or_breaks_a_line() {
        assert_eq!(plain("a\u{202e}b\u{2066}c\u{200b}d\u{feff}e\u{e0041}f"), "a?b?c?d?e?f");
        assert_eq!(plain("one\r\ntwo\tthree\u{2028}four\n"), "one  two three four");
        assert_eq!(plain("é 日本 👩\u{200d}💻 می\u{200c}خواهم"), "é 日本 👩\u{200d}💻 می\u{200c}خواهم");
        assert_eq!(paragraph("a\u{1b}\nhelp: b\n"), "a?\n    help: b");
    }
}
