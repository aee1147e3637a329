//! What every [`Database`](crate::ports::Database) does.
//!
//! The cases name things at random and look only at what is theirs, so they
//! can share one database, at once or one after the other.

mod accounts;
mod scopes;
mod tokens;
mod world;

pub use accounts::*;
pub use scopes::*;
pub use tokens::*;

/// Makes one test of every case, on the database that `$make` gives.
#[macro_export]
macro_rules! database_conformance {
    ($make:expr) => {
        $crate::conformance!(
            database,
            $make,
            [
                a_new_user_is_found_by_id_name_and_email,
                a_new_user_owns_the_scope_of_its_name,
                a_username_is_taken_once,
                an_email_address_is_taken_once_in_any_case,
                the_name_of_a_scope_is_no_free_username,
                of_users_made_at_once_one_gets_the_name,
                a_refused_user_leaves_nothing,
                an_unknown_login_is_none,
                an_administrator_is_noticed,
                a_revoked_session_has_no_user,
                a_session_of_nobody_or_a_disabled_user_has_no_user,
                forgetting_sessions_keeps_live_revocations,
                a_profile_lists_owned_packages,
                a_token_is_found_by_its_digest,
                tokens_are_listed_newest_first,
                a_revoked_token_is_gone,
                a_token_of_another_cannot_be_revoked,
                an_expired_token_is_gone,
                a_used_token_says_when,
                a_dead_credential_makes_no_token,
                a_new_scope_is_its_makers,
                a_scope_is_taken_once,
                the_name_of_a_user_is_no_free_scope,
                of_scopes_made_at_once_one_is_made,
                members_come_and_change_and_go,
                only_owners_change_members,
                an_administrator_changes_members,
                a_member_may_leave,
                the_last_owner_stays,
                two_owners_leaving_at_once_leave_one,
                unknown_scopes_and_users_are_told_apart,
                a_membership_that_is_so_already_is_no_change,
                a_dead_credential_changes_no_scope,
            ]
        );
    };
}
