use std::{
    io::Write,
    time::{SystemTime, UNIX_EPOCH},
};

use jiff::Timestamp;

/// The date and time to the second, which lines within the same second share.
#[derive(Debug, Default)]
pub(super) struct Second {
    number: u64,
    text: String,
}

impl Second {
    /// Writes the current time with exactly three decimals, so that the lines of a log sort as text.
    pub(super) fn write_now(&mut self, line: &mut Vec<u8>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if self.number != now.as_secs() || self.text.is_empty() {
            self.number = now.as_secs();
            let time = Timestamp::from_second(now.as_secs().cast_signed()).unwrap_or_default();
            time.to_string().trim_end_matches('Z').clone_into(&mut self.text);
        }
        line.extend_from_slice(self.text.as_bytes());
        let _ = write!(line, ".{:03}Z", now.subsec_millis());
    }
}
