use aam_registry_core::types::{SecondFactor, UserId};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{connection::Session, failure::Tx, sql};
use crate::relational::columns;

pub(super) const PUT: &str = "WITH factor AS (
        INSERT INTO second_factors (user_id, secret, confirmed, last_step, recovery_codes) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, confirmed = excluded.confirmed,
            last_step = excluded.last_step, recovery_codes = excluded.recovery_codes
    )
    UPDATE users SET otp_enabled = $3 WHERE id = $1";
pub(super) const REMOVE: &str = "WITH factor AS (DELETE FROM second_factors WHERE user_id = $1)
    UPDATE users SET otp_enabled = FALSE WHERE id = $1";

/// Makes the second factor of a user what it has become.
pub(super) async fn set(tx: &Session, user: UserId, factor: Option<&SecondFactor>) -> Tx<()> {
    let user = Uuid::from(user);
    let Some(factor) = factor else { return sql::run(tx, REMOVE, [&user]).await.map(drop) };
    let codes = columns::digests_text(&factor.recovery_codes)?;
    let last_step = columns::signed(factor.last_step);
    let row: [&(dyn ToSql + Sync); 5] = [&user, &factor.secret.as_str(), &factor.is_confirmed, &last_step, &codes];
    sql::run(tx, PUT, row).await.map(drop)
}
