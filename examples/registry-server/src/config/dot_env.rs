//! Reads a `.env` file.
//!
//! Values are taken literally: `$` is not expanded, and neither is it by systemd, which may read the
//! same file. Syntax that other readers of `.env` files interpret differently is refused, so that no
//! value silently differs from the intended one.

/// One variable of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    /// Its name.
    pub(super) name: String,
    /// Its value.
    pub(super) value: String,
    /// The line it begins on, from 1.
    pub(super) line: usize,
    /// Whether other tools would expand something in it.
    pub(super) has_reference: bool,
}

/// A line that is not an assignment. It is not quoted in messages: it may contain a secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    /// Which line, from 1.
    pub(super) line: usize,
    /// What is wrong with it, and what to do.
    pub(super) problem: &'static str,
}

const NO_ASSIGNMENT: &str = "is not `NAME=value`";
const NEEDS_QUOTES: &str = "its value holds a space, a quote, a backslash or a leading `#`: put it in single quotes";
const UNCLOSED: &str = "its value begins with a quote that is never closed";
const BEHIND_QUOTE: &str = "something follows the closing quote: put the whole value in quotes of one kind";
const UNKNOWN_ESCAPE: &str = "a backslash between double quotes stands before `\"`, `\\`, `$`, `n`, `r` or `t` only: \
    double it, or use single quotes";

/// Reads all lines of `text` in order. Skips a byte order mark.
pub(super) fn read(text: &str) -> Vec<Result<Assignment, BadLine>> {
    let mut lines = Lines { rest: text.strip_prefix('\u{feff}').unwrap_or(text), number: 0 };
    let mut read = Vec::new();
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = lines.number;
        read.push(assignment(line, &mut lines).map_err(|problem| BadLine { line: number, problem }));
    }
    read
}

struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        self.number += 1;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }
}

fn assignment(line: &str, lines: &mut Lines<'_>) -> Result<Assignment, &'static str> {
    let number = lines.number;
    let (name, value) = line.split_once('=').ok_or(NO_ASSIGNMENT)?;
    let exported = name.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
    let name = exported.unwrap_or(name).trim();
    let is_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if !is_name {
        return Err(NO_ASSIGNMENT);
    }
    let trimmed = value.trim_start();
    let (value, is_literal) = if let Some(quoted) = trimmed.strip_prefix('\'') {
        (between_quotes('\'', quoted, lines)?, true)
    } else if let Some(quoted) = trimmed.strip_prefix('"') {
        (between_quotes('"', quoted, lines)?, false)
    } else {
        (bare(value)?, false)
    };
    let has_reference = !is_literal && value.contains("${");
    Ok(Assignment { name: name.to_owned(), value, line: number, has_reference })
}

/// A value without quotes; a `#` after a space begins a comment.
fn bare(text: &str) -> Result<String, &'static str> {
    let comment = text.match_indices('#').find(|(at, _)| text[..*at].ends_with([' ', '\t']));
    let value = comment.map_or(text, |(at, _)| &text[..at]).trim();
    let needs_quotes = value.starts_with('#') || value.contains(|c: char| c.is_whitespace() || "'\"\\`".contains(c));
    if needs_quotes { Err(NEEDS_QUOTES) } else { Ok(value.to_owned()) }
}

/// The value up to the closing quote, which may be on a later line.
fn between_quotes(quote: char, first: &str, lines: &mut Lines<'_>) -> Result<String, &'static str> {
    let mut value = String::new();
    let mut line = first;
    loop {
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            if character == quote {
                return match characters.as_str() {
                    "" => Ok(value),
                    rest if rest.trim().is_empty() => Ok(value),
                    rest if rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#') => Ok(value),
                    _ => Err(BEHIND_QUOTE),
                };
            }
            if character == '\\' && quote == '"' {
                value.push(match characters.next() {
                    Some(escaped @ ('"' | '\\' | '$')) => escaped,
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('t') => '\t',
                    _ => return Err(UNKNOWN_ESCAPE),
                });
            } else {
                value.push(character);
            }
        }
        value.push('\n');
        line = lines.next().ok_or(UNCLOSED)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str) -> Result<String, &'static str> {
        let mut read = read(line);
        assert_eq!(read.len(), 1, "{line}");
        read.remove(0).map(|assignment| assignment.value).map_err(|bad| bad.problem)
    }

    #[test]
    fn a_value_is_what_is_written() {
        for (line, expected) in [
            ("A=abc-long-$xyz", "abc-long-$xyz"),
            ("A=${HOME}/x$", "${HOME}/x$"),
            ("A=\"$HOME ${HOME}\"", "$HOME ${HOME}"),
            ("A='a$b#c\\d\"e'", r#"a$b#c\d"e"#),
            ("A=a#b", "a#b"),
            ("A=a # not a part of it", "a"),
            ("A= # nothing", ""),
            ("A=", ""),
            ("export A = a \t", "a"),
            ("A='a b' # not a part of it", "a b"),
            ("A=\"a\\n\\\"b\\\" \\\\ \\$\"", "a\n\"b\" \\ $"),
            ("A=key=value==", "key=value=="),
            ("A='first\r\nsecond'\r\n", "first\nsecond"),
            ("A=ä€", "ä€"),
            ("A=  a  ", "a"),
        ] {
            assert_eq!(value(line).as_deref(), Ok(expected), "{line}");
        }
    }

    #[test]
    fn what_tools_understand_differently_is_refused() {
        for (line, problem) in [
            ("A", NO_ASSIGNMENT),
            ("=a", NO_ASSIGNMENT),
            ("A B=a", NO_ASSIGNMENT),
            ("1A=a", NO_ASSIGNMENT),
            ("A=a b", NEEDS_QUOTES),
            ("A=it's", NEEDS_QUOTES),
            ("A=a\\b", NEEDS_QUOTES),
            ("A=#a", NEEDS_QUOTES),
            ("A='a", UNCLOSED),
            ("A=\"a\\\"", UNCLOSED),
            ("A='a'b", BEHIND_QUOTE),
            ("A='a'#b", BEHIND_QUOTE),
            ("A=\"a\\d\"", UNKNOWN_ESCAPE),
        ] {
            assert_eq!(value(line), Err(problem), "{line}");
        }
    }

    #[test]
    fn lines_are_counted_and_a_byte_order_mark_is_skipped() {
        let read = read("\u{feff}A=1\n\n# B=2\nC='3\n4'\nnonsense\nD=${E}\n");
        let read: Vec<_> = read
            .iter()
            .map(|line| match line {
                Ok(assignment) => (assignment.line, assignment.name.as_str(), assignment.has_reference),
                Err(bad) => (bad.line, "", false),
            })
            .collect();
        assert_eq!(read, [(1, "A", false), (4, "C", false), (6, "", false), (7, "D", true)]);
    }
}
