use std::{
    fmt::{self, Write},
    net::Ipv4Addr,
};

use arrayvec::ArrayString;

/// A short text, such as an address or an id, without an allocation; longer than any IPv6 network.
pub(crate) type ShortText = ArrayString<64>;

/// # Panics
/// If `text` has more than 64 bytes; no address or id does.
pub(crate) fn short_text(text: fmt::Arguments<'_>) -> ShortText {
    let mut short = ShortText::new();
    short.write_fmt(text).expect("addresses and ids fit");
    short
}

/// `before` followed by the address: the same as [`short_text`], but faster.
pub(crate) fn short_ipv4(before: &str, address: Ipv4Addr) -> ShortText {
    let mut short = ShortText::new();
    let mut separator = before;
    for octet in address.octets() {
        short.push_str(separator);
        short.push_str(itoa::Buffer::new().format(octet));
        separator = ".";
    }
    short
}
