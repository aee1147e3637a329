use serde_json::{Map, Value, json};

use super::{errors::errors, parameters::parameters, schemas::Schemas};
use crate::decide::ReadAccess;
use crate::http::routing::{Access, Answer, Content, Kind, RequestContent, Route, Verb};
use crate::ports::RateClass;

/// One operation of the document.
pub(super) fn operation(route: &Route, access: ReadAccess, schemas: &mut Schemas) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), route.id.into());
    operation.insert("tags".into(), json!([route.tag]));
    operation.insert("summary".into(), route.summary.into());
    if !route.description.is_empty() {
        operation.insert("description".into(), route.description.into());
    }
    let credential = json!({"bearer": []});
    let needs_credential = match route.access {
        Access::Open => false,
        Access::Read => access == ReadAccess::Authenticated,
        Access::Credential => true,
    };
    let security = if needs_credential { json!([credential]) } else { json!([{}, credential]) };
    operation.insert("security".into(), security);
    let parameters = parameters(route);
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    if let Some(body) = request_body(route, schemas) {
        operation.insert("requestBody".into(), body);
    }
    operation.insert("responses".into(), responses(route, schemas).into());
    operation.into()
}

fn request_body(route: &Route, schemas: &mut Schemas) -> Option<Value> {
    let (media_type, schema) = match route.request {
        RequestContent::None => return None,
        RequestContent::Json(schema) => ("application/json", schema),
        RequestContent::Form(schema) => ("multipart/form-data", schema),
    };
    let schema = schema(&mut schemas.requests);
    Some(json!({"required": true, "content": {media_type: {"schema": schema}}}))
}

fn responses(route: &Route, schemas: &mut Schemas) -> Map<String, Value> {
    let mut responses = Map::new();
    for answer in route.answers {
        responses.insert(answer.status.to_string(), response(route, answer, schemas));
    }
    if route.verb == Verb::Get && route.kind == Kind::Document {
        let not_modified = json!({"description": "What `If-None-Match` names is still current."});
        responses.insert("304".into(), not_modified);
    }
    for (status, error) in errors(route) {
        responses.insert(status.to_string(), error);
    }
    responses
}

fn response(route: &Route, answer: &Answer, schemas: &mut Schemas) -> Value {
    let mut response = json!({"description": answer.description, "headers": headers(route, answer)});
    let media = |types: &[&str], schema: &Value| {
        types.iter().map(|media_type| ((*media_type).to_owned(), json!({"schema": schema}))).collect::<Map<_, _>>()
    };
    let content = match answer.content {
        Content::None => return response,
        Content::Json(schema) => media(&["application/json"], &schema(&mut schemas.answers).to_value()),
        Content::JsonOrPage(schema) | Content::JsonOrSvg(schema) => {
            let mut content = media(&["application/json"], &schema(&mut schemas.answers).to_value());
            let other = if matches!(answer.content, Content::JsonOrSvg(_)) { "image/svg+xml" } else { "text/html" };
            content.extend(media(&[other], &json!({"type": "string"})));
            content
        }
        Content::Text(types) => media(types, &json!({"type": "string"})),
        // Raw bytes have no schema in OpenAPI 3.1.
        Content::Bytes(types) => media(types, &json!({})),
    };
    response["content"] = content.into();
    response
}

fn headers(route: &Route, answer: &Answer) -> Map<String, Value> {
    let mut names = vec![("X-Request-Id", "The id of the request.")];
    if route.verb == Verb::Get && answer.status < 300 && route.class.is_some() {
        names.push(("ETag", "Names this state of the answer, for `If-None-Match`."));
    }
    if answer.status == 201 && route.tag == "Publishing" {
        names.push(("Location", "The path of the version."));
    }
    if answer.status == 302 {
        names.push(("Location", "Where the archive is to be fetched; good for a few minutes."));
    }
    if route.kind == Kind::Transfer && matches!(answer.status, 200 | 206) && route.verb == Verb::Get {
        names.push(("Content-Length", "In bytes."));
        names.push(("Cache-Control", "How long the answer may be kept."));
    }
    if route.class == Some(RateClass::Download) && matches!(answer.status, 200 | 206) {
        names.extend([
            ("Content-Disposition", "The name to save the archive by."),
            ("X-Checksum-SHA256", "The SHA-256 of the whole archive, in hex."),
            ("Repr-Digest", "The same in base64 (RFC 9530)."),
            ("Accept-Ranges", "`bytes`."),
        ]);
    }
    if answer.status == 206 {
        names.push(("Content-Range", "Which bytes these are, of how many."));
    }
    if route.class.is_some() {
        names.extend([
            ("RateLimit-Limit", "Requests a minute."),
            ("RateLimit-Remaining", "Requests left at once."),
            ("RateLimit-Reset", "Seconds until all are left again."),
        ]);
    }
    let header = |(name, description): (&str, &str)| {
        (name.to_owned(), json!({"description": description, "schema": {"type": "string"}}))
    };
    names.into_iter().map(header).collect()
}
