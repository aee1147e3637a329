use http::StatusCode;
use serde_json::json;

use super::{
    params::{PAGE, optional},
    scopes::scope,
};
use crate::{
    error::{Detail, ErrorCode},
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        failure::Failure,
        routing::{Access, Answer, Content, QueryParam, RequestContent, Route, Verb, handler, route},
        wire::{DeliveriesPage, DeliveryAnswer, WebhookAnswer, WebhookChangeRequest, WebhookRequest, WebhooksAnswer},
    },
    registry::{self, WebhookSecretUpdate, WebhookUpdate},
    types::{JobId, WebhookId},
};

/// The most deliveries of a page.
const MAX_PAGE: u64 = 200;

const LIMIT: QueryParam = optional(
    "limit",
    "How many deliveries a page holds.",
    || json!({"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 50}),
);

const TAG: &str = "Webhooks";
const OF_SCOPE: &str = "/api/v1/scopes/{scope}/webhooks";
const ONE: &str = "/api/v1/scopes/{scope}/webhooks/{id}";

const WEBHOOK: &[Answer] =
    &[Answer { status: 200, description: "The webhook.", content: Content::json::<WebhookAnswer>() }];
const QUEUED: &[Answer] = &[Answer {
    status: 202,
    description: "The delivery, to be sent soon.",
    content: Content::json::<DeliveryAnswer>(),
}];

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: TAG,
        summary: "Make a webhook of a scope",
        description: "Events of the scope and its packages are sent to the receiver as Standard Webhooks specifies, \
            at least once each. The secret is told once, in this answer. A scope has at most ten webhooks. Needs an \
            owner of the scope, the scope `admin` of a token, and a token that is not restricted to packages, as all \
            routes of webhooks do.",
        access: Access::Credential,
        request: RequestContent::json::<WebhookRequest>(),
        answers: &[Answer {
            status: 201,
            description: "The webhook with its secret.",
            content: Content::json::<WebhookAnswer>(),
        }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden, ErrorCode::QuotaExceeded, ErrorCode::ScopeNotFound],
        ..route(Verb::Post, OF_SCOPE, "createWebhook", handler!(create, body))
    },
    Route {
        tag: TAG,
        summary: "List the webhooks of a scope",
        description: "Never with their secrets.",
        access: Access::Credential,
        answers: &[Answer { status: 200, description: "The webhooks.", content: Content::json::<WebhooksAnswer>() }],
        errors: &[ErrorCode::Forbidden, ErrorCode::ScopeNotFound],
        ..route(Verb::Get, OF_SCOPE, "listWebhooks", handler!(list))
    },
    Route {
        tag: TAG,
        summary: "Show a webhook of a scope",
        description: "Says whether it is disabled, and why: after the receiver answered 410, or after a week in which \
            every delivery failed.",
        access: Access::Credential,
        answers: WEBHOOK,
        errors: &[ErrorCode::Forbidden, ErrorCode::ScopeNotFound, ErrorCode::NotFound],
        ..route(Verb::Get, ONE, "getWebhook", handler!(show))
    },
    Route {
        tag: TAG,
        summary: "Change a webhook of a scope",
        description: "Another receiver, other events, another secret; disables it or enables it again. With \
            `rotate_secret` the answer tells the new secret, once.",
        access: Access::Credential,
        request: RequestContent::json::<WebhookChangeRequest>(),
        answers: WEBHOOK,
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden, ErrorCode::ScopeNotFound, ErrorCode::NotFound],
        ..route(Verb::Patch, ONE, "changeWebhook", handler!(change, body))
    },
    Route {
        tag: TAG,
        summary: "Delete a webhook of a scope",
        description: "With its deliveries: what waits is not sent any more.",
        access: Access::Credential,
        answers: &[Answer { status: 204, description: "The webhook is gone.", content: Content::None }],
        errors: &[ErrorCode::Forbidden, ErrorCode::ScopeNotFound, ErrorCode::NotFound],
        ..route(Verb::Delete, ONE, "deleteWebhook", handler!(delete))
    },
    Route {
        tag: TAG,
        summary: "Test a webhook of a scope",
        description: "Sends a message of the type `ping`, once, also to a webhook that is disabled. The delivery \
            says how that ended.",
        access: Access::Credential,
        answers: QUEUED,
        errors: &[ErrorCode::Forbidden, ErrorCode::ScopeNotFound, ErrorCode::NotFound],
        ..route(Verb::Post, "/api/v1/scopes/{scope}/webhooks/{id}/ping", "pingWebhook", handler!(ping))
    },
    Route {
        tag: TAG,
        summary: "List the deliveries to a webhook",
        description: "Newest first: those that wait, and those that ended in the last two weeks.",
        access: Access::Credential,
        query: &[PAGE, LIMIT],
        answers: &[Answer { status: 200, description: "A page.", content: Content::json::<DeliveriesPage>() }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden, ErrorCode::ScopeNotFound, ErrorCode::NotFound],
        ..route(Verb::Get, "/api/v1/scopes/{scope}/webhooks/{id}/deliveries", "listDeliveries", handler!(deliveries))
    },
    Route {
        tag: TAG,
        summary: "Send a delivery again",
        description: "At once and under the same `webhook-id`, whether it was delivered, waits or was given up.",
        access: Access::Credential,
        answers: QUEUED,
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden, ErrorCode::ScopeNotFound, ErrorCode::NotFound],
        ..route(
            Verb::Post,
            "/api/v1/scopes/{scope}/webhooks/deliveries/{delivery}/redeliver",
            "redeliver",
            handler!(redeliver),
        )
    },
];

async fn create(call: Call, body: RequestBody) -> Answered {
    let scope = scope(&call)?;
    let WebhookRequest { url, events, secret } = call.json(body).await?;
    let request = registry::WebhookRequest { url, events, secret };
    let (webhook, secret) = call.registry.create_webhook(call.principal()?, &scope, request).await?;
    answer::written(StatusCode::CREATED, &WebhookAnswer::new(&webhook, Some(&secret)))
}

async fn list(call: Call) -> Answered {
    let webhooks = call.registry.scope_webhooks(call.principal()?, &scope(&call)?).await?;
    answer::read(&call, &WebhooksAnswer::from(webhooks))
}

async fn show(call: Call) -> Answered {
    let webhook = call.registry.scope_webhook(call.principal()?, &scope(&call)?, webhook(&call)?).await?;
    answer::read(&call, &WebhookAnswer::new(&webhook, None))
}

async fn change(call: Call, body: RequestBody) -> Answered {
    let (scope, id) = (scope(&call)?, webhook(&call)?);
    let WebhookChangeRequest { url, events, secret, rotate_secret, enabled } = call.json(body).await?;
    let secret = match (secret, rotate_secret) {
        (Some(_), Some(true)) => {
            let error = "cannot be given together with `rotate_secret`";
            return Err(Failure::invalid(format!("`secret` {error}"), vec![Detail::new("secret", error)]));
        }
        (Some(given), _) => Some(WebhookSecretUpdate::Given(given)),
        (None, Some(true)) => Some(WebhookSecretUpdate::Generated),
        (None, _) => None,
    };
    let is_generated = matches!(secret, Some(WebhookSecretUpdate::Generated));
    let update = WebhookUpdate { url, events, secret, enabled };
    let (webhook, secret) = call.registry.update_webhook(call.principal()?, &scope, id, update).await?;
    answer::written(StatusCode::OK, &WebhookAnswer::new(&webhook, secret.as_ref().filter(|_| is_generated)))
}

async fn delete(call: Call) -> Answered {
    call.registry.delete_webhook(call.principal()?, &scope(&call)?, webhook(&call)?).await?;
    Ok(answer::no_content())
}

async fn ping(call: Call) -> Answered {
    let delivery = call.registry.ping_webhook(call.principal()?, &scope(&call)?, webhook(&call)?).await?;
    answer::written(StatusCode::ACCEPTED, &DeliveryAnswer::from(delivery))
}

async fn deliveries(call: Call) -> Answered {
    let (scope, id) = (scope(&call)?, webhook(&call)?);
    let mut query = call.query();
    let page = query.page(50, MAX_PAGE);
    query.check()?;
    let page = call.registry.webhook_deliveries(call.principal()?, &scope, id, page).await?;
    answer::read(&call, &DeliveriesPage::from(page))
}

async fn redeliver(call: Call) -> Answered {
    let scope = scope(&call)?;
    let id: JobId = call.parsed("delivery").ok_or_else(|| not_found(&call, "delivery", "delivery"))?;
    let delivery = call.registry.redeliver(call.principal()?, &scope, id).await?;
    answer::written(StatusCode::ACCEPTED, &DeliveryAnswer::from(delivery))
}

/// The webhook of the path. A malformed id counts as one that does not exist.
fn webhook(call: &Call) -> Result<WebhookId, Failure> {
    call.parsed("id").ok_or_else(|| not_found(call, "id", "webhook"))
}

fn not_found(call: &Call, param: &str, what: &str) -> Failure {
    let text: String = call.param(param).unwrap_or_default().chars().take(64).collect();
    Failure::new(ErrorCode::NotFound, format!("There is no {what} {text}"))
}
