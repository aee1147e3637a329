use std::{
    fmt::{self, Write},
    net::Ipv4Addr,
    str,
};

/// A short text, such as an address or an id, without an allocation.
#[derive(Clone, Copy)]
pub(crate) struct ShortText {
    text: [u8; Self::LONGEST],
    len: usize,
}

impl ShortText {
    /// Longer than any IPv6 network.
    const LONGEST: usize = 64;

    /// # Panics
    /// If `text` has more than 64 bytes; no address or id does.
    pub(crate) fn of(text: fmt::Arguments<'_>) -> Self {
        let mut short = Self { text: [0; Self::LONGEST], len: 0 };
        short.write_fmt(text).expect("addresses and ids fit");
        short
    }

    /// `before` followed by the address: the same as [`of`](Self::of), but faster.
    pub(crate) fn of_ipv4(before: &str, address: Ipv4Addr) -> Self {
        let mut short = Self { text: [0; Self::LONGEST], len: 0 };
        let mut separator = before;
        for octet in address.octets() {
            let written = short.write_str(separator).and_then(|()| short.write_str(itoa::Buffer::new().format(octet)));
            written.expect("an address fits");
            separator = ".";
        }
        short
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.text[..self.len]).expect("only whole texts were written")
    }
}

impl Write for ShortText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.text.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

impl fmt::Debug for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
