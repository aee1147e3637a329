//! How clients may cache documents.

use std::io::Read;

use super::site::Site;

const LONG: &str = "/api/openapi.json";
const SHORT: &str = "/api/v1/packages/greet-kit/tags";

#[tokio::test]
async fn a_document_is_conditional() {
    let (site, token) = Site::published().await;
    let reply = site.get(SHORT).await;
    assert_eq!(reply.header("cache-control"), "public, max-age=0, must-revalidate");
    assert_eq!(reply.header("vary"), "accept-encoding");
    let etag = reply.header("etag").to_owned();
    assert!(etag.starts_with('"'), "weak: {etag}");
    let same = site.get_with(SHORT, &[("if-none-match", &etag)]).await;
    assert_eq!((same.status.as_u16(), same.header("etag"), same.body.len()), (304, &*etag, 0));
    assert_eq!(same.header("cache-control"), "public, max-age=0, must-revalidate");
    site.publish(&token, "greet-kit", "1.1.0").await;
    assert_eq!(site.get_with(SHORT, &[("if-none-match", &etag)]).await.status, 200);
}

#[tokio::test]
async fn with_a_credential_it_is_private() {
    let (site, token) = Site::published().await;
    let reply = site.get_with(SHORT, &[("authorization", &format!("Bearer {token}"))]).await;
    assert_eq!(reply.header("cache-control"), "private, max-age=0, must-revalidate");
    let written = site.publish(&token, "greet-kit", "1.1.0").await;
    assert_eq!(written.header("cache-control"), "no-store");
}

#[tokio::test]
async fn each_coding_has_a_tag_of_its_own() {
    let site = Site::new();
    let plain = site.get(LONG).await;
    let plain_tag = plain.header("etag").trim_matches('"').to_owned();
    for coding in ["gzip", "br", "zstd"] {
        let reply = site.get_with(LONG, &[("accept-encoding", coding)]).await;
        assert_eq!(reply.header("content-encoding"), coding);
        assert_eq!(reply.header("etag"), format!("\"{plain_tag}-{coding}\""));
        assert_eq!(reply.header("vary"), "accept-encoding");
        assert!(reply.body.len() < plain.body.len() / 2);
        let tag = reply.header("etag").to_owned();
        let same = site.get_with(LONG, &[("accept-encoding", coding), ("if-none-match", &tag)]).await;
        assert_eq!((same.status.as_u16(), same.header("etag")), (304, &*tag));
        assert_eq!(same.header_if_any("content-encoding"), None);
        assert_eq!(
            site.get_with(LONG, &[("if-none-match", &tag)]).await.status,
            200,
            "another coding is another thing"
        );
    }
    let gzip = site.get_with(LONG, &[("accept-encoding", "gzip")]).await;
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&gzip.body[..]).read_to_end(&mut unpacked).expect("gzip");
    assert_eq!(unpacked, plain.body);
}

#[tokio::test]
async fn what_is_short_or_unwanted_is_not_compressed() {
    let (site, _) = Site::published().await;
    assert_eq!(site.get_with(SHORT, &[("accept-encoding", "gzip")]).await.header_if_any("content-encoding"), None);
    for plain in ["identity", "deflate", "gzip;q=0", "*;q=0", "identity;q=0"] {
        let reply = site.get_with(LONG, &[("accept-encoding", plain)]).await;
        assert_eq!((reply.status.as_u16(), reply.header_if_any("content-encoding")), (200, None), "{plain}");
    }
}

#[tokio::test]
async fn head_tells_what_get_would() {
    let (site, _) = Site::published().await;
    for (path, accept) in [(SHORT, "identity"), (LONG, "identity"), (LONG, "gzip")] {
        let get = site.get_with(path, &[("accept-encoding", accept)]).await;
        let head = site.send(super::site::request(http::Method::HEAD, path, &[("accept-encoding", accept)], "")).await;
        assert!(head.body.is_empty());
        assert_eq!(head.status, get.status);
        for name in ["etag", "content-type", "content-encoding", "vary", "cache-control"] {
            assert_eq!(head.headers.get(name), get.headers.get(name), "{name} of {path}");
        }
        if accept == "identity" {
            assert_eq!(head.header("content-length"), get.body.len().to_string());
        }
    }
}
