use super::tables::Tables;
use crate::decide::{CallerFacts, SecondFactorChange, SecondFactorFacts};

impl Tables {
    pub(super) fn second_factor_facts(&self, change: &SecondFactorChange) -> SecondFactorFacts {
        let user = self.user_named(&change.username).map(|user| user.id);
        SecondFactorFacts {
            user,
            factor: user.and_then(|user| self.second_factors.get(&user)).cloned(),
            caller: change.actor().map_or_else(CallerFacts::default, |actor| self.caller(actor)),
        }
    }
}
