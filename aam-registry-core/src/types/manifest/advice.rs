//! What to change in a file that is not valid YAML, found from the line where the parser stopped.

use super::faults::quoted;

/// Where the parser stopped, counted from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// The line of a merge conflict marker in the file, if there is one.
pub(super) fn merge_conflict(yaml: &str) -> Option<String> {
    let marked = |mark: &'static str| yaml.lines().position(|line| line.starts_with(mark));
    let (ours, _) = (marked("<<<<<<< ")?, marked(">>>>>>> ")?);
    Some(format!(
        "line {}: a merge left a conflict here; keep what you want of both sides and delete the lines that begin with \
         <<<<<<<, ======= and >>>>>>>",
        ours + 1
    ))
}

/// What is wrong at `spot` and what to write instead; `None` if only the parser's own message helps.
pub(super) fn at(yaml: &str, spot: Spot) -> Option<String> {
    let line = yaml.lines().nth(spot.line.checked_sub(1)?)?;
    let number = spot.line;
    let indentation = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
    if indentation.contains('\t') {
        return Some(format!("line {number}: is indented with a tab; YAML takes spaces only"));
    }
    let start = line.char_indices().nth(spot.column.checked_sub(1)?)?.0;
    let (before, rest) = line.split_at(start);
    let why = match rest.chars().next()? {
        '@' | '`' | '%' => "begins with a character that YAML keeps for itself",
        '>' | '|' => "begins with a character that starts a block of text in YAML",
        '*' => "begins with a character that names an anchor in YAML",
        ':' => return colon(number, before, rest),
        _ => return None,
    };
    let text = scalar(before, rest);
    let mended = format!("'{}'", text.replace('\'', "''"));
    let key = key_before(before).map(|key| format!("{key}: ")).unwrap_or_default();
    let colon = if rest[text.len()..].starts_with(':') { ":" } else { "" };
    Some(format!(
        "line {number}: `{}` {why}; put it in quotes: `{}`",
        quoted(text),
        quoted(&format!("{key}{mended}{colon}"))
    ))
}

/// A key with another indentation than its neighbours.
pub(super) fn misplaced(yaml: &str, spot: Spot) -> Option<String> {
    let line = yaml.lines().nth(spot.line.checked_sub(1)?)?.trim();
    let key = &line[..=line.find(':')?];
    let number = spot.line;
    Some(format!("line {number}: `{}` cannot stand here; indent it as far as the keys beside it", quoted(key)))
}

/// A colon where none is allowed: in a text without quotes, or in a line with wrong indentation.
fn colon(number: usize, before: &str, rest: &str) -> Option<String> {
    let Some((key, value)) = before.split_once(": ") else {
        return Some(format!(
            "line {number}: `{}` cannot stand here; indent it as far as the keys beside it",
            quoted(&format!("{}:", before.trim()))
        ));
    };
    let key = key.trim_start().trim_start_matches("- ");
    let value = format!("{value}{rest}");
    let value = value.trim();
    if value.starts_with(['{', '[', '"', '\'']) {
        return None;
    }
    let mended = format!("'{}'", value.replace('\'', "''"));
    Some(format!(
        "line {number}: the value holds `: `, which begins another key in YAML; put it in quotes: `{}`",
        quoted(&format!("{key}: {mended}"))
    ))
}

/// The text that begins at `rest` and that the author meant as a single value.
fn scalar<'a>(before: &str, rest: &'a str) -> &'a str {
    let in_flow = before.contains(['{', '[']);
    let mut end = rest.find(" #").unwrap_or(rest.len());
    end = rest[..end].find(": ").unwrap_or(end);
    if in_flow {
        end = rest[..end].find([',', '}', ']']).unwrap_or(end);
    }
    let text = rest[..end].trim_end();
    text.strip_suffix(':').unwrap_or(text)
}

/// The key whose value begins after `before`.
fn key_before(before: &str) -> Option<&str> {
    let key = before.trim_end().strip_suffix(':')?;
    let key = key.rsplit(['{', ',', '[']).next().unwrap_or(key).trim_start();
    Some(key.trim_start_matches("- "))
}
