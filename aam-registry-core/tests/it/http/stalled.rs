//! Request bodies that stall.

use std::{convert::Infallible, pin::Pin, time::Duration};

use aam_registry_core::registry::Policy;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{Method, Request};
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::json;

use super::site::{Site, form, request};
use crate::registry::{
    faults::with_endless_storage,
    world::{PASSWORD, World, archive},
};

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
    reply.assert_error(408, "timeout");
    assert!(reply.text().contains("of the request body came in 0 s"), "{reply:?}");

    let token = format!("Bearer {}", site.user("ada").await);
    let form_headers = [("authorization", &*token), ("content-type", "multipart/form-data; boundary=edge")];
    let whole = form(&[("archive", &archive("greet-kit", "1.0.0"))]);
    for sent in [whole.len() / 2, 20] {
        let half = pieces(&whole[..sent], 2).chain(stream::pending());
        let reply = site.send(post("/api/v1/packages", &form_headers, half)).await;
        reply.assert_error(408, "timeout");
        assert!(reply.text().contains("of the request body came in 0 s"), "{reply:?}");
    }
    // The stalled request blocks no other request.
    let whole = pieces(&whole, 3);
    assert_eq!(site.send(post("/api/v1/packages", &form_headers, whole)).await.status, 201);
}

/// A login in four pieces with a pause before each, preceded by that many bytes of white space.
fn slow_login(padding: usize) -> Pin<Box<dyn Stream<Item = Frames> + Send>> {
    let login = json!({"username": "nobody-at-all", "password": PASSWORD}).to_string();
    let padded = " ".repeat(padding) + &login;
    let pieces = pieces(padded.as_bytes(), 4).then(async |piece| {
        tokio::time::sleep(Duration::from_millis(750)).await;
        piece
    });
    Box::pin(pieces)
}

#[tokio::test]
async fn a_large_body_may_take_longer_than_each_of_its_pieces() {
    let site = waiting(Duration::from_secs(2));
    let json = [("content-type", "application/json")];
    let reply = site.send(post("/api/v1/users/login", &json, slow_login(64 * 1024))).await;
    reply.assert_error(401, "invalid_credentials");
}

#[tokio::test]
async fn a_little_now_and_then_is_not_enough() {
    let site = waiting(Duration::from_secs(2));
    let json = [("content-type", "application/json")];
    let reply = site.send(post("/api/v1/users/login", &json, slow_login(0))).await;
    reply.assert_error(408, "timeout");
    assert!(reply.text().contains("bytes of the request body came in 2 s; send at least 16384"), "{reply:?}");
}

#[tokio::test]
async fn whose_slowness_an_upload_ended_by_is_told_by_the_status() {
    let policy = Policy::default().with_upload_timeout(Duration::from_secs(1));
    let site = Site::of(World::with_policy(policy));
    let token = format!("Bearer {}", site.user("ada").await);
    let headers = [("authorization", &*token), ("content-type", "multipart/form-data; boundary=edge")];
    let whole = form(&[("archive", &archive("greet-kit", "1.0.0"))]);
    let slow = pieces(&whole[..whole.len() / 2], 2).chain(stream::pending());
    let reply = site.send(post("/api/v1/packages", &headers, slow)).await;
    reply.assert_error(408, "timeout");
    assert!(reply.text().contains("most of which the registry waited for its bytes"), "{reply:?}");

    // In whatever part of the form it stalls.
    for beside in ["tag", "checksum", "other"] {
        let whole = form(&[(beside, b"beta"), ("archive", &archive("greet-kit", "1.0.0"))]);
        let end = whole.windows(4).position(|bytes| bytes == b"beta").expect("there") + 2;
        let stalled = pieces(&whole[..end], 2).chain(stream::pending());
        site.send(post("/api/v1/packages", &headers, stalled)).await.assert_error(408, "timeout");
    }
}

#[tokio::test]
async fn a_registry_that_is_too_slow_over_an_upload_blames_itself() {
    let policy = Policy::default().with_upload_timeout(Duration::from_secs(1));
    let site = Site::of(with_endless_storage(policy));
    let token = format!("Bearer {}", site.user("ada").await);
    let headers = [("authorization", &*token), ("content-type", "multipart/form-data; boundary=edge")];
    let whole = form(&[("archive", &archive("greet-kit", "1.0.0"))]);
    let reply = site.send(post("/api/v1/packages", &headers, pieces(&whole, 2))).await;
    reply.assert_error(504, "timeout");
    assert!(reply.text().contains("The registry took longer than 1 s over the upload; publish again"), "{reply:?}");
    site.get("/api/v1/packages/greet-kit").await.assert_error(404, "package_not_found");
}
