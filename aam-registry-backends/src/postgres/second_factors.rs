use aam_registry_core::{
    decide::{CallerFacts, SecondFactorChange, SecondFactorFacts},
    types::{SealedSecret, SecondFactor, UserId},
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{connection::Session, facts, failure::Tx, sql};
use crate::relational::columns;

const FACTOR: &str = "SELECT secret, confirmed, last_step, recovery_codes FROM second_factors WHERE user_id = $1";
/// Of several uses of one code at once, the others wait here for the first.
const LOCK_USER: &str = "SELECT id FROM users WHERE username = $1 FOR NO KEY UPDATE";

/// The second factor of a user.
pub(super) async fn find(tx: &Session, user: UserId) -> Tx<Option<SecondFactor>> {
    sql::first(tx, FACTOR, [&Uuid::from(user)], factor).await
}

pub(super) async fn second_factor_facts(tx: &Session, change: &SecondFactorChange) -> Tx<SecondFactorFacts> {
    let user: Option<UserId> = sql::first(tx, LOCK_USER, [&change.username.as_str()], |row| sql::id(row, 0)).await?;
    let caller = match change.actor() {
        Some(actor) => facts::caller(tx, actor).await?,
        None => CallerFacts::default(),
    };
    let factor = match user {
        Some(user) => find(tx, user).await?,
        None => None,
    };
    Ok(SecondFactorFacts { user, factor, caller })
}

fn factor(row: &Row) -> Tx<SecondFactor> {
    Ok(SecondFactor {
        secret: SealedSecret::new(row.try_get::<_, &str>(0)?),
        is_confirmed: row.try_get(1)?,
        last_step: sql::unsigned(row, 2)?,
        recovery_codes: sql::coded(row, 3, columns::digests)?,
    })
}
