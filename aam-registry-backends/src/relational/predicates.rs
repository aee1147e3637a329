//! Who and what counts as valid, as conditions of SQL that all databases share. The domain has the same
//! rules as functions; a test compares the two.
//!
//! `$of` is the alias of the table with its dot, or empty. Parameters are written as the database writes
//! them.

/// An API token is neither revoked nor expired at the instant `$now`: [`Token::is_expired`], and it was not
/// revoked.
///
/// [`Token::is_expired`]: aam_registry_core::types::Token::is_expired
macro_rules! token_is_live {
    ($of:literal, $now:literal) => {
        concat!($of, "revoked_at IS NULL AND (", $of, "expires_at IS NULL OR ", $of, "expires_at > ", $now, ")")
    };
}
pub(crate) use token_is_live;

/// A one-time token works at the instant `$now`: [`OneTimeToken::is_live`].
///
/// [`OneTimeToken::is_live`]: aam_registry_core::types::OneTimeToken::is_live
macro_rules! one_time_token_is_live {
    ($of:literal, $now:literal) => {
        concat!($of, "expires_at > ", $now)
    };
}
pub(crate) use one_time_token_is_live;

/// A version is within the reach of a read, where `$every` says whether every status is:
/// [`Reach::includes_version`].
///
/// [`Reach::includes_version`]: aam_registry_core::types::Reach::includes_version
macro_rules! version_is_in_reach {
    ($of:literal, $every:literal) => {
        concat!("(", $of, "status = 'approved' OR ", $every, ")")
    };
}
pub(crate) use version_is_in_reach;

/// The same, and lists of versions hold it.
macro_rules! version_is_listed {
    ($of:literal, $every:literal) => {
        concat!("(", $of, "status = 'approved' OR (", $every, " AND ", $of, "status NOT LIKE '%removed'))")
    };
}
pub(crate) use version_is_listed;

/// The same, or everybody may know that it was removed who sees the package.
macro_rules! version_is_numbered {
    ($of:literal, $every:literal) => {
        concat!("(", $of, "status IN ('approved', 'approved removed') OR ", $every, ")")
    };
}
pub(crate) use version_is_numbered;

/// A version counts towards quotas: it was not removed.
macro_rules! version_is_kept {
    ($of:literal) => {
        concat!($of, "status NOT LIKE '%removed'")
    };
}
pub(crate) use version_is_kept;

/// The ids of the versions that approvers see in a list: those of the status `$status`, and with those that wait the
/// open ones whose tag waits. Each half has an index of its own.
macro_rules! awaiting {
    ($status:literal) => {
        concat!(
            "SELECT v.id FROM versions v WHERE v.status = ",
            $status,
            " AND v.status <> 'approved' UNION ALL SELECT v.id FROM versions v WHERE ",
            $status,
            " = 'pending' AND v.status = 'approved' AND v.wanted_tag IS NOT NULL"
        )
    };
}
pub(crate) use awaiting;

/// A package has a version that everybody sees who sees the package.
macro_rules! has_open_version {
    ($of:literal) => {
        concat!("EXISTS (SELECT 1 FROM versions open WHERE open.package_id = ", $of, "id AND open.status = 'approved')")
    };
}
pub(crate) use has_open_version;

/// A package is within the reach of a read, where `$private` says whether private ones are and `$every` whether
/// versions of every status are.
macro_rules! package_is_in_reach {
    ($of:literal, $private:literal, $every:literal) => {
        concat!(
            "(NOT ",
            $of,
            "private OR ",
            $private,
            ") AND (",
            $every,
            " OR ",
            crate::relational::predicates::has_open_version!($of),
            ")"
        )
    };
}
pub(crate) use package_is_in_reach;

/// An account may be used.
macro_rules! account_is_enabled {
    ($of:literal) => {
        concat!("NOT ", $of, "disabled")
    };
}
pub(crate) use account_is_enabled;

/// An account administers the registry: [`User::administers`].
///
/// [`User::administers`]: aam_registry_core::types::User::administers
macro_rules! administers {
    ($of:literal) => {
        concat!($of, "is_admin AND NOT ", $of, "disabled")
    };
}
pub(crate) use administers;

/// An account has a role in the whole registry. Databases have an index of those accounts for these words.
macro_rules! has_a_role {
    ($of:literal) => {
        concat!("(", $of, "is_admin OR ", $of, "is_approver OR ", $of, "is_moderator OR ", $of, "is_auditor)")
    };
}
pub(crate) use has_a_role;

/// The session `$id` of the generation `$generation` of the user `u` was not ended: neither with all others
/// ([`is_session_ended`]) nor by itself.
///
/// [`is_session_ended`]: aam_registry_core::types::is_session_ended
macro_rules! session_is_live {
    ($id:literal, $generation:literal) => {
        concat!(
            "(u.session_generation = ",
            $generation,
            " OR u.kept_session = ",
            $id,
            ") AND NOT EXISTS (SELECT 1 FROM revoked_sessions r WHERE r.user_id = u.id AND r.id = ",
            $id,
            ")"
        )
    };
}
pub(crate) use session_is_live;

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use aam_registry_core::types::{OneTimePurpose, OneTimeToken, Sha256Digest, is_expired, is_session_ended};
    use jiff::Timestamp;
    use rusqlite::{Connection, Params};

    fn holds(query: &str, params: impl Params) -> bool {
        let connection = Connection::open_in_memory().expect("a database");
        connection
            .execute_batch("CREATE TABLE revoked_sessions (id TEXT, user_id TEXT); CREATE TABLE no_rows (id TEXT)")
            .expect("tables");
        // A condition that is null admits no row.
        connection.query_row(query, params, |row| row.get::<_, Option<bool>>(0)).expect("a row").unwrap_or_default()
    }

    #[test]
    fn the_conditions_say_what_the_functions_say() {
        let at = |micros: i64| Timestamp::from_microsecond(micros).expect("an instant");
        for now in [1_i64, 2, 3] {
            for expires_at in [None, Some(2_i64)] {
                for revoked_at in [None, Some(1_i64)] {
                    let token = concat!(
                        "SELECT ",
                        token_is_live!("t.", "?3"),
                        " FROM (SELECT ?1 AS revoked_at, ?2 AS expires_at) t"
                    );
                    let expected = revoked_at.is_none() && !is_expired(expires_at.map(at), at(now));
                    assert_eq!(holds(token, (revoked_at, expires_at, now)), expected, "{revoked_at:?} {expires_at:?}");
                }
            }
            let one_time = concat!("SELECT ", one_time_token_is_live!("t.", "?2"), " FROM (SELECT ?1 AS expires_at) t");
            let (digest, purpose) = (Sha256Digest::of(b"secret"), OneTimePurpose::PasswordReset);
            let token = OneTimeToken { digest, purpose, expires_at: at(2) };
            assert_eq!(holds(one_time, (2_i64, now)), token.is_live(at(now)), "{now}");
        }
        for (generation, kept) in [(1_i64, None), (2, None), (1, Some("one")), (1, Some("other"))] {
            let session = concat!(
                "SELECT ",
                session_is_live!("?1", "?2"),
                " FROM (SELECT 'me' AS id, 2 AS session_generation, ?3 AS kept_session) u"
            );
            let expected = !is_session_ended("one", generation.unsigned_abs(), 2, kept);
            assert_eq!(holds(session, ("one", generation, kept)), expected, "{generation} {kept:?}");
        }
        for (is_admin, disabled) in [(false, false), (false, true), (true, false), (true, true)] {
            let account = "(SELECT ?1 AS is_admin, ?2 AS disabled) u";
            let admin = format!("SELECT {} FROM {account}", administers!("u."));
            assert_eq!(holds(&admin, (is_admin, disabled)), is_admin && !disabled);
            let enabled = concat!("SELECT ", account_is_enabled!("u."), " FROM (SELECT ?1 AS disabled) u");
            assert_eq!(holds(enabled, [disabled]), !disabled);
        }
    }
}
