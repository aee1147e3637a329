//! Deliveries of webhooks, as a receiver reads them.

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::TcpStream,
};

/// A delivery: the id of its header, and its body.
pub(crate) type Delivery = (String, Value);

/// Reads the request of one delivery.
pub(crate) async fn read(stream: &mut BufReader<TcpStream>) -> Delivery {
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) <= 2 {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "webhook-id" => value.trim().clone_into(&mut id),
            "content-length" => length = value.trim().parse().expect("a length"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("a body");
    (id, serde_json::from_slice(&body).expect("JSON"))
}
