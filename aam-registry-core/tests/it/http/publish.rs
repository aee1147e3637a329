//! Publishing with a form.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use aam_registry_core::{archive::ArchiveLimits, registry::Policy, types::Sha256Digest};
use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request};
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use insta::assert_snapshot;

use super::site::{Site, form, request};
use crate::registry::world::{World, archive, archive_with, noise, tar_gz};

/// The parts of a form.
type Parts<'a> = &'a [(&'a str, &'a [u8])];

#[tokio::test]
async fn a_publish_tells_what_it_made() {
    let site = Site::new();
    let token = site.user("ada").await;
    let bytes = archive("@ada/tool", "1.0.0");
    let sha256 = Sha256Digest::of(&bytes).to_string().to_uppercase();
    // Parts may come in any order; unknown parts are ignored.
    let parts: &[(&str, &[u8])] =
        &[("checksum", sha256.as_bytes()), ("colour", b"blue"), ("archive", &bytes), ("tag", b"beta"), ("", b"")];
    let reply = site.publish_form(&token, parts).await;
    assert_snapshot!(reply.snapshot());
    assert_eq!(site.get(reply.header("location")).await.json()["dist_tags"], serde_json::json!(["beta", "latest"]));
}

#[tokio::test]
async fn bytes_may_come_one_by_one() {
    let site = Site::new();
    let token = site.user("ada").await;
    let body = form(&[("archive", &archive("tool", "1.0.0")), ("tag", b"beta")]);
    let bytes: Vec<_> =
        body.into_iter().map(|byte| Ok::<_, std::io::Error>(Frame::data(Bytes::from(vec![byte])))).collect();
    let request = Request::builder()
        .method(Method::POST)
        .uri("/api/v1/packages")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "multipart/form-data; boundary=\"edge\"")
        .body(StreamBody::new(stream::iter(bytes)))
        .expect("a request");
    assert_eq!(site.send(request).await.status, 201);
}

#[tokio::test]
async fn what_is_wrong_with_a_form_is_told() {
    let site = Site::new();
    let token = site.user("ada").await;
    let bytes = archive("tool", "1.0.0");
    let wrong = Sha256Digest::of(b"other").to_string();
    let long = vec![b'x'; 2 << 20];
    let table: &[(Parts<'_>, u16, &str)] = &[
        (&[], 400, "invalid_request"),
        (&[("tag", b"beta")], 400, "invalid_request"),
        (&[("archive", b"")], 400, "invalid_archive"),
        (&[("archive", b"not gzip")], 400, "invalid_archive"),
        (&[("archive", &bytes[..bytes.len() - 9])], 400, "invalid_archive"),
        (&[("archive", &bytes), ("archive", &bytes)], 400, "invalid_request"),
        (&[("archive", &bytes), ("checksum", wrong.as_bytes())], 400, "checksum_mismatch"),
        (&[("archive", &bytes), ("checksum", b"12")], 400, "invalid_request"),
        (&[("archive", &bytes), ("tag", b"1.0.0")], 400, "invalid_tag"),
        (&[("archive", &bytes), ("tag", b"\xff")], 400, "invalid_request"),
        (&[("archive", &bytes), ("tag", &long)], 400, "invalid_request"),
        (&[("signature", b"x"), ("archive", &bytes)], 400, "invalid_request"),
        (&[("archive", &bytes), ("signature_type", b"gpg")], 400, "invalid_request"),
        (&[("archive", &bytes), ("colour", &long)], 413, "payload_too_large"),
        (&[("archive", &archive_with("tool", "1.0.0", "private: true\n"))], 400, "invalid_manifest"),
        (&[("archive", &archive_with("tool", "x", "keywords: [A B]\n"))], 400, "invalid_manifest"),
        (&[("archive", &archive("@nobody/tool", "1.0.0"))], 403, "forbidden"),
        (&[("archive", &archive("registry", "1.0.0"))], 403, "name_reserved"),
        (&[("visibility", b"private"), ("archive", &bytes)], 400, "invalid_request"),
        (&[("archive", &bytes), ("Private", b"true")], 400, "invalid_request"),
        (&[("access", b"restricted"), ("archive", &bytes)], 400, "invalid_request"),
        (&[("require-approval", b"yes"), ("archive", &bytes)], 400, "invalid_request"),
        (&[("otp", b"123456"), ("archive", &bytes)], 400, "invalid_request"),
        (&[("webhooks", &[b'x'; 1000]), ("archive", &bytes)], 400, "invalid_request"),
    ];
    for (parts, status, code) in table {
        let reply = site.publish_form(&token, parts).await;
        let names: Vec<_> = parts.iter().map(|(name, _)| name).collect();
        println!("{names:?} {:?}", reply.json());
        reply.assert_error(*status, code);
    }
    let manifest = site.publish_form(&token, table[15].0).await;
    assert_eq!(manifest.json()["details"].as_array().map(Vec::len), Some(2), "{manifest:?}");
    assert_eq!(site.get("/api/v1/packages").await.json()["total"], 0, "nothing of it is visible");
}

#[tokio::test]
async fn a_lost_answer_can_be_told_from_a_loss() {
    let (site, token) = Site::published().await;
    let reply = site.publish(&token, "greet-kit", "1.0.0").await;
    reply.assert_error(409, "version_exists");
    let sha256 = Sha256Digest::of(&archive("greet-kit", "1.0.0")).to_string();
    assert_eq!(reply.json()["details"][0], serde_json::json!({"field": "sha256", "error": sha256}));
    site.publish(&token, "greet-kit", "1.0.0+build").await.assert_error(409, "version_exists");
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let site = Site::new();
    let authorization = format!("Bearer {}", site.user("ada").await);
    let send = |content_type: &'static str, body: &'static str| {
        let headers = [("authorization", &*authorization), ("content-type", content_type)];
        let request = request(Method::POST, "/api/v1/packages", &headers, body);
        async { site.send(request).await }
    };
    send("application/gzip", "x").await.assert_error(415, "unsupported_media_type");
    send("multipart/form-data", "x").await.assert_error(400, "invalid_request");
    for broken in
        ["", "x", "--edge", "--edge\r\n", "--edge\r\nContent-Disposition: form-data; name=\"archive\"\r\n\r\nx"]
    {
        send("multipart/form-data; boundary=edge", broken).await.assert_error(400, "invalid_request");
    }
    let none = request(Method::POST, "/api/v1/packages", &[("authorization", &authorization)], "x");
    site.send(none).await.assert_error(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_body_in_a_content_coding_is_refused_with_what_to_do() {
    let site = Site::new();
    let authorization = format!("Bearer {}", site.user("ada").await);
    for (path, content_type) in
        [("/api/v1/packages", "multipart/form-data; boundary=edge"), ("/api/v1/resolve", "application/json")]
    {
        let send = async |coding: &'static str| {
            let headers =
                [("authorization", &*authorization), ("content-type", content_type), ("content-encoding", coding)];
            site.send(request(Method::POST, path, &headers, "\u{1f}")).await
        };
        for coding in ["gzip", "br", "identity, gzip"] {
            let reply = send(coding).await;
            reply.assert_error(415, "unsupported_media_type");
            assert_eq!(reply.header("accept-encoding"), "identity");
            let message = reply.json()["message"].as_str().expect("text").to_owned();
            assert_eq!(
                message,
                format!(
                    "The request body is sent with `Content-Encoding: {coding}`; send it as it is, without that header"
                )
            );
        }
        send("Identity").await.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn large_archives_are_refused_early() {
    let limits = ArchiveLimits::default().with_max_archive_size(100_000);
    let site = Site::of(World::with_policy(Policy::default().with_archive_limits(limits)));
    let token = site.user("ada").await;
    let large = tar_gz(&[("aam.yaml", &noise(200_000))]);
    site.publish_form(&token, &[("archive", &large)]).await.assert_error(413, "payload_too_large");
    let mut announced = request(
        Method::POST,
        "/api/v1/packages",
        &[
            ("authorization", &*format!("Bearer {token}")),
            ("content-type", "multipart/form-data; boundary=edge"),
            ("content-length", "50000000"),
        ],
        "",
    )
    .map(|_| Untouchable);
    announced.headers_mut().insert("expect", "100-continue".parse().expect("a header"));
    site.send(announced).await.assert_error(413, "payload_too_large");
}

#[tokio::test]
async fn a_form_that_never_comes_to_a_part_is_cut_off() {
    let site = Site::new();
    let token = site.user("ada").await;
    for start in ["", "--edge\r\nContent-Disposition: form-data; name=\"archive\"\r\nX-Long: "] {
        let chunks = std::iter::once(start.to_owned()).chain((0..256).map(|_| "x".repeat(64 * 1024)));
        let chunks = stream::iter(chunks.map(|chunk| Ok::<_, std::io::Error>(Frame::data(Bytes::from(chunk)))));
        let request = Request::builder()
            .method(Method::POST)
            .uri("/api/v1/packages")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "multipart/form-data; boundary=edge")
            .body(StreamBody::new(chunks))
            .expect("a request");
        let reply = site.send(request).await;
        reply.assert_error(400, "invalid_request");
        assert!(reply.json()["message"].as_str().expect("message").contains("too long"), "{reply:?}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    let site = Site::new();
    let token = site.user("ada").await;
    let whole = form(&[("archive", &archive("tool", "1.0.0"))]);
    let chunks = vec![
        Ok(Frame::data(Bytes::copy_from_slice(&whole[..whole.len() / 2]))),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ];
    let request = Request::builder()
        .method(Method::POST)
        .uri("/api/v1/packages")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "multipart/form-data; boundary=edge")
        .body(StreamBody::new(stream::iter(chunks)))
        .expect("a request");
    site.send(request).await.assert_error(400, "invalid_request");
    assert_eq!(site.publish(&token, "tool", "1.0.0").await.status, 201, "a failed upload blocks nothing");
}

#[tokio::test]
async fn who_may_not_publish_is_told() {
    let site = Site::new();
    let session = site.user("ada").await;
    let by = site.principal(&session).await;
    let request = aam_registry_core::registry::TokenRequest {
        name: "reader".into(),
        scopes: vec!["read".into()],
        ..Default::default()
    };
    let (_, secret) = site.world.registry.create_token(&by, request).await.expect("a token");
    site.publish(secret.expose(), "tool", "1.0.0").await.assert_error(403, "forbidden");
    site.publish("nonsense", "tool", "1.0.0").await.assert_error(401, "unauthorized");
}

/// A body that must not be read.
#[derive(Debug)]
struct Untouchable;

impl Body for Untouchable {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        panic!("the body was read");
    }
}

/// Packers list every file with its checksum in the manifest, by its path.
#[tokio::test]
async fn a_file_with_a_long_path_may_be_listed_in_the_manifest() {
    let site = Site::new();
    let token = site.user("ada").await;
    let path = format!("skills/one/{}/{}.md", "d".repeat(250), "f".repeat(240));
    let publish = async |version: &str, listed: &str| {
        let manifest = format!(
            "name: kit\nversion: {version}\ndescription: d\nartifacts: {{skills: [{{name: one, path: skills/one}}]}}\n\
             file_checksums: {{algorithm: sha256, files: {{? {listed}\n: '{}'}}}}\n",
            Sha256Digest::of(b"long")
        );
        let files: &[(&str, &[u8])] =
            &[("aam.yaml", manifest.as_bytes()), ("skills/one/SKILL.md", b"# One"), (&path, b"long")];
        site.publish_form(&token, &[("archive", &tar_gz(files))]).await
    };
    let published = publish("1.0.0", &path).await;
    assert_eq!(published.status, 201, "{published:?}");
    let file = site.get(&format!("/api/v1/packages/kit/1.0.0/files/{path}")).await;
    assert_eq!(file.text(), "long");
    // What is no path is no key either.
    let refused = publish("1.0.1", &format!("../{}", "d".repeat(300))).await;
    refused.assert_error(400, "invalid_manifest");
    assert!(refused.text().contains("is a key of 303 bytes; at most 256 are allowed"), "{refused:?}");
}
