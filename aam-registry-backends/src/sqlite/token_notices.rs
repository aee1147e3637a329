use aam_registry_core::{
    ports::TokenHolder,
    types::{Token, TokenId, TokenNotice},
};
use jiff::Timestamp;
use rusqlite::Connection;

use super::{failure::Tx, sql, tokens, users};
use crate::relational::predicates::{account_is_enabled, token_is_live};

/// The column in which a notice is noted.
fn column(notice: TokenNotice) -> &'static str {
    match notice {
        TokenNotice::Ending => "end_told",
        TokenNotice::Stale => "stale_told",
    }
}

/// The tokens whose users are to be told something.
pub(super) fn due(tx: &Connection, now: Timestamp) -> Tx<Vec<(TokenHolder, TokenNotice)>> {
    let (ahead, stale) = (TokenNotice::AHEAD.as_micros(), Token::STALE_AFTER.as_micros());
    let (ahead, stale) = (i64::try_from(ahead).unwrap_or(i64::MAX), i64::try_from(stale).unwrap_or(i64::MAX));
    let now = now.as_microsecond();
    let ending = "NOT t.end_told AND t.expires_at <= ?2 AND t.created_at < t.expires_at - ?3";
    let unused = "NOT t.stale_told AND coalesce(t.last_used_at, t.created_at) <= ?2 AND ?3 >= 0";
    let mut found = Vec::new();
    for (notice, which, until) in
        [(TokenNotice::Ending, ending, now + ahead), (TokenNotice::Stale, unused, now - stale)]
    {
        let query = format!(
            "SELECT {}, {} FROM tokens t JOIN users u ON u.id = t.user_id WHERE {which} AND {} AND {} LIMIT 100",
            tokens::COLUMNS,
            users::columns("u"),
            token_is_live!("t.", "?1"),
            account_is_enabled!("u.")
        );
        let some: Vec<TokenHolder> = sql::all(tx, &query, (now, until, ahead), tokens::holder)?;
        found.extend(some.into_iter().map(|holder| (holder, notice)));
    }
    found.truncate(100);
    Ok(found)
}

/// Whether a token is not revoked and that notice was not told.
pub(super) fn is_due(tx: &Connection, token: TokenId, notice: TokenNotice) -> Tx<bool> {
    let query = format!("SELECT 1 FROM tokens WHERE id = ?1 AND revoked_at IS NULL AND NOT {}", column(notice));
    sql::exists(tx, &query, [token.to_string()])
}

pub(super) fn note(tx: &Connection, token: TokenId, notice: TokenNotice) -> Tx<()> {
    let note = format!("UPDATE tokens SET {} = TRUE WHERE id = ?1", column(notice));
    sql::run(tx, &note, [token.to_string()]).map(drop)
}
