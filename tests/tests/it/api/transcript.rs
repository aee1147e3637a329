use aam_registry_tests::{Answer, Api};
use reqwest::Method;
use serde_json::{Value, json};

/// The headers that a transcript contains, if they are present.
const SHOWN: &[&str] = &[
    "accept-ranges",
    "allow",
    "cache-control",
    "content-disposition",
    "content-range",
    "content-type",
    "etag",
    "location",
    "repr-digest",
    "retry-after",
    "vary",
    "www-authenticate",
    "x-checksum-sha256",
];

/// Requests and their answers, with everything replaced that differs from run to run.
#[derive(Debug, Default)]
pub(crate) struct Transcript(Vec<Value>);

impl Transcript {
    /// Adds an answer.
    pub(crate) fn note(&mut self, request: &str, answer: &Answer) {
        let mut headers = answer.headers(SHOWN);
        // The entity tag of JSON changes with times and ids in it; that of an archive does not.
        if let Some(tag) = headers.get_mut("etag").filter(|_| answer.header("x-checksum-sha256").is_empty()) {
            "[etag]".clone_into(tag);
        }
        let body = match serde_json::from_slice::<Value>(&answer.body) {
            Ok(json) => blotted(json),
            Err(_) if answer.body.is_empty() => Value::Null,
            Err(_) => match std::str::from_utf8(&answer.body) {
                Ok(text) => text.into(),
                Err(_) => format!("[{} bytes]", answer.body.len()).into(),
            },
        };
        assert!(!answer.header("x-request-id").is_empty(), "{request} has no X-Request-Id");
        self.0.push(json!({"request": request, "status": answer.status, "headers": headers, "body": body}));
    }

    /// Sends a GET and adds the answer.
    pub(crate) async fn get(&mut self, api: &Api, path: &str) -> Answer {
        let answer = api.get(path).await;
        self.note(&format!("GET {path}"), &answer);
        answer
    }

    /// Sends a GET with a request header and adds the answer.
    pub(crate) async fn get_with(&mut self, api: &Api, path: &str, name: &str, value: &str) -> Answer {
        let answer = Answer::of(api.request(Method::GET, path).header(name, value)).await;
        self.note(&format!("GET {path} ({name}: {value})"), &answer);
        answer
    }

    /// Sends a POST with JSON and adds the answer.
    pub(crate) async fn post(&mut self, api: &Api, path: &str, body: &Value) -> Answer {
        let answer = api.post(path, body).await;
        self.note(&format!("POST {path}"), &answer);
        answer
    }

    /// Sends a PUT with JSON and adds the answer.
    pub(crate) async fn put(&mut self, api: &Api, path: &str, body: &Value) -> Answer {
        let answer = api.put(path, body).await;
        self.note(&format!("PUT {path}"), &answer);
        answer
    }

    /// Sends a DELETE and adds the answer.
    pub(crate) async fn delete(&mut self, api: &Api, path: &str) -> Answer {
        let answer = api.delete(path).await;
        self.note(&format!("DELETE {path}"), &answer);
        answer
    }

    /// Publishes and adds the answer, described as `what`.
    pub(crate) async fn publish(&mut self, what: &str, api: &Api, aam: &[u8], fields: &[(&'static str, &str)]) {
        let answer = api.publish(aam, fields).await;
        self.note(&format!("POST /api/v1/packages: {what}"), &answer);
    }

    /// Adds only a part of an answer.
    pub(crate) fn summary(&mut self, request: &str, what: &Value) {
        self.0.push(json!({"request": request, "answer": what}));
    }

    /// The whole transcript.
    pub(crate) fn into_value(self) -> Value {
        Value::Array(self.0)
    }
}

/// The JSON with times and ids replaced.
fn blotted(mut json: Value) -> Value {
    match &mut json {
        Value::Object(fields) => {
            for (key, value) in fields {
                let what = match key.as_str() {
                    "request_id" => "[request id]",
                    "date" => "[date]",
                    "timestamp" => "[time]",
                    "id" => "[id]",
                    key if key.ends_with("_at") => "[time]",
                    _ => "",
                };
                *value = if what.is_empty() || value.is_null() { blotted(value.take()) } else { what.into() };
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = blotted(value.take())),
        _ => {}
    }
    json
}
