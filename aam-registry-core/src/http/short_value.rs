//! Header values created for each request, without an allocation for each.

use std::{
    cell::RefCell,
    fmt::{Display, Write},
    time::Duration,
};

use bytes::BytesMut;
use http::HeaderValue;

/// How many bytes share one allocation. A value that is kept keeps the whole block in memory.
const BLOCK: usize = 4096;

thread_local! {
    static VALUES: RefCell<BytesMut> = RefCell::new(BytesMut::with_capacity(BLOCK));
}

/// The header value of the `Display` of `text`.
///
/// # Panics
/// If that is not visible ASCII: this is meant for numbers, digests and ids.
pub(crate) fn short_value(text: impl Display) -> HeaderValue {
    made(|values| write!(values, "{text}").expect("a buffer takes all"))
}

/// The header value of a number.
pub(crate) fn short_number(number: impl Into<u64>) -> HeaderValue {
    made(|values| values.extend_from_slice(itoa::Buffer::new().format(number.into()).as_bytes()))
}

/// The header value of a new random id, a version 4 UUID.
pub(crate) fn random_id() -> HeaderValue {
    // The thread's random number generator saves a system call for each request.
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    made(|values| values.extend_from_slice(id.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).as_bytes()))
}

/// A duration in seconds, rounded up.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

fn made(write: impl FnOnce(&mut BytesMut)) -> HeaderValue {
    let bytes = VALUES.with_borrow_mut(|values| {
        write(values);
        values.split().freeze()
    });
    HeaderValue::from_maybe_shared(bytes).expect("numbers, digests and ids are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_apart_from_one_another() {
        let values: Vec<_> = (0..3000_u32).map(short_number).collect();
        for (number, value) in values.iter().enumerate() {
            assert_eq!(value, number.to_string().as_str());
        }
        let ids = [random_id(), random_id()];
        assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 36));
        assert_eq!(short_value(format_args!("bytes {}-{}/{}", 1, 2, 3)), "bytes 1-2/3");
    }
}
