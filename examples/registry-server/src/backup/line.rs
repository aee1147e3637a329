//! A row as a line of JSON.

use std::borrow::Cow;

use aam_registry_backends::Cell;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

/// The first line of a file of rows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) table: String,
    pub(super) columns: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum JsonCell<'a> {
    Null,
    Integer(i64),
    Text(Cow<'a, str>),
    Bytes { hex: Cow<'a, str> },
}

/// Writes a row into `line`, which it empties before.
pub(super) fn write(cells: &[Cell], line: &mut Vec<u8>) -> serde_json::Result<()> {
    line.clear();
    let cells: Vec<_> = cells.iter().map(of_cell).collect();
    serde_json::to_writer(&mut *line, &cells)?;
    line.push(b'\n');
    Ok(())
}

fn of_cell(cell: &Cell) -> JsonCell<'_> {
    match cell {
        Cell::Null => JsonCell::Null,
        Cell::Integer(number) => JsonCell::Integer(*number),
        Cell::Text(text) => JsonCell::Text(text.into()),
        Cell::Bytes(bytes) => JsonCell::Bytes { hex: HEXLOWER.encode(bytes).into() },
    }
}

/// Reads a row.
pub(super) fn read(line: &str) -> Result<Vec<Cell>, String> {
    let cells: Vec<JsonCell<'_>> = serde_json::from_str(line).map_err(|error| error.to_string())?;
    cells.into_iter().map(to_cell).collect()
}

fn to_cell(cell: JsonCell<'_>) -> Result<Cell, String> {
    Ok(match cell {
        JsonCell::Null => Cell::Null,
        JsonCell::Integer(number) => Cell::Integer(number),
        JsonCell::Text(text) => Cell::Text(text.into_owned()),
        JsonCell::Bytes { hex } => {
            Cell::Bytes(HEXLOWER.decode(hex.as_bytes()).map_err(|_| "bytes that are not in hexadecimal digits")?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_row_survives_its_line() {
        let row = [
            Cell::Null,
            Cell::Integer(i64::MIN),
            Cell::Text("nul \0, a line\nand \"quotes\"".to_owned()),
            Cell::Text("{\"hex\":\"00\"}".to_owned()),
            Cell::Bytes(vec![0, 10, 255]),
        ];
        let mut line = Vec::new();
        write(&row, &mut line).expect("written");
        let line = String::from_utf8(line).expect("UTF-8");
        let line = line.strip_suffix('\n').expect("a line");
        assert!(!line.contains('\n'));
        assert_eq!(read(line).expect("read"), row);
    }
}
