//! Content codings (RFC 9110, section 12.5.3).

use http::{HeaderMap, HeaderValue, header};

/// How a document is encoded. If a client accepts several equally, the last is preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Brotli,
    Zstd,
}

impl Coding {
    const ALL: [Self; 4] = [Self::Identity, Self::Gzip, Self::Brotli, Self::Zstd];

    /// Its name in headers.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// The best coding that `Accept-Encoding` allows. A client that refuses all codings, including
    /// none, gets the document without a coding: the RFC allows that, and an error about it would help
    /// nobody.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        if !headers.contains_key(header::ACCEPT_ENCODING) {
            return Self::Identity;
        }
        let mut wanted = [None; Self::ALL.len()];
        let mut others = None;
        let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        for item in values.flat_map(|value| value.split(',')) {
            let (name, weight) = item.split_once(';').map_or((item, None), |(name, weight)| (name, Some(weight)));
            let (name, Some(weight)) = (name.trim(), weight.map_or(Some(1000), weight_of)) else { continue };
            if name == "*" {
                others = others.or(Some(weight));
            } else if let Some(coding) = Self::named(name) {
                let known = &mut wanted[coding as usize];
                *known = Some(known.map_or(weight, |known: u16| known.max(weight)));
            }
        }
        let known = Self::ALL.into_iter().filter(|coding| coding.is_built_in());
        let weighed = known.filter_map(|coding| Some((wanted[coding as usize].or(others)?, coding)));
        weighed.filter(|(weight, _)| *weight > 0).max().map_or(Self::Identity, |(_, coding)| coding)
    }

    fn is_built_in(self) -> bool {
        match self {
            Self::Identity | Self::Gzip => true,
            Self::Brotli => cfg!(feature = "brotli"),
            Self::Zstd => cfg!(feature = "zstd"),
        }
    }

    fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("x-gzip") {
            return Some(Self::Gzip);
        }
        Self::ALL.into_iter().find(|coding| name.eq_ignore_ascii_case(coding.as_str()))
    }
}

/// Replaces `Accept-Encoding` by the chosen coding, so that the compression layer does not choose
/// another one.
pub(crate) fn ask_for(coding: Coding, headers: &mut HeaderMap) {
    match coding {
        Coding::Identity => drop(headers.remove(header::ACCEPT_ENCODING)),
        coding => drop(headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(coding.as_str()))),
    }
}

/// A weight such as `q=0.5` in thousandths; `None` if it is malformed.
fn weight_of(text: &str) -> Option<u16> {
    let number = text.trim().strip_prefix(['q', 'Q'])?.strip_prefix('=')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|b| b.is_ascii_digit());
    let whole: u16 = if matches!(whole, "0" | "1") && digits { whole.parse().ok()? } else { return None };
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    let weight = whole * 1000 + thousandths;
    (weight <= 1000).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(feature = "brotli", feature = "zstd"))]
    #[test]
    fn the_best_of_what_is_accepted_is_chosen() {
        let accepted = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            }
            Coding::accepted(&headers)
        };
        for plain in
            ["", "identity", "identity;q=0", "*;q=0", "deflate", "gzip;q=0", "gzip;q=2", "gzip;q=0.0001", "br;0.5"]
        {
            assert_eq!(accepted(&[plain]), Coding::Identity, "{plain}");
        }
        for (value, coding) in [
            ("gzip", Coding::Gzip),
            ("X-GZip", Coding::Gzip),
            ("gzip, deflate, br", Coding::Brotli),
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("gzip, br;q=0.9", Coding::Gzip),
            ("br ; q=0.5, identity;q=0.2", Coding::Brotli),
            ("identity, gzip;q=0.5", Coding::Identity),
            ("*", Coding::Zstd),
            ("*;q=0.5, zstd;q=0, gzip", Coding::Gzip),
            ("*;q=0, br;q=0.1", Coding::Brotli),
            ("identity;q=0, gzip", Coding::Gzip),
        ] {
            assert_eq!(accepted(&[value]), coding, "{value}");
        }
        assert_eq!(accepted(&["gzip", "br"]), Coding::Brotli);
        assert_eq!(accepted(&[]), Coding::Identity);
    }

    #[cfg(not(any(feature = "brotli", feature = "zstd")))]
    #[test]
    fn what_is_not_built_in_is_not_chosen() {
        let headers = [(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, br, zstd"))].into_iter().collect();
        assert_eq!(Coding::accepted(&headers), Coding::Gzip);
    }
}
