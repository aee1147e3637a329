use futures_util::future::BoxFuture;
use http::{Method, Response};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{Access, RouteGroup};
use crate::{
    error::ErrorCode,
    http::{
        Failure,
        body::{RegistryBody, RequestBody},
        call::Call,
    },
    ports::RateClass,
};

/// One operation of the API: its handler and its description.
///
/// The router and the OpenAPI document are both built from the table of these, so that they cannot
/// differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) verb: Verb,
    /// The path with its parameters in braces; the value of `{package}` may contain a slash.
    pub(crate) pattern: &'static str,
    /// The `operationId`.
    pub(crate) id: &'static str,
    /// The section of the documentation in which it is listed.
    pub(crate) tag: &'static str,
    pub(crate) summary: &'static str,
    /// In Markdown.
    pub(crate) description: &'static str,
    pub(crate) access: Access,
    pub(crate) class: Option<RateClass>,
    pub(crate) kind: Kind,
    /// Whether it works while the registry is read-only: it changes nothing, or only what logins and revocations need.
    pub(crate) works_read_only: bool,
    /// Whether the answer to an anonymous read may be cached as long as its package does not change.
    pub(crate) is_kept: bool,
    /// Whether it logs nothing except that it was called, and so needs no span: its failures are logged
    /// with the request id by an outer layer.
    pub(crate) is_quiet: bool,
    pub(crate) query: &'static [QueryParam],
    pub(crate) request: RequestContent,
    pub(crate) answers: &'static [Answer],
    /// The errors in addition to those of every route.
    pub(crate) errors: &'static [ErrorCode],
    pub(crate) handler: Handler,
}

impl Route {
    /// Whether it reads a document of the database, for which a client has to wait for its turn. Searches and reads
    /// inside archives have limits of their own.
    pub(crate) fn takes_turn(&self) -> bool {
        self.verb == Verb::Get && self.kind == Kind::Document && self.class == Some(RateClass::Other)
    }

    /// The group of the route, if it belongs to one.
    pub(crate) fn group(&self) -> Option<RouteGroup> {
        match (self.tag, self.pattern) {
            (_, "/api/v1/users/register" | "/register") => Some(RouteGroup::Registration),
            (_, pattern) if pattern.starts_with("/api/v1/invitations") => Some(RouteGroup::Registration),
            (_, "/api/v1/users/login" | "/api/v1/users/logout") => Some(RouteGroup::Login),
            (_, "/api/v1/token-reports") => Some(RouteGroup::Tokens),
            ("Users", pattern) if pattern.starts_with("/api/v1/users/tokens") => Some(RouteGroup::Tokens),
            ("Users", _) => Some(RouteGroup::Accounts),
            ("Owners and scopes", pattern) if pattern.starts_with("/api/v1/scopes") => Some(RouteGroup::Scopes),
            ("Trusted publishing", _) => Some(RouteGroup::TrustedPublishing),
            ("Webhooks", _) => Some(RouteGroup::Webhooks),
            ("Contents", _) => Some(RouteGroup::Contents),
            ("Audit", _) => Some(RouteGroup::Audit),
            ("Service", "/ready" | "/metrics") => Some(RouteGroup::Probes),
            ("Service", pattern) if pattern.starts_with("/health") => Some(RouteGroup::Probes),
            ("Service", "/" | "/api/openapi.json" | "/api/docs") => Some(RouteGroup::Documentation),
            ("Publishing" | "Dist-tags" | "Owners and scopes", _) if self.verb != Verb::Get => {
                Some(RouteGroup::Publishing)
            }
            _ => None,
        }
    }
}

/// The handler of a route.
pub(crate) type Handler = fn(Call, RequestBody) -> BoxFuture<'static, Result<Response<RegistryBody>, Failure>>;

/// Converts an async function of a call, or of a call and its body, to a [`Handler`].
macro_rules! handler {
    ($function:path) => {
        |call, _| ::std::boxed::Box::pin($function(call))
    };
    ($function:path, body) => {
        |call, body| ::std::boxed::Box::pin($function(call, body))
    };
}
pub(crate) use handler;

/// A route with the most common settings; the table changes those that differ.
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
        works_read_only: matches!(verb, Verb::Get),
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

/// How an answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A document in memory: compressed, conditional, with the time-out.
    Document,
    /// Bytes of an archive, received or sent: not compressed, without the time-out.
    Transfer,
}

/// Returns the schema of a wire type.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The body of a request.
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

/// The body of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    None,
    Json(SchemaOf),
    /// JSON, or an HTML page for browsers.
    JsonOrPage(SchemaOf),
    /// JSON, or an SVG image by another path.
    JsonOrSvg(SchemaOf),
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
