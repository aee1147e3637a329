use http::StatusCode;

use crate::{
    error::ErrorCode,
    http::{
        answer::{self, Answered},
        body::RequestBody,
        call::Call,
        failure::Failure,
        routing::{Access, Answer, Content, RequestContent, Route, Verb, handler, route},
        wire::{
            IdTokenRequest, PublisherAnswer, PublisherRequest, PublisherTokenAnswer, PublishersAnswer,
            PublishersChangeRequest,
        },
    },
    registry,
    types::{PackageName, PublisherId},
};

const TAG: &str = "Trusted publishing";
const OF_PACKAGE: &str = "/api/v1/packages/{package}/trusted-publishers";

const PUBLISHERS: &[Answer] =
    &[Answer { status: 200, description: "The trusted publishers.", content: Content::json::<PublishersAnswer>() }];

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: TAG,
        summary: "Add a trusted publisher",
        description: "Whoever shows an ID token of the issuer with these claims may publish the package, without a \
            stored secret. The package need not exist: then the first publish makes it, for whoever added the \
            publisher. Any user may do that for a free name without a scope, and an owner of the scope within it. Adding \
            one that is there changes nothing. For owners of the package; needs the scope `admin`, as all routes of \
            trusted publishers do.",
        access: Access::Credential,
        request: RequestContent::json::<PublisherRequest>(),
        answers: &[Answer {
            status: 201,
            description: "The trusted publisher.",
            content: Content::json::<PublisherAnswer>(),
        }],
        errors: &[
            ErrorCode::InvalidRequest,
            ErrorCode::Forbidden,
            ErrorCode::NameReserved,
            ErrorCode::QuotaExceeded,
            ErrorCode::PackageNotFound,
        ],
        ..route(Verb::Post, OF_PACKAGE, "addTrustedPublisher", handler!(add, body))
    },
    Route {
        tag: TAG,
        summary: "List the trusted publishers of a package",
        description: "For owners of the package and administrators; where there is no package, one's own, or in a scope \
            for its owners.",
        access: Access::Credential,
        answers: PUBLISHERS,
        errors: &[ErrorCode::Forbidden, ErrorCode::PackageNotFound],
        ..route(Verb::Get, OF_PACKAGE, "listTrustedPublishers", handler!(list))
    },
    Route {
        tag: TAG,
        summary: "Say whether only trusted publishers may publish",
        description: "If so, every other token and every login is refused. Needs a trusted publisher to be there. For \
            owners of the package and administrators.",
        access: Access::Credential,
        request: RequestContent::json::<PublishersChangeRequest>(),
        answers: PUBLISHERS,
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Forbidden, ErrorCode::PackageNotFound],
        ..route(Verb::Patch, OF_PACKAGE, "changeTrustedPublishers", handler!(change, body))
    },
    Route {
        tag: TAG,
        summary: "Remove a trusted publisher",
        description: "Its tokens end at once. For owners of the package and administrators.",
        access: Access::Credential,
        answers: &[Answer { status: 204, description: "It may no longer publish.", content: Content::None }],
        errors: &[ErrorCode::Forbidden, ErrorCode::PackageNotFound, ErrorCode::NotFound],
        ..route(
            Verb::Delete,
            "/api/v1/packages/{package}/trusted-publishers/{id}",
            "removeTrustedPublisher",
            handler!(remove),
        )
    },
    Route {
        tag: TAG,
        summary: "Swap an ID token for a token that publishes a package",
        description: "For 15 minutes and one package. An ID token works once, and only if it is for this registry and no other \
            (`trusted_publishing.audience` of `/limits`). 401 where the ID token itself is not taken, 403 where no \
            trusted publisher matches it; `details` repeat what it says.",
        access: Access::Open,
        request: RequestContent::json::<IdTokenRequest>(),
        answers: &[Answer {
            status: 200,
            description: "A token that publishes the package.",
            content: Content::json::<PublisherTokenAnswer>(),
        }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::Unauthorized, ErrorCode::Forbidden],
        ..route(Verb::Post, "/api/v1/oidc/token", "exchangeIdToken", handler!(exchange, body))
    },
];

async fn add(call: Call, body: RequestBody) -> Answered {
    let package = call.package()?;
    let PublisherRequest { issuer, preset, claims } = call.json(body).await?;
    let request = registry::PublisherRequest { issuer, preset, claims };
    let added = call.registry.add_publisher(call.principal()?, &package, &request).await?;
    answer::written(StatusCode::CREATED, &PublisherAnswer::from(added))
}

async fn list(call: Call) -> Answered {
    let package = call.package()?;
    let found = call.registry.publishers(call.principal()?, &package).await?;
    answer::read(&call, &PublishersAnswer::new(&package, found))
}

async fn change(call: Call, body: RequestBody) -> Answered {
    let package = call.package()?;
    let PublishersChangeRequest { trusted_publishing_only } = call.json(body).await?;
    let by = call.principal()?;
    call.registry.set_trusted_only(by, &package, trusted_publishing_only).await?;
    let found = call.registry.publishers(by, &package).await?;
    answer::written(StatusCode::OK, &PublishersAnswer::new(&package, found))
}

async fn remove(call: Call) -> Answered {
    let package = call.package()?;
    let id: PublisherId = call.parsed("id").ok_or_else(|| {
        let text: String = call.param("id").unwrap_or_default().chars().take(64).collect();
        Failure::new(ErrorCode::NotFound, format!("{package} has no trusted publisher {text}"))
    })?;
    call.registry.remove_publisher(call.principal()?, &package, id).await?;
    Ok(answer::no_content())
}

async fn exchange(call: Call, body: RequestBody) -> Answered {
    let IdTokenRequest { token, package } = call.json(body).await?;
    let package: Option<PackageName> =
        package.map(|text| text.parse()).transpose().map_err(crate::error::Error::from)?;
    let exchanged = call.registry.exchange_id_token(token.trim(), package).await?;
    answer::written(StatusCode::OK, &PublisherTokenAnswer::from(exchanged))
}
