use aam_registry_core::{
    Result,
    decide::{
        AccountActor, AccountChange, AccountFacts, CallerFacts, RevokedTokens, TokenRevocation, TokenRevocationFacts,
    },
    ports::AccountStore,
    types::{AccountFilter, AccountState, OneTimePurpose, OneTimeToken, Sha256Digest, User, Username},
};
use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    PostgresMetadata,
    connection::Session,
    facts,
    failure::Tx,
    sql::{self, Text},
    tokens::LOCK_TO_CHANGE,
    users::{self, user_columns},
};
use crate::relational::{
    columns,
    predicates::{account_is_enabled, administers, has_a_role, one_time_token_is_live, token_is_live},
};

/// How many accounts are read at a time.
const PAGE: usize = 500;
const LIST: &str =
    concat!("SELECT ", user_columns!(), " FROM users u WHERE u.username > $1 ORDER BY u.username LIMIT 500");
/// The same of the accounts that have a role, which are few: the index of those is read.
const LIST_WITH_ROLES: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users u WHERE ",
    has_a_role!("u."),
    " AND u.username > $1 ORDER BY u.username LIMIT 500"
);
/// Of two that would each take the last other administrator away, the second waits here and sees what the first did.
const LOCK_ADMINS: &str = concat!("SELECT id FROM users WHERE ", administers!(""), " ORDER BY id FOR NO KEY UPDATE");
const ACCOUNT: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", u.password_hash, u.session_generation, u.kept_session FROM users u WHERE u.username = $1 FOR NO KEY UPDATE"
);
const EMAIL_TAKEN: &str = "SELECT 1 FROM users WHERE email_key = $1 AND id <> $2";

const ONE_TIME_TOKEN: &str = "SELECT purpose, expires_at FROM one_time_tokens WHERE digest = $1 AND user_id = $2";
const ONE_TIME_TOKENS: &str = concat!(
    "SELECT count(*) FROM one_time_tokens WHERE user_id = $1 AND purpose = $2 AND ",
    one_time_token_is_live!("", "$3")
);
const ONE_TIME_HOLDER: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM one_time_tokens t JOIN users u ON u.id = t.user_id
      WHERE t.digest = $1 AND t.purpose = $2 AND ",
    one_time_token_is_live!("t.", "$3"),
    " AND ",
    account_is_enabled!("u.")
);

/// While tokens are revoked none is made that would be missed, and none is revoked beside.
const LOCK_TOKENS: &str = "LOCK TABLE tokens IN SHARE ROW EXCLUSIVE MODE";
/// No token of the user is made before this commits.
const LOCK_USER: &str = "SELECT id FROM users WHERE username = $1 FOR NO KEY UPDATE";
const TOKEN: &str = "SELECT 1 FROM tokens WHERE id = $1";
/// The live tokens that are meant, in the order in which tokens are locked.
macro_rules! live {
    ($which:literal) => {
        concat!("SELECT id FROM tokens WHERE ", token_is_live!("", "$1"), $which, " ORDER BY id FOR NO KEY UPDATE")
    };
}
const LIVE_ONE: &str = live!(" AND id = $2");
const LIVE_OF_USER: &str = live!(" AND user_id = $2");
const LIVE_OF_ALL: &str = live!("");

#[async_trait]
impl AccountStore for PostgresMetadata {
    async fn accounts(&self, filter: &AccountFilter) -> Result<Vec<User>> {
        // Few accounts may be meant, which no index finds: pages of the others are read and passed over.
        let (mut found, mut after) = (Vec::new(), filter.after.clone());
        let list = if filter.role.is_some() { LIST_WITH_ROLES } else { LIST };
        loop {
            let behind = after.as_ref().map_or("", Username::as_str);
            let read = self.read(|tx| async move { sql::all(&tx, list, [&behind], |row| users::user(row, 0)).await });
            let page: Vec<User> = read.await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|user| user.username.clone());
            found.extend(page.into_iter().filter(|user| filter.admits(user)));
            if is_last || found.len() >= filter.limit {
                found.truncate(filter.limit);
                return Ok(found);
            }
        }
    }

    async fn one_time_holder(
        &self,
        token: &Sha256Digest,
        purpose: OneTimePurpose,
        now: Timestamp,
    ) -> Result<Option<User>> {
        let now = now.as_microsecond();
        self.read(|tx| async move {
            let (digest, purpose) = (token.as_bytes().as_slice(), purpose.as_str());
            sql::first(&tx, ONE_TIME_HOLDER, [&digest, &purpose, &now], |row| users::user(row, 0)).await
        })
        .await
    }
}

pub(super) async fn account_facts(tx: &Session, change: &AccountChange) -> Tx<AccountFacts> {
    // Administrators who change each other's accounts lock each other's rows: all take them in the same order.
    let is_by_admin = matches!(change.by, AccountActor::Admin(_));
    let admins: Vec<Uuid> =
        if is_by_admin || change.update.may_end_an_admin() { lock_admins(tx).await? } else { Vec::new() };
    let account = account(tx, &change.username).await?;
    let id = account.as_ref().map(|account| Uuid::from(account.user.id));
    let caller = match change.actor() {
        Some(actor) => facts::caller(tx, actor).await?,
        None => CallerFacts::default(),
    };
    let one_time = match change.used_token() {
        Some(digest) => used_token(tx, digest, id).await?,
        None => None,
    };
    let one_time_tokens = match change.update.token_purpose() {
        Some(purpose) => {
            let (purpose, now) = (purpose.as_str(), change.now.as_microsecond());
            sql::first(tx, ONE_TIME_TOKENS, [&id, &purpose, &now], |row| sql::unsigned(row, 0))
                .await?
                .unwrap_or_default()
        }
        None => 0,
    };
    let email_taken = match change.update.email() {
        Some(email) => sql::exists(tx, EMAIL_TAKEN, [&Text(&columns::email_key(email)), &id]).await?,
        None => false,
    };
    let has_other_admin = admins.iter().any(|admin| Some(*admin) != id);
    Ok(AccountFacts { account, caller, one_time, one_time_tokens, has_other_admin, email_taken })
}

/// The administrators, none of whom ceases to be one before the commit.
pub(super) async fn lock_admins(tx: &Session) -> Tx<Vec<Uuid>> {
    sql::all(tx, LOCK_ADMINS, [], |row| Ok(row.try_get(0)?)).await
}

/// A one-time token of the user, whom the caller has locked: nobody else uses it before the commit.
async fn used_token(tx: &Session, digest: &Sha256Digest, user: Option<Uuid>) -> Tx<Option<OneTimeToken>> {
    sql::first(tx, ONE_TIME_TOKEN, [&digest.as_bytes().as_slice(), &user], |row| {
        let (purpose, expires_at) = (columns::one_time_purpose(row.try_get(0)?)?, sql::instant(row, 1)?);
        Ok(OneTimeToken { digest: *digest, purpose, expires_at })
    })
    .await
}

/// The account of a user; nobody else changes it before the commit.
pub(super) async fn account(tx: &Session, username: &Username) -> Tx<Option<AccountState>> {
    let name = username.as_str();
    sql::first(tx, ACCOUNT, [&name], |row| {
        Ok(AccountState {
            user: users::user(row, 0)?,
            password_hash: row.try_get(users::COLUMNS)?,
            session_generation: sql::unsigned(row, users::COLUMNS + 1)?,
            kept_session: sql::optional_text(row, users::COLUMNS + 2)?,
        })
    })
    .await
}

pub(super) async fn revocation_facts(tx: &Session, revocation: &TokenRevocation) -> Tx<TokenRevocationFacts> {
    let now = revocation.now.as_microsecond();
    if revocation.tokens != RevokedTokens::All {
        tx.command(LOCK_TO_CHANGE).await?;
    }
    let (exists, live) = match &revocation.tokens {
        RevokedTokens::Id(id) => {
            let id = Uuid::from(*id);
            (sql::exists(tx, TOKEN, [&id]).await?, sql::all(tx, LIVE_ONE, [&now, &id], |row| sql::id(row, 0)).await?)
        }
        RevokedTokens::Of(username) => {
            let user = sql::first(tx, LOCK_USER, [&username.as_str()], |row| Ok(row.try_get::<_, Uuid>(0)?)).await?;
            (user.is_some(), sql::all(tx, LIVE_OF_USER, [&now, &user], |row| sql::id(row, 0)).await?)
        }
        RevokedTokens::All => {
            tx.command(LOCK_TOKENS).await?;
            (true, sql::all(tx, LIVE_OF_ALL, [&now], |row| sql::id(row, 0)).await?)
        }
    };
    Ok(TokenRevocationFacts { exists, live })
}
