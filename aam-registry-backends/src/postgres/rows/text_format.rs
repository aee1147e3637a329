//! The text format of `COPY`, in which the server converts every type itself.

use data_encoding::HEXLOWER;

use super::catalogue::Kind;
use crate::{
    postgres::{
        failure::{Failure, Tx},
        sql::{escaped, unescaped},
    },
    relational::rows::Cell,
};

/// Reads a line without its end.
pub(super) fn read_line(line: &[u8], kinds: &[Kind]) -> Tx<Vec<Cell>> {
    let line = std::str::from_utf8(line).map_err(|_| corrupt("text that is not UTF-8"))?;
    let mut fields = line.split('\t');
    let cells =
        kinds.iter().map(|kind| read_field(fields.next().ok_or_else(|| corrupt("a row that is too short"))?, *kind));
    cells.collect()
}

fn read_field(field: &str, kind: Kind) -> Tx<Cell> {
    if field == "\\N" {
        return Ok(Cell::Null);
    }
    let text = without_backslashes(field)?;
    Ok(match kind {
        Kind::Integer => Cell::Integer(text.parse().map_err(|_| corrupt("a number that is none"))?),
        Kind::Truth => Cell::Integer(i64::from(text == "t")),
        Kind::Text => Cell::Text(unescaped(&text)),
        Kind::Plain => Cell::Text(text),
        Kind::Bytes => {
            let hex = text.strip_prefix("\\x").and_then(|hex| HEXLOWER.decode(hex.as_bytes()).ok());
            Cell::Bytes(hex.ok_or_else(|| corrupt("bytes that are not in hexadecimal digits"))?)
        }
    })
}

fn without_backslashes(field: &str) -> Tx<String> {
    if !field.contains('\\') {
        return Ok(field.to_owned());
    }
    let mut text = String::with_capacity(field.len());
    let mut letters = field.chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\\' => match letters.next() {
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('v') => '\u{b}',
                Some(other) => other,
                None => return Err(corrupt("a field that ends with a backslash")),
            },
            other => other,
        });
    }
    Ok(text)
}

/// Appends a row to `out`.
pub(super) fn write_line(cells: &[Cell], kinds: &[Kind], out: &mut String) -> Tx<()> {
    if cells.len() != kinds.len() {
        return Err(corrupt("a row that has too few columns or too many"));
    }
    for (place, (cell, kind)) in cells.iter().zip(kinds).enumerate() {
        if place > 0 {
            out.push('\t');
        }
        match (cell, kind) {
            (Cell::Null, _) => out.push_str("\\N"),
            (Cell::Integer(number), Kind::Integer | Kind::Truth) => out.push_str(&number.to_string()),
            (Cell::Text(text), Kind::Text) => with_backslashes(&escaped(text), out),
            (Cell::Text(text), Kind::Plain) => with_backslashes(text, out),
            (Cell::Bytes(bytes), Kind::Bytes) => {
                out.push_str("\\\\x");
                HEXLOWER.encode_append(bytes, out);
            }
            _ => return Err(corrupt("a value of another type than its column")),
        }
    }
    out.push('\n');
    Ok(())
}

fn with_backslashes(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
}

fn corrupt(what: &str) -> Failure {
    Failure::Corrupt(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_row_survives_its_line() {
        let kinds = [Kind::Text, Kind::Integer, Kind::Bytes, Kind::Text, Kind::Plain];
        let rows = [
            ["", "plain", "\\N", "\\", "a\tb\nc\rd\\e", "nul \0 and \u{1}", "\u{8}\u{b}\u{c}", "\\."]
                .map(|text| Cell::Text(text.to_owned()))
                .to_vec(),
            vec![Cell::Null],
        ]
        .concat();
        for cell in rows {
            let row = [
                cell,
                Cell::Integer(i64::MIN),
                Cell::Bytes(vec![0, 255, 92]),
                Cell::Null,
                Cell::Text("0190d9f0-0000-7000-8000-000000000000".to_owned()),
            ];
            let mut line = String::new();
            assert!(write_line(&row, &kinds, &mut line).is_ok());
            let line = line.strip_suffix('\n').expect("a line");
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(read_line(line.as_bytes(), &kinds).ok().as_deref(), Some(row.as_slice()), "{line}");
        }
    }
}
