//! Meaningless requests always get a well-formed answer.

use http::{Method, StatusCode};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::site::{Site, request};

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        Just(Method::GET),
        Just(Method::HEAD),
        Just(Method::POST),
        Just(Method::PUT),
        Just(Method::DELETE),
        Just(Method::PATCH),
        Just(Method::OPTIONS),
        Just(Method::from_bytes(b"BREW").expect("a method")),
    ]
}

/// Path segments that routes know, mixed with others.
fn path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        Just("packages".to_owned()),
        Just("greet-kit".to_owned()),
        Just("1.0.0".to_owned()),
        Just("@ada".to_owned()),
        Just("%40ada%2Ftool".to_owned()),
        Just("files".to_owned()),
        Just("users".to_owned()),
        Just("download".to_owned()),
        Just("tags".to_owned()),
        Just("resolve".to_owned()),
        Just("..".to_owned()),
        Just("%".to_owned()),
        "(%[0-9a-fA-F]{2}|[a-zA-Z0-9@._~!$&'()*+,;=:-]){0,12}",
    ];
    let query = prop_oneof![Just(String::new()), "[?](%[0-9a-f]{2}|[a-z0-9=&+%._-]){0,24}"];
    (prop_oneof![Just("/api/v1/packages"), Just("/api/v1"), Just("")], prop::collection::vec(segment, 0..6), query)
        .prop_map(|(start, segments, query)| {
            let path = segments.join("/");
            format!("{start}/{path}{query}")
        })
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let name = prop::sample::select(vec![
        "range",
        "if-range",
        "if-none-match",
        "accept",
        "accept-encoding",
        "authorization",
        "content-type",
        "x-request-id",
        "x-forwarded-for",
    ]);
    let value = prop_oneof![
        "[ -~]{0,24}",
        Just("bytes=0-5".to_owned()),
        Just("application/json".to_owned()),
        Just("multipart/form-data; boundary=x".to_owned()),
        Just("gzip, br;q=0.5".to_owned()),
    ];
    prop::collection::vec((name, value), 0..4)
}

#[test]
fn any_request_gets_an_answer_in_good_form() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (site, _) = runtime.block_on(Site::published());
    let requests = (method(), path(), headers(), prop::collection::vec(any::<u8>(), 0..64));
    let mut runner = TestRunner::new(Config { cases: 1024, ..Config::default() });
    let ran = runner.run(&requests, |(method, path, headers, body)| {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reply = runtime.block_on(site.send(request(method.clone(), &path, &headers, body)));
        prop_assert!(reply.headers.contains_key("x-request-id"));
        prop_assert_ne!(reply.status, StatusCode::INTERNAL_SERVER_ERROR, "{:?}", reply);
        if method == Method::HEAD {
            prop_assert!(reply.body.is_empty());
        } else if reply.status.is_client_error() {
            reply.assert_error(reply.status.as_u16(), reply.json()["error"].as_str().expect("a code"));
        }
        Ok(())
    });
    ran.expect("every request is answered");
}
