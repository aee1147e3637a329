use super::{Rows, Source, Table};
use crate::scale::{random::Random, releases::FIRST, value::Value};

pub(super) const USERS: Table = Table {
    name: "users",
    columns: &["id", "username", "email", "email_key", "password_hash", "is_admin", "disabled", "created_at"],
    rows: users,
};

pub(super) const SCOPES: Table = Table { name: "scopes", columns: &["name", "created_at"], rows: scopes };

pub(super) const SCOPE_MEMBERS: Table =
    Table { name: "scope_members", columns: &["scope", "user_id", "role"], rows: scope_members };

/// The id of a user.
pub(super) fn user_id(index: usize) -> String {
    let random = Random::of("user id", index as u64).bytes();
    uuid::Builder::from_unix_timestamp_millis(FIRST.unsigned_abs() / 1000, &random).into_uuid().to_string()
}

fn users<'a>(source: &'a Source<'a>) -> Rows<'a> {
    Box::new(source.dataset.users.iter().enumerate().map(|(index, name)| {
        let email = format!("{name}@example.com");
        // No password has this hash, so nobody can log in.
        let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2NhbGVzY2FsZXNjYWxl$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        vec![
            user_id(index).into(),
            name.as_str().into(),
            email.as_str().into(),
            email.as_str().into(),
            hash.into(),
            false.into(),
            false.into(),
            FIRST.into(),
        ]
    }))
}

/// A user's own scope has the user's name.
fn scopes<'a>(source: &'a Source<'a>) -> Rows<'a> {
    let own = source.dataset.users.iter();
    let teams = source.dataset.teams.iter().map(|(name, _)| name);
    Box::new(own.chain(teams).map(|name| vec![name.as_str().into(), FIRST.into()]))
}

fn scope_members<'a>(source: &'a Source<'a>) -> Rows<'a> {
    let own = source.dataset.users.iter().enumerate().map(|(index, name)| (name, index));
    let teams = source.dataset.teams.iter().map(|(name, owner)| (name, *owner));
    let row = |(name, owner): (&String, usize)| vec![name.as_str().into(), user_id(owner).into(), Value::from("owner")];
    Box::new(own.chain(teams).map(row))
}
