//! What every [`Database`] has to do.
//!
//! The cases use random names and look only at their own data, so they can share one database,
//! concurrently or one after the other.

mod accounts;
mod aged;
mod archives;
mod audit;
mod changes;
mod deletion;
mod downloads;
mod evals;
mod invitations;
mod jobs;
mod managing;
mod moderation;
mod old_versions;
mod one_time;
mod owners;
mod packages;
mod private;
mod publish_rights;
mod publishing;
mod quotas;
mod read_only;
mod reports;
mod scope_policy;
mod scopes;
mod search;
mod second_factors;
mod sessions;
mod tags;
mod tokens;
mod trusted_publishers;
mod uploads;
mod webhooks;
mod world;

use futures_util::future::BoxFuture;

pub use accounts::*;
pub use aged::*;
pub use archives::*;
pub use audit::*;
pub use changes::*;
pub use deletion::*;
pub use downloads::*;
pub use evals::*;
pub use invitations::*;
pub use jobs::*;
pub use managing::*;
pub use moderation::*;
pub use old_versions::*;
pub use one_time::*;
pub use owners::*;
pub use packages::*;
pub use private::*;
pub use publish_rights::*;
pub use publishing::*;
pub use quotas::*;
pub use read_only::*;
pub use reports::*;
pub use scope_policy::*;
pub use scopes::*;
pub use search::*;
pub use second_factors::*;
pub use sessions::*;
pub use tags::*;
pub use tokens::*;
pub use trusted_publishers::*;
pub use uploads::*;
pub use webhooks::*;

use crate::ports::Database;

/// Passes the names of all cases to the macro `$then`, after the tokens in the brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! database_cases {
    ($($then:tt)::+ [$($before:tt)*]) => {
        $($then)::+!($($before)* [
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
            sessions_are_listed_newest_first,
            a_session_is_ended_by_its_user,
            a_session_is_ended_by_nobody_else,
            the_other_sessions_end_at_once,
            a_login_from_a_new_place_is_noticed,
            the_addresses_of_logins_are_known,
            a_used_session_says_when,
            the_place_of_an_old_session_is_remembered,
            a_deleted_account_is_gone_but_for_its_name,
            the_last_owner_is_not_deleted,
            an_invitation_is_used_once,
            an_invitation_is_made_by_administrators,
            a_second_factor_comes_and_goes,
            a_code_works_once,
            of_uses_of_a_code_at_once_one_counts,
            a_second_factor_is_its_users,
            a_scope_demands_a_second_factor,
            a_scopes_demand_is_set_by_who_meets_it,
            a_profile_lists_owned_packages,
            a_token_is_found_by_its_digest,
            a_token_is_found_by_its_secret_until_it_is_revoked,
            the_users_of_ending_and_stale_tokens_are_told_once,
            tokens_are_listed_newest_first,
            a_revoked_token_is_gone,
            a_token_of_another_cannot_be_revoked,
            a_stored_token_with_the_scope_approve_is_valid,
            an_expired_token_is_gone,
            a_used_token_says_when,
            a_dead_credential_makes_no_token,
            a_disabled_user_is_shut_out_until_enabled,
            the_last_result_of_an_eval_counts,
            a_result_of_an_eval_is_checked,
            a_gate_holds_a_tag,
            a_gate_is_checked,
            old_versions_are_removed_unless_they_are_used,
            packages_are_listed_by_age,
            aged_downloads_are_dropped_and_totals_stay,
            aged_tokens_and_reports_are_dropped,
            read_only_mode_comes_and_goes,
            a_report_is_made_and_closed,
            a_report_is_checked,
            open_reports_of_a_user_are_few,
            a_role_comes_and_goes,
            an_administrator_sets_roles,
            a_password_that_was_reset_ends_sessions,
            who_changes_a_password_keeps_this_session_alone,
            an_account_is_changed_by_its_user_alone,
            of_password_changes_at_once_one_wins,
            accounts_are_listed_by_name,
            the_operator_revokes_tokens,
            a_one_time_token_works_once,
            an_address_is_verified_by_a_token,
            of_uses_of_a_token_at_once_one_counts,
            a_one_time_token_is_one_accounts_and_expires,
            a_new_password_or_address_ends_one_time_tokens,
            one_time_tokens_are_few,
            an_administrator_makes_one_time_tokens,
            expired_one_time_tokens_are_forgotten,
            a_new_scope_is_its_makers,
            a_scope_is_taken_once,
            the_name_of_a_user_is_no_free_scope,
            of_scopes_made_at_once_one_is_made,
            members_come_and_change_and_go,
            only_owners_change_members,
            a_scope_has_no_more_members_than_it_may,
            an_administrator_changes_members,
            a_member_may_leave,
            the_last_owner_stays,
            a_disabled_owner_is_not_the_one_that_stays,
            a_user_keeps_the_scope_of_its_name,
            a_refusal_does_not_tell_who_is_there,
            two_owners_leaving_at_once_leave_one,
            unknown_scopes_and_users_are_told_apart,
            a_membership_that_is_so_already_is_no_change,
            a_dead_credential_changes_no_scope,
            a_commit_makes_a_version,
            what_was_not_published_is_not_there,
            an_upload_is_committed_once,
            a_refused_commit_leaves_the_upload,
            a_clock_that_is_behind_dates_nothing_back,
            a_version_is_published_once,
            a_yanked_version_still_exists,
            of_commits_at_once_one_wins,
            versions_published_at_once_all_count,
            a_dead_credential_publishes_nothing,
            a_check_changes_nothing,
            a_new_name_is_its_publishers,
            of_claims_at_once_one_holds,
            a_publish_moves_a_tag_only_for_who_may_tag,
            every_role_publishes_in_its_scope,
            everybody_has_a_scope_to_publish_in,
            nobody_publishes_in_a_scope_that_does_not_exist,
            an_administrator_publishes_only_the_own,
            a_name_like_another_is_refused,
            a_new_name_without_a_scope_holds_no_double_hyphen,
            scoped_names_may_be_alike,
            of_names_alike_claimed_at_once_one_is_taken,
            a_live_upload_is_renewed,
            a_sweep_spares_renewed_and_committed_uploads,
            a_lease_lasts_as_long_as_it_was_renewed_for,
            a_lapsed_upload_is_abandoned,
            an_abandoned_upload_is_forgotten,
            a_live_upload_is_not_forgotten,
            a_sweep_keeps_to_its_limit,
            a_yank_withdraws_a_version,
            a_yank_is_idempotent,
            a_package_without_a_visible_version_has_no_latest,
            an_unyank_undoes_a_yank,
            a_text_of_a_version_is_set_changed_and_removed,
            what_is_not_there_cannot_be_changed,
            a_refusal_does_not_tell_what_is_there,
            only_those_in_charge_change_versions,
            a_dead_credential_changes_no_version,
            a_tag_is_set_moved_and_removed,
            a_tag_that_is_so_already_is_no_change,
            a_package_has_no_more_tags_than_it_may,
            a_scope_has_no_more_packages_than_it_may,
            the_archives_in_a_scope_take_up_no_more_than_they_may,
            a_package_has_no_more_versions_than_it_may,
            an_account_makes_no_more_scopes_than_it_may,
            an_account_has_no_more_tokens_than_it_may,
            a_tag_waits_for_an_approver,
            an_approver_refuses_a_tag_alone,
            a_tag_that_waited_is_set_only_if_it_may_be,
            a_tag_that_waited_is_set_when_a_quarantine_ends,
            an_unknown_tag_cannot_be_removed,
            a_yanked_version_gets_no_tag,
            a_tag_change_is_checked,
            a_publish_sets_the_tag_it_asks_for,
            latest_is_the_highest_release,
            latest_may_be_the_newest,
            latest_follows_yanks,
            latest_set_by_hand_holds_until_something_higher,
            latest_set_by_hand_may_be_a_prerelease,
            latest_set_by_hand_ends_with_a_yank,
            owners_come_and_go,
            the_last_owner_of_a_package_stays,
            a_disabled_owner_of_a_package_is_not_the_one_that_stays,
            owners_leaving_at_once_leave_one,
            a_package_has_no_more_owners_than_it_may,
            an_ownership_that_is_so_already_is_no_change,
            a_change_of_owners_is_checked,
            scope_owners_own_its_packages,
            a_scope_lists_who_owns_single_packages,
            versions_are_listed_newest_published_first,
            a_list_of_versions_keeps_to_its_bounds,
            the_small_reads_tell_what_the_package_tells,
            a_package_is_described_by_latest,
            a_package_was_created_with_its_first_version,
            a_scope_is_part_of_the_name,
            a_private_package_is_out_of_reach,
            only_the_first_version_makes_a_package_private,
            a_visibility_comes_and_goes,
            who_may_not_see_a_package_finds_nothing_to_change,
            memberships_tell_what_a_user_may_see,
            a_list_holds_the_private_packages_in_sight,
            a_version_waits_for_approval,
            who_decides_about_a_version_is_somebody_else,
            a_change_of_an_unseen_version_finds_none,
            a_quarantine_comes_and_goes,
            a_removed_version_is_gone,
            recalls_tell_of_what_is_in_sight,
            totals_grow,
            a_working_database_answers,
            a_row_shows_the_package,
            every_field_is_searched,
            all_words_must_match,
            the_last_word_is_a_prefix,
            an_exact_name_comes_first,
            downloads_weigh_in,
            a_name_weighs_more_than_a_description,
            one_typo_is_forgiven,
            one_typo_in_a_name_is_forgiven,
            a_match_leaves_typos_out,
            filters_narrow,
            sorts_order,
            pages_cut_the_results,
            yanked_only_packages_are_absent,
            a_search_knows_latest_alone,
            junk_is_text,
            a_sentence_is_searched_as_a_whole,
            a_text_without_a_word_finds_nothing,
            downloads_add_up,
            totals_show_after_a_refresh,
            downloads_of_nothing_are_dropped,
            batches_at_once_all_count,
            a_batch_counts_once,
            a_location_is_that_of_the_version,
            published_archives_are_listed_by_key,
            only_what_nothing_refers_to_is_unreferenced,
            a_registry_keeps_its_id,
            an_entry_comes_back_whole,
            an_entry_is_appended_once,
            filters_narrow_the_log,
            entries_are_listed_newest_first,
            pages_cut_the_log,
            sequencing_makes_a_chain,
            the_log_is_followed_by_position,
            sequencers_at_once_make_one_chain,
            the_oldest_entries_are_deleted,
            a_change_queues_its_event,
            no_change_queues_no_event,
            every_entry_of_a_change_queues_an_event,
            a_job_is_leased_and_done,
            a_job_is_queued_once,
            what_follows_is_queued_with_the_end,
            a_lapsed_lease_is_taken_over,
            a_failed_attempt_waits,
            a_job_that_was_given_up_waits_for_the_operator,
            a_running_job_is_left_alone,
            workers_at_once_share_the_jobs,
            jobs_are_listed_by_kind_and_state,
            the_kinds_that_are_due_are_named,
            a_job_is_kept_after_it_is_done,
            what_ended_is_forgotten,
            the_figures_tell_what_waits,
            trusted_publishers_come_and_go,
            a_trusted_publisher_publishes_until_it_is_removed,
            a_waiting_publisher_makes_its_package,
            a_waiting_publisher_of_others_ends_with_the_name,
            a_waiting_publisher_ends_with_its_account,
            a_leaked_token_of_a_publisher_is_revoked,
            an_id_token_counts_once,
            the_ids_of_the_first_id_token_are_pinned,
            where_publishers_alone_publish_owners_do_not,
            expired_tokens_of_publishers_are_forgotten,
            publishers_of_a_private_package_are_unseen,
            the_oldest_jobs_of_a_kind_are_dropped,
            a_kind_is_retried_and_dropped_as_a_whole,
            webhooks_come_and_change_and_go,
            only_owners_manage_webhooks,
            a_scope_has_few_webhooks,
            a_dead_credential_changes_no_webhook,
            a_webhook_is_of_one_scope,
            a_ping_and_a_redelivery_are_queued,
            a_deleted_webhook_takes_its_deliveries_along,
            a_webhook_is_disabled_when_its_receiver_is_gone,
            a_webhook_is_disabled_after_a_week_of_failures,
            a_webhook_of_the_operator_is_disabled_and_enabled,
        ]);
    };
}

/// The cases that need a database of their own, because they look at all data in it.
#[doc(hidden)]
#[macro_export]
macro_rules! solitary_database_cases {
    ($($then:tt)::+ [$($before:tt)*]) => {
        $($then)::+!($($before)* [
            all_tokens_are_revoked_at_once,
            one_administrator_is_left,
        ]);
    };
}

/// Defines a test for every case, on the new database that `$make` returns each time.
#[macro_export]
macro_rules! database_conformance {
    ($make:expr) => {
        $crate::database_cases!($crate::conformance[database, $make,]);
        $crate::solitary_database_cases!($crate::conformance[database, $make,]);
    };
}

/// A case. It fails by panicking.
pub type Case = for<'a> fn(&'a dyn Database) -> BoxFuture<'a, ()>;

macro_rules! cases {
    ([$($case:ident),+ $(,)?]) => {
        /// Every case that does not need a database of its own, with its name, for running several
        /// cases on one database.
        pub fn cases() -> Vec<(&'static str, Case)> {
            vec![$((stringify!($case), |database| Box::pin($case(database)))),+]
        }
    };
}

crate::database_cases!(cases[]);
