use std::sync::Arc;

use crate::{ports::WebhookSender, types::OperatorWebhook};

/// The sender of webhooks, and the webhooks of the operator.
#[derive(Debug)]
pub(super) struct WebhookDelivery {
    pub(super) sender: Arc<dyn WebhookSender>,
    pub(super) operator: Vec<OperatorWebhook>,
}
