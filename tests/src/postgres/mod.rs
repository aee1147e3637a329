//! PostgreSQL for a test: a database on a server that all tests share, or a
//! whole server that the test may stop and kill.

mod database;
mod programs;
mod server;
mod template;

pub use database::Database;
pub use server::Postgres;

pub use tokio_postgres::Client;

use tokio_postgres::NoTls;

/// A connection to the database of a URL.
///
/// # Errors
/// Where it does not answer.
pub async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        // Whoever asks over it hears of its end.
        let _ = connection.await;
    });
    Ok(client)
}
