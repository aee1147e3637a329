use http::{HeaderValue, header};
use schemars::SchemaGenerator;

use crate::{
    error::ErrorCode,
    http::{
        answer::{self, Answered},
        badge_image,
        call::Call,
        routing::{Answer, Content, Route, Verb, handler, route},
        wire::BadgeAnswer,
    },
};

const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");
/// An image that is opened by itself may do nothing.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

pub(super) const ROUTES: &[Route] = &[Route {
    tag: "Packages",
    summary: "Show a badge of a package",
    description: "A fact about the package for web pages: `version`, `downloads`, `license`, `tests` (how the eval of \
        that name ended), `evals` (how many of the latest version passed), `approval`, or any metric or name of an eval of \
        the latest version. As JSON it is what an endpoint badge of shields.io takes; with `.svg` behind the metric it is \
        an image. A package that the caller may not see has no badge.",
    answers: &[Answer {
        status: 200,
        description: "The badge.",
        content: Content::JsonOrSvg(SchemaGenerator::subschema_for::<BadgeAnswer>),
    }],
    errors: &[ErrorCode::PackageNotFound, ErrorCode::NotFound],
    ..route(Verb::Get, "/badge/{package}/{metric}", "getBadge", handler!(badge))
}];

async fn badge(call: Call) -> Answered {
    let package = call.package()?;
    let asked = call.param("metric").unwrap_or_default().into_owned();
    let metric = asked.strip_suffix(".svg");
    let badge = call.view()?.badge(&package, metric.unwrap_or(&asked)).await?;
    if metric.is_none() {
        return answer::read(&call, &BadgeAnswer::from(badge));
    }
    let mut response = answer::read_document(&call, badge_image::image(&badge).into(), SVG);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, NOTHING);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
