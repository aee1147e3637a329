//! Types of settings about traces.

use secrecy::SecretString;

use crate::config::setting::{Refusal, Value};

/// Headers for the collector of traces.
#[derive(Clone, Debug)]
pub(crate) struct CollectorHeaders(pub(crate) Vec<(String, SecretString)>);

impl Value for CollectorHeaders {
    const PLACEHOLDER: &'static str = "HEADERS";

    fn allowed() -> String {
        "a comma-separated list of headers such as `authorization=Bearer%20secret`, with `%20` for a space".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let header = |part: &str| {
            let (name, value) = part.split_once('=')?;
            let name = name.trim().parse::<http::HeaderName>().ok()?;
            let value = decoded(value.trim())?;
            http::HeaderValue::try_from(&value).ok()?;
            Some((name.to_string(), value.into()))
        };
        text.split(',').map(header).collect::<Option<_>>().map(Self).ok_or(Refusal::NotAllowed)
    }
}

/// A value with its bytes that are written as `%20`.
fn decoded(text: &str) -> Option<String> {
    let (mut decoded, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            decoded.extend(data_encoding::HEXLOWER_PERMISSIVE.decode(digits).ok()?);
            rest = after;
        } else {
            decoded.push(byte);
            rest = after;
        }
    }
    String::from_utf8(decoded).ok()
}

/// Which requests are traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TracesSampler {
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// A share of them.
    TraceIdRatio,
    /// What the caller traces, and everything from callers that send no trace.
    ParentBasedAlwaysOn,
    /// What the caller traces.
    ParentBasedAlwaysOff,
    /// What the caller traces, and a share of the requests of callers that send no trace.
    ParentBasedTraceIdRatio,
}

const SAMPLERS: [(&str, TracesSampler); 6] = [
    ("always_on", TracesSampler::AlwaysOn),
    ("always_off", TracesSampler::AlwaysOff),
    ("traceidratio", TracesSampler::TraceIdRatio),
    ("parentbased_always_on", TracesSampler::ParentBasedAlwaysOn),
    ("parentbased_always_off", TracesSampler::ParentBasedAlwaysOff),
    ("parentbased_traceidratio", TracesSampler::ParentBasedTraceIdRatio),
];

impl Value for TracesSampler {
    const PLACEHOLDER: &'static str = "SAMPLER";

    fn allowed() -> String {
        let names: Vec<_> = SAMPLERS.iter().map(|(name, _)| format!("`{name}`")).collect();
        names.join(", ")
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let found = SAMPLERS.iter().find(|(name, _)| *name == text);
        found.map(|(_, sampler)| *sampler).ok_or(Refusal::NotAllowed)
    }
}

/// A share of requests, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

impl Value for Share {
    const PLACEHOLDER: &'static str = "SHARE";

    fn allowed() -> String {
        "a number from 0 to 1, such as `0.1` for one request of ten".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
        share.map(Self).ok_or(Refusal::NotAllowed)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn headers_are_pairs_with_encoded_values() {
        let headers = CollectorHeaders::parse("authorization=Bearer%20a%2Cb, x-scope=1").expect("a list").0;
        let told: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
        assert_eq!(told, [("authorization", "Bearer a,b"), ("x-scope", "1")]);
        for bad in ["authorization", "=x", "a b=c", "a=%2", "a=%zz", "a=b,"] {
            assert!(CollectorHeaders::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_share_is_part_of_the_whole() {
        assert_eq!(Share::parse("0.25"), Ok(Share(0.25)));
        for bad in ["-0.1", "1.1", "NaN", "half"] {
            assert!(Share::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(TracesSampler::parse("always_off"), Ok(TracesSampler::AlwaysOff));
        assert!(TracesSampler::parse("sometimes").is_err());
    }
}
