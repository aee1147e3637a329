use aam_registry_core::{
    decide::{TellOfToken, TellOfTokenFacts},
    ports::TokenHolder,
    types::{Token, TokenId, TokenNotice},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    connection::Session,
    failure::Tx,
    sql,
    tokens::{self, LOCK_TO_CHANGE, token_columns},
    users::user_columns,
};
use crate::relational::predicates::{account_is_enabled, token_is_live};

macro_rules! due {
    ($which:literal) => {
        concat!(
            "SELECT ",
            token_columns!(),
            ", ",
            user_columns!(),
            " FROM tokens t JOIN users u ON u.id = t.user_id WHERE ",
            $which,
            " AND ",
            token_is_live!("t.", "$1"),
            " AND ",
            account_is_enabled!("u."),
            " LIMIT 100"
        )
    };
}
const ENDING: &str =
    due!("NOT t.end_told AND t.expires_at <= $1::bigint + $2::bigint AND t.created_at < t.expires_at - $2::bigint");
const UNUSED: &str = due!("NOT t.stale_told AND coalesce(t.last_used_at, t.created_at) <= $1::bigint - $2::bigint");
const END_UNTOLD: &str = "SELECT 1 FROM tokens WHERE id = $1 AND revoked_at IS NULL AND NOT end_told FOR NO KEY UPDATE";
const STALE_UNTOLD: &str =
    "SELECT 1 FROM tokens WHERE id = $1 AND revoked_at IS NULL AND NOT stale_told FOR NO KEY UPDATE";
pub(super) const NOTE_END: &str = "UPDATE tokens SET end_told = TRUE WHERE id = $1";
pub(super) const NOTE_STALE: &str = "UPDATE tokens SET stale_told = TRUE WHERE id = $1";

/// The tokens whose users are to be told something.
pub(super) async fn due(tx: &Session, now: Timestamp) -> Tx<Vec<(TokenHolder, TokenNotice)>> {
    let now = now.as_microsecond();
    let mut found = Vec::new();
    for (notice, query, time) in
        [(TokenNotice::Ending, ENDING, TokenNotice::AHEAD), (TokenNotice::Stale, UNUSED, Token::STALE_AFTER)]
    {
        let time = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let some: Vec<TokenHolder> = sql::all(tx, query, [&now, &time], tokens::holder).await?;
        found.extend(some.into_iter().map(|holder| (holder, notice)));
    }
    found.truncate(100);
    Ok(found)
}

/// Locks the token.
pub(super) async fn tell_facts(tx: &Session, tell: &TellOfToken) -> Tx<TellOfTokenFacts> {
    tx.command(LOCK_TO_CHANGE).await?;
    let query = match tell.notice {
        TokenNotice::Ending => END_UNTOLD,
        TokenNotice::Stale => STALE_UNTOLD,
    };
    Ok(TellOfTokenFacts { is_due: sql::exists(tx, query, [&Uuid::from(tell.token)]).await? })
}

pub(super) async fn note(tx: &Session, token: TokenId, notice: TokenNotice) -> Tx<()> {
    let note = match notice {
        TokenNotice::Ending => NOTE_END,
        TokenNotice::Stale => NOTE_STALE,
    };
    sql::run(tx, note, [&Uuid::from(token)]).await.map(drop)
}
