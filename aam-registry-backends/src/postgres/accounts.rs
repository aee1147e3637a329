use aam_registry_core::{
    Error, Result,
    ports::{AccountActor, AccountChange, AccountFacts, AccountStore, ChangedAccount, RevokedTokens, TokenRevocation},
    types::{AccountFilter, AccountState, User, Username},
};
use async_trait::async_trait;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    PostgresMetadata, access,
    admission::Rows,
    audit::Append,
    connection::Session,
    failure::Tx,
    sql::{self, Text},
    users::{self, user_columns},
};
use crate::relational::columns;

/// How many accounts are read at a time.
const PAGE: usize = 500;
const LIST: &str =
    concat!("SELECT ", user_columns!(), " FROM users u WHERE u.username > $1 ORDER BY u.username LIMIT 500");
/// Of two that would each take the last other administrator away, the second waits here and sees what the first did.
const LOCK_ADMINS: &str = "SELECT id FROM users WHERE is_admin AND NOT disabled ORDER BY id FOR NO KEY UPDATE";
const ACCOUNT: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", u.password_hash, u.session_generation, u.kept_session FROM users u WHERE u.username = $1 FOR NO KEY UPDATE"
);
const EMAIL_TAKEN: &str = "SELECT 1 FROM users WHERE email_key = $1 AND id <> $2";
const UPDATE: &str = "UPDATE users SET email = $2, email_key = $3, password_hash = $4, is_admin = $5, disabled = $6,
    session_generation = $7, kept_session = $8 WHERE id = $1";

/// While tokens are revoked none is made that would be missed, and none is revoked beside.
const LOCK_TOKENS: &str = "LOCK TABLE tokens IN SHARE ROW EXCLUSIVE MODE";
/// No token of the user is made before this commits.
const LOCK_USER: &str = "SELECT id FROM users WHERE username = $1 FOR NO KEY UPDATE";
const TOKEN: &str = "SELECT 1 FROM tokens WHERE id = $1";
/// The live tokens that are meant, in the order in which tokens are locked.
macro_rules! revoke {
    ($which:literal) => {
        concat!(
            "WITH live AS (
                SELECT id FROM tokens WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1) ",
            $which,
            " ORDER BY id FOR NO KEY UPDATE
            )
            UPDATE tokens t SET revoked_at = $1 FROM live WHERE t.id = live.id"
        )
    };
}
const REVOKE_ONE: &str = revoke!("AND id = $2");
const REVOKE_OF_USER: &str = revoke!("AND user_id = $2");
const REVOKE_ALL: &str = revoke!("");

#[async_trait]
impl AccountStore for PostgresMetadata {
    async fn accounts(&self, filter: &AccountFilter) -> Result<Vec<User>> {
        // Few accounts may be meant, which no index finds: pages of the others are read and passed over.
        let (mut found, mut after) = (Vec::new(), filter.after.clone());
        loop {
            let behind = after.as_ref().map_or("", Username::as_str);
            let read = self.read(|tx| async move { sql::all(&tx, LIST, [&behind], |row| users::user(row, 0)).await });
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

    async fn change_account(&self, change: &AccountChange) -> Result<ChangedAccount> {
        let rows = Rows::of_name(&change.username);
        self.change(rows, |tx| async move { apply(&tx, change).await }).await
    }

    async fn revoke_tokens(&self, revocation: &TokenRevocation) -> Result<u64> {
        let rows = Rows::of_tokens(&revocation.tokens);
        self.change(rows, |tx| async move { revoke(&tx, revocation).await }).await
    }
}

async fn apply(tx: &Session, change: &AccountChange) -> Tx<ChangedAccount> {
    let admins: Vec<Uuid> = if change.update.may_end_an_admin() {
        sql::all(tx, LOCK_ADMINS, [], |row| Ok(row.try_get(0)?)).await?
    } else {
        Vec::new()
    };
    let account = require(tx, &change.username).await?;
    let user = account.user.clone();
    let id = Uuid::from(user.id);
    if let AccountActor::Itself(actor) = &change.by
        && access::require_live(tx, actor, change.now).await?.user != id
    {
        return Err(Error::credential_ended().into());
    }
    let email_taken = match change.update.email() {
        Some(email) => sql::exists(tx, EMAIL_TAKEN, [&Text(&columns::email_key(email)), &id]).await?,
        None => false,
    };
    let has_other_admin = admins.iter().any(|admin| *admin != id);
    let facts = AccountFacts { account, has_other_admin, email_taken };
    let Some((after, audit)) = change.decide(&facts)? else { return Ok(ChangedAccount { user, changed: false }) };
    let email_key = columns::email_key(&after.user.email);
    let (email, email_key) = (Text(&after.user.email), Text(&email_key));
    let generation = columns::signed(after.session_generation);
    let kept = after.kept_session.as_deref().map(Text);
    let row: [&(dyn ToSql + Sync); 8] =
        [&id, &email, &email_key, &after.password_hash, &after.user.is_admin, &after.user.disabled, &generation, &kept];
    sql::run(tx, UPDATE, row).await?;
    let append = Append::prepare(tx).await?;
    for entry in &audit {
        append.run(tx, entry, None).await?;
    }
    Ok(ChangedAccount { user: after.user, changed: true })
}

/// The account of a user, who must exist; nobody else changes it before the commit.
async fn require(tx: &Session, username: &Username) -> Tx<AccountState> {
    let name = username.as_str();
    let account = sql::first(tx, ACCOUNT, [&name], |row| {
        Ok(AccountState {
            user: users::user(row, 0)?,
            password_hash: row.try_get(users::COLUMNS)?,
            session_generation: sql::unsigned(row, users::COLUMNS + 1)?,
            kept_session: sql::optional_text(row, users::COLUMNS + 2)?,
        })
    });
    account.await?.ok_or_else(|| Error::UserNotFound(username.clone()).into())
}

async fn revoke(tx: &Session, revocation: &TokenRevocation) -> Tx<u64> {
    let now = revocation.now.as_microsecond();
    let count = match &revocation.tokens {
        RevokedTokens::Id(id) => {
            let uuid = Uuid::from(*id);
            if !sql::exists(tx, TOKEN, [&uuid]).await? {
                return Err(Error::TokenNotFound(*id).into());
            }
            sql::run(tx, REVOKE_ONE, [&now, &uuid]).await?
        }
        RevokedTokens::Of(username) => {
            let user = sql::first(tx, LOCK_USER, [&username.as_str()], |row| Ok(row.try_get::<_, Uuid>(0)?)).await?;
            let user = user.ok_or_else(|| Error::UserNotFound(username.clone()))?;
            sql::run(tx, REVOKE_OF_USER, [&now, &user]).await?
        }
        RevokedTokens::All => {
            tx.command(LOCK_TOKENS).await?;
            sql::run(tx, REVOKE_ALL, [&now]).await?
        }
    };
    if let Some(entry) = revocation.recorded(count) {
        Append::prepare(tx).await?.run(tx, &entry, None).await?;
    }
    Ok(count)
}
