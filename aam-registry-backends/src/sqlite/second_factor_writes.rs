use aam_registry_core::types::{SecondFactor, UserId};
use rusqlite::Connection;

use super::{failure::Tx, sql};
use crate::relational::columns;

/// Makes the second factor of a user what it has become.
pub(super) fn set(tx: &Connection, user: UserId, factor: Option<&SecondFactor>) -> Tx<()> {
    let id = user.to_string();
    match factor {
        Some(factor) => {
            let put = "INSERT INTO second_factors (user_id, secret, confirmed, last_step, recovery_codes)
                       VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, confirmed = excluded.confirmed,
                           last_step = excluded.last_step, recovery_codes = excluded.recovery_codes";
            let codes = columns::digests_text(&factor.recovery_codes)?;
            let last_step = columns::signed(factor.last_step);
            sql::run(tx, put, (&id, factor.secret.as_str(), factor.is_confirmed, last_step, codes))?;
        }
        None => {
            sql::run(tx, "DELETE FROM second_factors WHERE user_id = ?1", [&id])?;
        }
    }
    let is_enabled = factor.is_some_and(|factor| factor.is_confirmed);
    sql::run(tx, "UPDATE users SET otp_enabled = ?2 WHERE id = ?1", (&id, is_enabled)).map(drop)
}
