use aam_registry_tests::{Answer, Api, Package, Server, fixture};
use reqwest::Method;
use serde_json::json;

use super::transcript::Transcript;

const KIT: &str = "/api/v1/packages/greet-kit";

async fn with_greet_kit() -> (Server, Api) {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    for file in ["greet-kit-1.0.0.aam", "greet-kit-1.1.0.aam"] {
        ada.publish(&fixture(file), &[]).await.expect_status(201);
    }
    (server, ada)
}

#[tokio::test]
async fn a_package_and_its_versions() {
    let (server, ada) = with_greet_kit().await;
    let scoped = Package::new("@ada/notes", "0.1.0")
        .with("author", json!("Ada"))
        .with("license", json!("MIT"))
        .with("repository", json!("https://example.com/notes"))
        .with("homepage", json!("https://example.com"))
        .with("keywords", json!(["notes"]))
        .with("dependencies", json!({"greet-kit": "^1.0"}))
        .file("README.md", "# Notes\n");
    ada.publish(&scoped.aam(), &[("tag", "next")]).await.expect_status(201);
    let anonymous = server.anonymous();
    let mut transcript = Transcript::default();
    transcript.get(&anonymous, KIT).await;
    transcript.get(&anonymous, &format!("{KIT}/versions")).await;
    transcript.get(&anonymous, &format!("{KIT}/1.0.0")).await;
    for spelled in ["@ada/notes", "%40ada/notes", "@ada%2Fnotes"] {
        transcript.get(&anonymous, &format!("/api/v1/packages/{spelled}/0.1.0")).await;
    }
    transcript.get(&ada, "/api/v1/packages/@ada/notes").await;
    insta::assert_json_snapshot!(transcript.into_value());
}

#[tokio::test]
async fn a_download_has_every_header() {
    let (server, _) = with_greet_kit().await;
    let api = server.anonymous();
    let mut transcript = Transcript::default();
    let path = format!("{KIT}/1.1.0/download");
    let whole = transcript.get(&api, &path).await;
    assert_eq!(whole.body, fixture("greet-kit-1.1.0.aam"));
    let head = Answer::of(api.request(Method::HEAD, &path)).await;
    assert_eq!(head.header("content-length"), whole.body.len().to_string());
    transcript.note("HEAD", &head);
    let tag = whole.header("etag").to_owned();
    for (name, value) in [
        ("if-none-match", tag.as_str()),
        ("if-none-match", &format!("\"other\", W/{tag}")),
        ("if-none-match", "*"),
        ("if-none-match", "\"other\""),
        ("range", "bytes=0-9"),
        ("range", "bytes=-5"),
        ("range", "bytes=800-"),
        ("range", "bytes=99999-"),
        ("range", "bytes=0-1,3-4"),
        ("range", "lines=0-1"),
        ("range", "nonsense"),
    ] {
        let answer = transcript.get_with(&api, &path, name, value).await;
        if answer.status == 206 {
            let (range, _) = answer.header("content-range")[6..].split_once('/').expect("a range");
            let (from, to) = range.split_once('-').expect("a range");
            let (from, to): (usize, usize) = (from.parse().expect("number"), to.parse().expect("number"));
            assert_eq!(answer.body, whole.body[from..=to]);
        }
    }
    for (condition, status) in [(tag.as_str(), 206), ("\"other\"", 200)] {
        let request = api.request(Method::GET, &path).header("range", "bytes=0-9").header("if-range", condition);
        Answer::of(request).await.expect_status(status);
    }
    insta::assert_json_snapshot!(transcript.into_value());
}

#[tokio::test]
async fn what_an_archive_holds() {
    let (server, ada) = with_greet_kit().await;
    let noted =
        Package::new("notes", "1.0.0").file("README.md", "# Notes\n").file("page.html", "<script>").file("b", b"\xff");
    ada.publish(&noted.aam(), &[]).await.expect_status(201);
    let api = server.anonymous();
    let mut transcript = Transcript::default();
    for path in [
        "greet-kit/1.1.0/files",
        "greet-kit/1.1.0/files/skills/hello-skill/scripts/hello.sh",
        "greet-kit/1.1.0/files/skills/hello-skill",
        "greet-kit/1.1.0/files/..%2F..%2Fetc%2Fpasswd",
        "greet-kit/1.1.0/readme",
        "notes/1.0.0/readme",
        "notes/1.0.0/files/page.html",
        "notes/1.0.0/files/b",
        "greet-kit/diff?from=1.0.0&to=1.1.0",
        "greet-kit/diff?from=1.0.0",
        "greet-kit/diff?from=1.0.0&to=9.0.0",
    ] {
        transcript.get(&api, &format!("/api/v1/packages/{path}")).await;
    }
    insta::assert_json_snapshot!(transcript.into_value());
}

#[tokio::test]
async fn json_is_revalidated() {
    let (server, ada) = with_greet_kit().await;
    let api = server.anonymous();
    let first = api.get(KIT).await.expect_status(200);
    let tag = first.header("etag");
    assert!(tag.starts_with('"'), "a strong tag, not {tag}");
    let again = |api: &Api| api.request(Method::GET, KIT).header("if-none-match", tag);
    Answer::of(again(&api)).await.expect_status(304);
    ada.publish(&Package::new("greet-kit", "2.0.0").aam(), &[]).await.expect_status(201);
    let changed = Answer::of(again(&api)).await.expect_status(200);
    assert_ne!(changed.header("etag"), tag);
    assert_eq!(changed.json()["latest_version"], "2.0.0");
}

#[tokio::test]
async fn downloads_are_counted_once_each() {
    let (server, _) = with_greet_kit().await;
    let api = server.anonymous();
    let path = format!("{KIT}/1.1.0/download");
    let whole = api.get(&path).await.expect_status(200);
    Answer::of(api.request(Method::HEAD, &path)).await.expect_status(200);
    Answer::of(api.request(Method::GET, &path).header("if-none-match", whole.header("etag"))).await.expect_status(304);
    Answer::of(api.request(Method::GET, &path).header("range", "bytes=0-9")).await.expect_status(206);
    Answer::of(api.request(Method::GET, &path).header("range", "bytes=5-9")).await.expect_status(206);
    api.get(&format!("{KIT}/1.0.0/download")).await.expect_status(200);

    // A HEAD, a 304 and a range that does not start at 0 are not counted. The counts are stored within
    // seconds.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let all = api.get(&format!("{KIT}/downloads")).await.expect_status(200).json();
        if all["total"] == 3 {
            break;
        }
        assert!(all["total"].as_u64() <= Some(3) && std::time::Instant::now() < until, "{all}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let mut transcript = Transcript::default();
    transcript.get(&api, &format!("{KIT}/downloads")).await;
    transcript.get(&api, &format!("{KIT}/downloads?version=1.0.0")).await;
    transcript.get(&api, &format!("{KIT}/downloads?from=2001-01-01&to=2001-01-31")).await;
    transcript.get(&api, &format!("{KIT}/downloads?from=yesterday")).await;
    insta::assert_json_snapshot!(transcript.into_value());
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (server, _) = with_greet_kit().await;
    let api = server.anonymous();
    let mut transcript = Transcript::default();
    for path in [
        "nothing",
        "nothing/versions",
        "nothing/1.0.0",
        "Not-A-Name",
        "@ada/nothing",
        "greet-kit/9.9.9",
        "greet-kit/not-a-version",
        "greet-kit/9.9.9/download",
        "greet-kit/9.9.9/readme",
        "greet-kit/9.9.9/files",
    ] {
        transcript.get(&api, &format!("/api/v1/packages/{path}")).await;
    }
    insta::assert_json_snapshot!(transcript.into_value());
}
