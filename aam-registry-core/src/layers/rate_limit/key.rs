use std::{
    fmt::{self, Write},
    net::Ipv4Addr,
    str,
};

/// By what somebody is limited, as text that took no allocation.
#[derive(Clone, Copy)]
pub(crate) struct LimitKey {
    text: [u8; Self::LONGEST],
    len: usize,
}

impl LimitKey {
    /// An IPv6 network is the longest there is.
    const LONGEST: usize = 64;

    /// # Panics
    /// Where `text` has more than 64 bytes: no address and no id has.
    pub(crate) fn of(text: fmt::Arguments<'_>) -> Self {
        let mut key = Self { text: [0; Self::LONGEST], len: 0 };
        key.write_fmt(text).expect("addresses and ids fit");
        key
    }

    /// The key `address:` and the address; the same as [`of`](Self::of) that text, only sooner made.
    pub(crate) fn of_ipv4(address: Ipv4Addr) -> Self {
        let mut key = Self { text: [0; Self::LONGEST], len: 0 };
        let mut separator = "address:";
        for octet in address.octets() {
            let written = key.write_str(separator).and_then(|()| key.write_str(itoa::Buffer::new().format(octet)));
            written.expect("an address fits");
            separator = ".";
        }
        key
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.text[..self.len]).expect("only whole texts were written")
    }
}

impl Write for LimitKey {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.text.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

impl fmt::Debug for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
