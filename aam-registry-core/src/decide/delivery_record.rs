use jiff::{SignedDuration, Timestamp};

use crate::types::{DisableReason, DisabledWebhook};

/// How long every delivery to a webhook has to fail before it is disabled.
const LONGEST_FAILURE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How a delivery to a webhook ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The receiver took it.
    Received,
    /// It did not.
    Failed,
    /// It wants no more, for good.
    Gone,
}

/// What is known of the deliveries to a webhook that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DeliveryRecord {
    /// Since when every delivery has failed.
    pub(super) failing_since: Option<Timestamp>,
    /// Whether it is disabled from now on.
    pub(super) disabled: Option<DisabledWebhook>,
}

impl DeliveryRecord {
    /// The record after a delivery: a webhook is disabled whose receiver is gone, or which failed for a week.
    pub(super) fn after(outcome: DeliveryOutcome, failing_since: Option<Timestamp>, now: Timestamp) -> Self {
        let disabled = |reason| Some(DisabledWebhook { at: now, reason });
        match outcome {
            DeliveryOutcome::Received => Self { failing_since: None, disabled: None },
            DeliveryOutcome::Failed => {
                let since = failing_since.unwrap_or(now);
                let is_long = now.duration_since(since) >= LONGEST_FAILURE;
                let disabled = if is_long { disabled(DisableReason::Failing) } else { None };
                Self { failing_since: Some(since), disabled }
            }
            DeliveryOutcome::Gone => Self { failing_since, disabled: disabled(DisableReason::Gone) },
        }
    }
}
