use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError},
};

use crate::types::{TokenId, TokenUse};

/// The last use of each token, since uses were last stored.
#[derive(Debug, Default)]
pub(super) struct TokenTouches(Mutex<HashMap<TokenId, TokenUse>>);

impl TokenTouches {
    pub(super) fn note(&self, used: TokenUse) {
        let mut touches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = touches.entry(used.token).or_insert(used);
        if latest.at < used.at {
            *latest = used;
        }
    }

    pub(super) fn take(&self) -> Vec<TokenUse> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_values().collect()
    }
}
