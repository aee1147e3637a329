use jiff::{ToSpan, civil::Date, tz::TimeZone};
use serde_json::json;

use super::params::optional;
use crate::{
    error::ErrorCode,
    http::{
        answer::{self, Answered},
        call::Call,
        routing::{Answer, Content, Route, Verb, handler, route},
        wire::{DownloadsAnswer, PackageAnswer, VersionAnswer, VersionsAnswer, rules},
    },
    types::{DownloadQuery, Version, VersionBounds, VersionRange},
};

/// How many days of downloads are returned if the request names no period.
const DEFAULT_DAYS: i64 = 30;

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "Packages",
        summary: "Show a package",
        is_kept: true,
        description: "A package with its owners, dist-tags and newest versions. The description and \
            other texts come from the version that `latest` names.",
        answers: &[Answer { status: 200, description: "The package.", content: Content::json::<PackageAnswer>() }],
        errors: &[ErrorCode::PackageNotFound],
        ..route(Verb::Get, "/api/v1/packages/{package}", "getPackage", handler!(package))
    },
    Route {
        tag: "Packages",
        summary: "List the versions of a package",
        is_kept: true,
        description: "Newest published first, including yanked ones. An answer has at most 1,000 versions, and \
            fewer if their dependencies have more than 256 KiB; to get the next ones, pass `next_before` as `before`.",
        query: &[optional(
            "before",
            "Only versions that were published before this one.",
            || json!({"type": "string", "pattern": rules::VERSION, "maxLength": rules::VERSION_LENGTH}),
        )],
        answers: &[Answer { status: 200, description: "The versions.", content: Content::json::<VersionsAnswer>() }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::PackageNotFound, ErrorCode::VersionNotFound],
        ..route(Verb::Get, "/api/v1/packages/{package}/versions", "listVersions", handler!(versions))
    },
    Route {
        tag: "Packages",
        summary: "Show a version",
        is_kept: true,
        description: "Everything about one version except the contents of its archive.",
        answers: &[Answer { status: 200, description: "The version.", content: Content::json::<VersionAnswer>() }],
        errors: &[ErrorCode::PackageNotFound, ErrorCode::VersionNotFound, ErrorCode::VersionGone],
        ..route(Verb::Get, "/api/v1/packages/{package}/{version}", "getVersion", handler!(version))
    },
    Route {
        tag: "Packages",
        summary: "Count downloads by day",
        description: "Downloads by UTC day. The default period is the last 30 days.",
        query: &[
            optional("from", "The first UTC day.", || json!({"type": "string", "format": "date"})),
            optional("to", "The last UTC day; today by default.", || json!({"type": "string", "format": "date"})),
            optional(
                "version",
                "Of one version only.",
                || json!({"type": "string", "pattern": rules::VERSION, "maxLength": rules::VERSION_LENGTH}),
            ),
        ],
        answers: &[Answer { status: 200, description: "The counts.", content: Content::json::<DownloadsAnswer>() }],
        errors: &[ErrorCode::InvalidRequest, ErrorCode::PackageNotFound, ErrorCode::VersionNotFound],
        ..route(Verb::Get, "/api/v1/packages/{package}/downloads", "countDownloads", handler!(downloads))
    },
];

async fn package(call: Call) -> Answered {
    let package = call.view()?.package(&call.package()?).await?;
    answer::read(&call, &PackageAnswer::from(package))
}

async fn versions(call: Call) -> Answered {
    let package = call.package()?;
    let mut query = call.query().ignore_empty(&["before"]);
    let before = query.parsed::<Version>("before");
    query.check()?;
    let range = VersionRange { before, bounds: VersionBounds::LISTED };
    let list = call.view()?.version_list(&package, &range).await?;
    let answer = VersionsAnswer {
        package: package.to_string(),
        next_before: list.next_before().map(ToString::to_string),
        total: list.total,
        versions: list.versions.into_iter().map(Into::into).collect(),
    };
    answer::read(&call, &answer)
}

async fn version(call: Call) -> Answered {
    let (package, version) = call.version()?;
    let detail = call.view()?.version(&package, &version).await?;
    let download_url = call.edge.download_url(&package, &detail.summary.version);
    answer::read(&call, &VersionAnswer::new(detail, download_url))
}

/// What `from` and `to` are.
const DAY: &str = "a date such as 2026-11-24";

async fn downloads(call: Call) -> Answered {
    let package = call.package()?;
    let mut query = call.query();
    let version = query.parsed::<Version>("version");
    let to = query.read::<Date>("to", DAY);
    let from = query.read::<Date>("from", DAY);
    query.check()?;
    let to = to.unwrap_or_else(|| TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date());
    let from = from.unwrap_or_else(|| to.saturating_sub(DEFAULT_DAYS.days()));
    let wanted = DownloadQuery { package, version, from, to };
    let days = call.view()?.downloads(&wanted).await?;
    answer::read(&call, &DownloadsAnswer::new(&wanted.package, &days))
}
