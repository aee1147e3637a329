use std::{
    future::Future,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use schemars::SchemaGenerator;
use tokio::time::timeout;

use crate::{
    error::{Error, ErrorCode, Result},
    http::{
        answer::{self, Answered},
        body::RegistryBody,
        cache_control::NO_STORE,
        call::Call,
        failure::{Failure, trouble},
        readiness::ReadinessState,
        routing::{Access, Answer, Content, Route, Verb, handler, route},
        wire::{HealthAnswer, LimitsAnswer, PartHealthAnswer, ReadyAnswer, ServiceAnswer},
    },
    types::ReadOnlyMode,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How long a service may take to answer a health check before it counts as failing.
const CHECK_TIME: Duration = Duration::from_secs(3);

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// The pages are self-contained: they include their style and script, and load nothing from elsewhere.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const PART_HEALTH: &[Answer] =
    &[Answer { status: 200, description: "It answers.", content: Content::json::<PartHealthAnswer>() }];

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Service",
        access: Access::Open,
        summary: "Check that the process is up",
        class: None,
        answers: &[Answer { status: 200, description: "The process is up.", content: Content::json::<HealthAnswer>() }],
        ..route(Verb::Get, "/health", "health", handler!(health))
    },
    Route {
        tag: "Service",
        access: Access::Open,
        summary: "Check the database",
        description: "A database file is also tested by writing to it.",
        class: None,
        answers: PART_HEALTH,
        errors: &[ErrorCode::DatabaseUnavailable],
        ..route(Verb::Get, "/health/db", "healthOfDatabase", handler!(database))
    },
    Route {
        tag: "Service",
        access: Access::Open,
        summary: "Check the archive storage",
        description: "Also writes a small archive, reads it back and deletes it, at most twice a minute.",
        class: None,
        answers: PART_HEALTH,
        errors: &[ErrorCode::StorageUnavailable],
        ..route(Verb::Get, "/health/storage", "healthOfStorage", handler!(storage))
    },
    Route {
        tag: "Service",
        access: Access::Open,
        summary: "Check the cache and the rate limiter",
        description: "Writes to Redis, if it is used: a Redis that is out of memory or read-only fails the check.",
        class: None,
        answers: PART_HEALTH,
        errors: &[ErrorCode::CacheUnavailable],
        ..route(Verb::Get, "/health/cache", "healthOfCache", handler!(cache))
    },
    Route {
        tag: "Service",
        access: Access::Open,
        summary: "Check whether this process accepts requests",
        description: "503 only while it starts (the message says what it waits for) or stops, or if this release \
            cannot use the database in its current state. While the database or the storage is down the status is \
            200 and `degraded`, because cached data is still served.",
        class: None,
        answers: &[Answer {
            status: 200,
            description: "The process accepts requests.",
            content: Content::json::<ReadyAnswer>(),
        }],
        errors: &[ErrorCode::Overloaded, ErrorCode::DatabaseUnavailable],
        ..route(Verb::Get, "/ready", "ready", handler!(ready))
    },
    Route {
        tag: "Service",
        access: Access::Open,
        summary: "Read the metrics",
        description: "In the text format of Prometheus. 404 if the host of the registry collects no metrics.",
        class: None,
        answers: &[Answer { status: 200, description: "The metrics.", content: Content::Text(&["text/plain"]) }],
        errors: &[ErrorCode::NotFound],
        ..route(Verb::Get, "/metrics", "metrics", handler!(metrics))
    },
    Route {
        tag: "Service",
        access: Access::Open,
        summary: "Read this document",
        answers: &[Answer {
            status: 200,
            description: "OpenAPI 3.1.",
            content: Content::Json(|_| schemars::json_schema!({"type": "object"})),
        }],
        ..route(Verb::Get, "/api/openapi.json", "openapi", handler!(openapi))
    },
    Route {
        tag: "Service",
        access: Access::Open,
        summary: "Read this document as a page",
        answers: &[Answer { status: 200, description: "The page.", content: Content::Text(&["text/html"]) }],
        ..route(Verb::Get, "/api/docs", "docs", handler!(docs))
    },
    Route {
        tag: "Users",
        access: Access::Open,
        summary: "Show the page that sets a password with a link",
        description: "The link of a mail or of an administrator; its token is behind the `#`, and reaches the registry \
            only with the new password.",
        answers: &[Answer { status: 200, description: "The page.", content: Content::Text(&["text/html"]) }],
        ..route(Verb::Get, "/reset-password", "resetPasswordPage", handler!(reset_password))
    },
    Route {
        tag: "Users",
        access: Access::Open,
        summary: "Show the page that registers with an invitation",
        description: "The link of an invitation; its token is behind the `#`, and reaches the registry only with the \
            registration.",
        answers: &[Answer { status: 200, description: "The page.", content: Content::Text(&["text/html"]) }],
        ..route(Verb::Get, "/register", "registerPage", handler!(register))
    },
    Route {
        tag: "Users",
        access: Access::Open,
        summary: "Show the page that verifies an e-mail address with a link",
        description: "The link of a mail; its token is behind the `#`, and reaches the registry only when the button \
            of the page is used.",
        answers: &[Answer { status: 200, description: "The page.", content: Content::Text(&["text/html"]) }],
        ..route(Verb::Get, "/verify-email", "verifyEmailPage", handler!(verify_email))
    },
    Route {
        tag: "Service",
        access: Access::Open,
        summary: "Show the limits and features of this registry",
        description: "The limits for publishing, and which features are enabled. With them a client can report a \
            problem before it sends anything.",
        answers: &[Answer { status: 200, description: "The limits.", content: Content::json::<LimitsAnswer>() }],
        ..route(Verb::Get, "/api/v1/limits", "limits", handler!(limits))
    },
    Route {
        tag: "Service",
        summary: "Show what this service is",
        description: "A page for browsers (`Accept: text/html`), JSON for others.",
        class: None,
        answers: &[Answer {
            status: 200,
            description: "The name and version of the service.",
            content: Content::JsonOrPage(SchemaGenerator::subschema_for::<ServiceAnswer>),
        }],
        ..route(Verb::Get, "/", "root", handler!(root))
    },
];

async fn health(_: Call) -> Answered {
    answer::written(StatusCode::OK, &HealthAnswer { status: "ok", version: VERSION })
}

async fn database(call: Call) -> Answered {
    part_health("database", ErrorCode::DatabaseUnavailable, call.registry.check_database()).await
}

async fn storage(call: Call) -> Answered {
    part_health("archive storage", ErrorCode::StorageUnavailable, call.registry.check_storage()).await
}

async fn cache(call: Call) -> Answered {
    part_health("cache", ErrorCode::CacheUnavailable, call.registry.check_cache()).await
}

async fn part_health(part: &str, code: ErrorCode, check: impl Future<Output = Result<()>>) -> Answered {
    let began = Instant::now();
    if let Err(unwell) = checked(part, check).await {
        return Err(Failure::new(code, unwell.told).with_cause(unwell.cause));
    }
    let latency_ms = began.elapsed().as_secs_f64() * 1000.0;
    answer::written(StatusCode::OK, &PartHealthAnswer { status: "ok", latency_ms })
}

/// What is wrong with a service.
struct Unwell {
    /// The public message.
    told: String,
    /// The cause, for the log.
    cause: String,
}

impl Unwell {
    /// The failure of a service that did not answer in time.
    fn silent(part: &str) -> Self {
        Self { told: format!("The registry's {part} does not answer"), cause: "no answer in time".to_owned() }
    }
}

/// The result of a health check of `part`, or a failure if it did not answer in time.
async fn checked(part: &str, check: impl Future<Output = Result<()>>) -> Result<(), Unwell> {
    match timeout(CHECK_TIME, check).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            let told = match &error {
                Error::Backend(backend) => trouble(backend),
                _ => None,
            };
            let told = told.unwrap_or_else(|| Unwell::silent(part).told);
            Err(Unwell { told, cause: Failure::from(error).cause().unwrap_or("refused").to_owned() })
        }
        Err(_) => Err(Unwell::silent(part)),
    }
}

async fn ready(call: Call) -> Answered {
    let message = match call.edge.readiness.get() {
        ReadinessState::Starting => match call.edge.readiness.awaited_now() {
            Some(what) => format!("The registry is starting: it waits for {what}"),
            None => "The registry is starting".to_owned(),
        },
        ReadinessState::Draining => "The registry is shutting down".to_owned(),
        ReadinessState::Ready => return answer::written(StatusCode::OK, &readiness(&call).await?),
    };
    Err(Failure::new(ErrorCode::Overloaded, message))
}

/// # Errors
/// If this process must not use the database in its current state.
async fn readiness(call: &Call) -> Result<ReadyAnswer, Failure> {
    let database = async {
        match timeout(CHECK_TIME, call.registry.check_database()).await {
            Ok(Err(error)) if error.is_unfit() => Err(Failure::from(error)),
            Ok(outcome) => Ok(checked("database", async { outcome }).await),
            Err(_) => Ok(Err(Unwell::silent("database"))),
        }
    };
    let (database, storage, cache) = tokio::join!(
        database,
        checked("archive storage", call.registry.check_storage()),
        checked("cache", call.registry.check_cache()),
    );
    let parts = [("database", database?), ("storage", storage), ("cache", cache)];
    let unwell = parts.into_iter().filter_map(|(part, result)| Some((part, result.err()?.told)));
    let (failing, reasons): (Vec<_>, Vec<_>) = unwell.unzip();
    let status = if failing.is_empty() { "ready" } else { "degraded" };
    let read_only = mode_in_force(call).await.is_some();
    Ok(ReadyAnswer { status, failing, read_only, reasons })
}

/// The read-only mode; the last one known while the database does not answer.
async fn mode_in_force(call: &Call) -> Option<ReadOnlyMode> {
    match timeout(CHECK_TIME, call.registry.read_only()).await {
        Ok(Ok(mode)) => mode,
        _ => call.registry.known_read_only(),
    }
}

async fn metrics(call: Call) -> Answered {
    let Some(renderer) = &call.edge.metrics else {
        return Err(Failure::new(ErrorCode::NotFound, "This registry collects no metrics"));
    };
    let text = (renderer.0)();
    let media_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(unkept(text.into(), media_type))
}

async fn openapi(call: Call) -> Answered {
    Ok(answer::read_document(&call, call.edge.openapi.clone(), answer::JSON))
}

async fn docs(call: Call) -> Answered {
    Ok(page(&call, include_str!("../pages/docs.html")))
}

async fn register(call: Call) -> Answered {
    Ok(page(&call, include_str!("../pages/register.html")))
}

async fn reset_password(call: Call) -> Answered {
    Ok(page(&call, include_str!("../pages/reset-password.html")))
}

async fn verify_email(call: Call) -> Answered {
    Ok(page(&call, include_str!("../pages/verify-email.html")))
}

async fn limits(call: Call) -> Answered {
    let read_only = mode_in_force(&call).await;
    answer::read(&call, &LimitsAnswer::new(&call.registry, read_only))
}

async fn root(call: Call) -> Answered {
    let accept = call.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut response = if accept.contains("text/html") {
        page(&call, include_str!("../pages/index.html"))
    } else {
        let prefix = &call.edge.link_prefix;
        let answer = ServiceAnswer {
            name: "aam-registry",
            version: VERSION,
            api: format!("{prefix}/api/v1"),
            docs: format!("{prefix}/api/docs"),
        };
        answer::read(&call, &answer)?
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
    Ok(response)
}

/// A page with the paths it links to filled in.
fn page(call: &Call, html: &'static str) -> Response<RegistryBody> {
    let html = html.replace("{{prefix}}", &call.edge.link_prefix).replace("{{version}}", VERSION);
    let mut response = answer::read_document(call, html.into(), HTML);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    response
}

fn unkept(bytes: Bytes, media_type: HeaderValue) -> Response<RegistryBody> {
    let mut response = Response::new(RegistryBody::from(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    response
}
