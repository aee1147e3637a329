use jiff::Timestamp;

use crate::types::id::id;

id! {
    /// Identifies one upload attempt.
    UploadId
}

impl UploadId {
    /// When it was generated; the beginning of 1970 if it is not a UUIDv7.
    pub fn generated_at(self) -> Timestamp {
        let seconds = self.0.get_timestamp().map_or(0, |time| time.to_unix().0);
        i64::try_from(seconds)
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }
}
