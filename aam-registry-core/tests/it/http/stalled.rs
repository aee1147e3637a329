//! Request bodies that stop coming.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{Method, Request};
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::json;

use super::site::{Site, form, request};
use crate::registry::world::{PASSWORD, World, archive};

fn waiting(patience: Duration) -> Site {
    Site::with(World::new(), "", |builder| builder.body_timeout(patience))
}

type Frames = Result<Frame<Bytes>, Infallible>;

/// The pieces of a body, one after the other.
fn pieces(body: &[u8], count: usize) -> impl Stream<Item = Frames> + Send + use<> {
    let pieces: Vec<_> =
        body.chunks(body.len().div_ceil(count)).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
    stream::iter(pieces)
}

fn post<S>(path: &str, headers: &[(&str, &str)], body: S) -> Request<StreamBody<S>> {
    request(Method::POST, path, headers, "").map(|_| StreamBody::new(body))
}

#[tokio::test]
async fn what_stops_coming_is_a_time_out_and_no_broken_request() {
    let site = waiting(Duration::from_millis(200));
    let json = [("content-type", "application/json")];
    let half = pieces(br#"{"username": "#, 2).chain(stream::pending());
    let reply = site.send(post("/api/v1/users/login", &json, half)).await;
    reply.assert_error(504, "timeout");
    assert!(reply.text().contains("Nothing came of the request body"), "{reply:?}");

    let token = format!("Bearer {}", site.user("ada").await);
    let form_headers = [("authorization", &*token), ("content-type", "multipart/form-data; boundary=edge")];
    let whole = form(&[("archive", &archive("greet-kit", "1.0.0"))]);
    for sent in [whole.len() / 2, 20] {
        let half = pieces(&whole[..sent], 2).chain(stream::pending());
        let reply = site.send(post("/api/v1/packages", &form_headers, half)).await;
        reply.assert_error(504, "timeout");
        assert!(reply.text().contains("Nothing came of the request body"), "{reply:?}");
    }
    // It blocked nothing.
    let whole = pieces(&whole, 3);
    assert_eq!(site.send(post("/api/v1/packages", &form_headers, whole)).await.status, 201);
}

#[tokio::test]
async fn what_comes_in_pieces_may_take_longer_than_each_of_them() {
    let site = waiting(Duration::from_secs(2));
    let login = json!({"username": "nobody-at-all", "password": PASSWORD}).to_string();
    let slow = pieces(login.as_bytes(), 4).then(async |piece| {
        tokio::time::sleep(Duration::from_millis(750)).await;
        piece
    });
    let reply = site.send(post("/api/v1/users/login", &[("content-type", "application/json")], Box::pin(slow))).await;
    reply.assert_error(401, "invalid_credentials");
}
