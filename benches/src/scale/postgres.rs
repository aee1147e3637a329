use std::{fmt::Write, pin::pin};

use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::Client;

use super::{
    sqlite::TOTALS,
    tables::{self, CHAIN, Dialect, Source},
    value::Value,
};
use crate::error::Result;

/// How many bytes are sent at a time.
const CHUNK: usize = 1 << 20;

/// Fills a PostgreSQL database that has been migrated and is empty.
pub(super) async fn fill(client: &Client, source: &Source<'_>) -> Result<()> {
    for table in tables::of(Dialect::Postgres) {
        let copy = format!("COPY {} ({}) FROM STDIN", table.name, table.columns.join(", "));
        let mut sink = pin!(client.copy_in::<_, Bytes>(&copy).await?);
        let mut text = String::with_capacity(CHUNK + CHUNK / 4);
        for row in (table.rows)(source) {
            write_row(&mut text, &row);
            if text.len() > CHUNK {
                sink.send(std::mem::take(&mut text).into()).await?;
            }
        }
        sink.send(text.into()).await?;
        sink.finish().await?;
    }
    client.batch_execute(TOTALS).await?;
    client.batch_execute(CHAIN).await?;
    for table in ["packages", "versions", "audit_log"] {
        let next = format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))");
        client.batch_execute(&next).await?;
    }
    // Autovacuum would have done this while the tables grew.
    client.batch_execute("VACUUM ANALYZE").await?;
    Ok(())
}

/// The definitions of a database's tables and indexes, as one text.
pub(super) async fn schema(client: &Client) -> Result<String> {
    let query = "SELECT table_name || ' ' || column_name || ' ' || data_type AS line FROM information_schema.columns
                 WHERE table_schema = 'public' UNION ALL SELECT indexdef FROM pg_indexes
                 WHERE schemaname = 'public' ORDER BY 1";
    let rows = client.query(query, &[]).await?;
    let lines = rows.iter().map(|row| row.try_get::<_, String>(0)).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(lines.join("\n"))
}

/// A row in the text format of COPY.
fn write_row(text: &mut String, row: &[Value]) {
    for (at, value) in row.iter().enumerate() {
        if at > 0 {
            text.push('\t');
        }
        match value {
            Value::Null => text.push_str("\\N"),
            Value::Bool(value) => text.push(if *value { 't' } else { 'f' }),
            Value::Int(value) => write!(text, "{value}").expect("a string takes all"),
            Value::Text(value) => write_text(text, value),
            Value::Bytes(value) => {
                text.push_str("\\\\x");
                for byte in value {
                    write!(text, "{byte:02x}").expect("a string takes all");
                }
            }
        }
    }
    text.push('\n');
}

fn write_text(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_escaped_for_copy() {
        let mut text = String::new();
        let row = [Value::Int(-1), Value::Null, Value::Bool(true), "a\tb\\\n".into(), Value::Bytes(vec![0, 255])];
        write_row(&mut text, &row);
        assert_eq!(text, "-1\t\\N\tt\ta\\tb\\\\\\n\t\\\\x00ff\n");
    }
}
