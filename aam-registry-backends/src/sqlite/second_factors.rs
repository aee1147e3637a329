use aam_registry_core::{
    decide::{SecondFactorChange, SecondFactorFacts},
    types::{SealedSecret, SecondFactor, UserId},
};
use rusqlite::Connection;

use super::{facts, failure::Tx, sql};
use crate::relational::columns;

/// The second factor of a user.
pub(super) fn find(tx: &Connection, user: UserId) -> Tx<Option<SecondFactor>> {
    let query = "SELECT secret, confirmed, last_step, recovery_codes FROM second_factors WHERE user_id = ?1";
    sql::first(tx, query, [user.to_string()], |row| {
        Ok(SecondFactor {
            secret: SealedSecret::new(row.get::<_, String>(0)?),
            is_confirmed: row.get(1)?,
            last_step: sql::unsigned(row, 2)?,
            recovery_codes: sql::coded(row, 3, columns::digests)?,
        })
    })
}

pub(super) fn second_factor_facts(tx: &Connection, change: &SecondFactorChange) -> Tx<SecondFactorFacts> {
    let user = facts::user_id(tx, &change.username)?;
    Ok(SecondFactorFacts {
        user,
        factor: user.map(|user| find(tx, user)).transpose()?.flatten(),
        caller: change.actor().map(|actor| facts::caller(tx, actor)).transpose()?.unwrap_or_default(),
    })
}
