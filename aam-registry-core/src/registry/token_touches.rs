use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;

use crate::types::TokenId;

/// When tokens were used since that was last stored.
#[derive(Debug, Default)]
pub(super) struct TokenTouches(Mutex<HashMap<TokenId, Timestamp>>);

impl TokenTouches {
    pub(super) fn note(&self, token: TokenId, at: Timestamp) {
        let mut touches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = touches.entry(token).or_insert(at);
        *latest = at.max(*latest);
    }

    pub(super) fn take(&self) -> HashMap<TokenId, Timestamp> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
