use std::{borrow::Cow, str::FromStr};

use super::failure::Failure;
use crate::{error::Detail, types::PageRequest};

/// The query of a request. Collects all faults, to report them together.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    faults: Vec<Detail>,
}

impl<'a> Query<'a> {
    /// Parses `application/x-www-form-urlencoded` pairs; bytes that are not UTF-8 become replacement
    /// characters. Never fails.
    pub(crate) fn parse(query: Option<&'a str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or("").as_bytes());
        Self { pairs: pairs.collect(), faults: Vec::new() }
    }

    /// Treats empty values of `names` as absent.
    pub(crate) fn ignore_empty(mut self, names: &[&str]) -> Self {
        self.pairs.retain(|(key, value)| !value.is_empty() || !names.contains(&&**key));
        self
    }

    /// The first value of `name`.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// The value of `name` as a domain type.
    pub(crate) fn parsed<T: FromStr<Err: ToString>>(&mut self, name: &str) -> Option<T> {
        match self.text(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(name, error.to_string());
                None
            }
        }
    }

    /// The value of `name`; `form` describes what is allowed.
    pub(crate) fn read<T: FromStr>(&mut self, name: &str, form: &str) -> Option<T> {
        let value = self.text(name)?.parse().ok();
        if value.is_none() {
            self.fault(name, format!("must be {form}"));
        }
        value
    }

    /// The value of `name`, which is required.
    pub(crate) fn required<T: FromStr<Err: ToString>>(&mut self, name: &str) -> Option<T> {
        if self.text(name).is_none() {
            self.fault(name, "is required");
        }
        self.parsed(name)
    }

    /// The value of `name` as one of a few words.
    pub(crate) fn one_of<T>(&mut self, name: &str, words: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = self.text(name)?;
        let read = read(value);
        if read.is_none() {
            self.fault(name, format!("must be one of {words}"));
        }
        read
    }

    /// `page`, from 1, and `limit`, from 1 to `max`.
    pub(crate) fn page(&mut self, default_limit: u64, max: u64) -> PageRequest {
        let page = self.number("page", 1, u64::from(u32::MAX)).unwrap_or(1);
        let limit = self.number("limit", 1, max).unwrap_or(default_limit);
        PageRequest { page, limit }
    }

    fn number(&mut self, name: &str, min: u64, max: u64) -> Option<u64> {
        let value = self.text(name)?.parse().ok().filter(|value| (min..=max).contains(value));
        if value.is_none() {
            self.fault(name, format!("must be a whole number from {min} to {max}"));
        }
        value
    }

    pub(crate) fn fault(&mut self, name: &str, error: impl Into<String>) {
        self.faults.push(Detail::new(name, error));
    }

    /// Fails with all faults found so far.
    pub(crate) fn check(self) -> Result<(), Failure> {
        match &self.faults[..] {
            [] => Ok(()),
            [only] => {
                Err(Failure::invalid(format!("The query parameter `{}` {}", only.field, only.error), self.faults))
            }
            _ => Err(Failure::invalid("Several query parameters are not valid", self.faults)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_junk_is_text() {
        let query = Query::parse(Some("q=a+b%20c%2B&=x&&type&k=%ff%zz&q=second"));
        assert_eq!(query.text("q"), Some("a b c+"));
        assert_eq!(query.text("k"), Some("\u{fffd}%zz"));
        assert_eq!((query.text("type"), query.text("none")), (Some(""), None));
        assert_eq!(query.ignore_empty(&["type"]).text("type"), None);
    }

    #[test]
    fn every_fault_is_told() {
        let mut query = Query::parse(Some("page=0&limit=101"));
        let _ = query.page(20, 100);
        let failure = query.check().expect_err("two faults");
        assert_eq!(failure.code().as_str(), "invalid_request");
        let mut query = Query::parse(Some("page=2&limit=100"));
        assert_eq!(query.page(20, 100), PageRequest { page: 2, limit: 100 });
        assert!(query.check().is_ok());
    }
}
