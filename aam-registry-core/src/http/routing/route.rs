use futures_util::future::BoxFuture;
use http::{Method, Response};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{
    error::ErrorCode,
    http::{
        Failure,
        body::{RegistryBody, RequestBody},
        call::Call,
    },
    ports::RateClass,
};

/// One operation of the API: what answers it and how it is described.
///
/// Router and OpenAPI document are both made of the table of these, so that
/// neither can know what the other does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) verb: Verb,
    /// The path with its parameters in braces; `{package}` may hold a slash.
    pub(crate) pattern: &'static str,
    /// The `operationId`.
    pub(crate) id: &'static str,
    /// The group it is listed in.
    pub(crate) tag: &'static str,
    pub(crate) summary: &'static str,
    /// In Markdown.
    pub(crate) description: &'static str,
    pub(crate) access: Access,
    pub(crate) class: Option<RateClass>,
    pub(crate) kind: Kind,
    /// Whether a read without a credential may be answered with what the last
    /// one was, as long as its package did not change.
    pub(crate) is_kept: bool,
    /// Whether it tells nothing but that it was called, and so needs no span
    /// around it: its failures are logged with the id of the request outside.
    pub(crate) is_quiet: bool,
    pub(crate) query: &'static [QueryParam],
    pub(crate) request: RequestContent,
    pub(crate) answers: &'static [Answer],
    /// The errors beside those every route has.
    pub(crate) errors: &'static [ErrorCode],
    pub(crate) handler: Handler,
}

/// What answers a route.
pub(crate) type Handler = fn(Call, RequestBody) -> BoxFuture<'static, Result<Response<RegistryBody>, Failure>>;

/// Makes a [`Handler`] of an async function of a call, or of a call and its body.
macro_rules! handler {
    ($function:path) => {
        |call, _| ::std::boxed::Box::pin($function(call))
    };
    ($function:path, body) => {
        |call, body| ::std::boxed::Box::pin($function(call, body))
    };
}
pub(crate) use handler;

/// A route with the settings most have; the table names what differs.
pub(crate) const fn route(verb: Verb, pattern: &'static str, id: &'static str, handler: Handler) -> Route {
    Route {
        verb,
        pattern,
        id,
        tag: "",
        summary: "",
        description: "",
        access: Access::Read,
        class: Some(RateClass::Other),
        kind: Kind::Document,
        is_kept: false,
        is_quiet: false,
        query: &[],
        request: RequestContent::None,
        answers: &[],
        errors: &[],
        handler,
    }
}

/// The method of a route; `HEAD` is answered wherever `GET` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    Get,
    Put,
    Post,
    Patch,
    Delete,
}

impl Verb {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    pub(crate) fn answers(self, method: &Method) -> bool {
        match self {
            Self::Get => matches!(*method, Method::GET | Method::HEAD),
            Self::Put => method == Method::PUT,
            Self::Post => method == Method::POST,
            Self::Patch => method == Method::PATCH,
            Self::Delete => method == Method::DELETE,
        }
    }
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, whatever the registry shows to whom.
    Open,
    /// Whoever may read.
    Read,
    /// Whoever has a credential.
    Credential,
}

/// How an answer travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A document made in memory: compressed, conditional, within the time-out.
    Document,
    /// Bytes of an archive, in or out: as they are, for as long as they take.
    Transfer,
}

/// Where the schema of a wire type comes from.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What a request carries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RequestContent {
    None,
    Json(SchemaOf),
    Form(SchemaOf),
}

impl RequestContent {
    pub(crate) const fn json<T: JsonSchema>() -> Self {
        Self::Json(SchemaGenerator::subschema_for::<T>)
    }

    pub(crate) const fn form<T: JsonSchema>() -> Self {
        Self::Form(SchemaGenerator::subschema_for::<T>)
    }
}

/// One successful answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    pub(crate) content: Content,
}

/// What an answer carries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    None,
    Json(SchemaOf),
    /// JSON, or an HTML page for browsers.
    JsonOrPage(SchemaOf),
    /// Text of these media types.
    Text(&'static [&'static str]),
    /// Bytes of these media types.
    Bytes(&'static [&'static str]),
}

impl Content {
    pub(crate) const fn json<T: JsonSchema>() -> Self {
        Self::Json(SchemaGenerator::subschema_for::<T>)
    }
}

/// One parameter of the query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryParam {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) required: bool,
    pub(crate) schema: fn() -> serde_json::Value,
}
