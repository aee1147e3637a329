//! PostgreSQL for a test: a database on a server that all tests share, or a separate server that the
//! test may stop and kill.

mod database;
mod programs;
mod server;
mod template;

pub use database::Database;
pub use server::Postgres;

pub use tokio_postgres::Client;

use tokio_postgres::NoTls;

/// A connection to the database at a URL.
///
/// # Errors
/// If it does not answer.
pub async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        // The client reports the end of the connection.
        let _ = connection.await;
    });
    Ok(client)
}
