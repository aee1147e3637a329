//! The statements on queued jobs that all databases share.

/// The columns of a job, for `SELECT` from the table `$of` (a name with its dot, or empty). How a job
/// stands depends on the instant `$now`.
macro_rules! job_columns {
    ($of:literal, $now:expr) => {
        concat!(
            $of,
            "id, ",
            $of,
            "kind, ",
            $of,
            "payload, ",
            $of,
            "created_at, ",
            $of,
            "due_at,
             CASE WHEN ",
            $of,
            "failed_at IS NOT NULL THEN 'failed' WHEN ",
            $of,
            "done_at IS NOT NULL THEN 'done'
                  WHEN ",
            $of,
            "lease IS NOT NULL AND ",
            $of,
            "due_at > ",
            $now,
            " THEN 'running'
                  ELSE 'waiting' END AS state,
             ",
            $of,
            "attempts, ",
            $of,
            "last_error, COALESCE(",
            $of,
            "done_at, ",
            $of,
            "failed_at) AS ended_at"
        )
    };
}
pub(crate) use job_columns;

/// The kinds of jobs that are neither done nor given up, and a last row that is null. Looks up the first job of each
/// kind, and so at as many entries of an index as there are kinds.
macro_rules! open_kinds {
    () => {
        "open_kinds (kind) AS (
            SELECT min(kind) FROM jobs WHERE failed_at IS NULL AND done_at IS NULL
            UNION ALL
            SELECT (
                SELECT min(j.kind) FROM jobs j WHERE j.failed_at IS NULL AND j.done_at IS NULL AND j.kind > k.kind
            ) FROM open_kinds k WHERE k.kind IS NOT NULL
        )"
    };
}
pub(crate) use open_kinds;

/// The kinds of which a job is due at the instant `$now`. Looks up the first due job of each kind, and so
/// at as many entries of an index as there are kinds.
macro_rules! due_kinds {
    ($now:expr) => {
        concat!(
            "WITH RECURSIVE ",
            $crate::relational::jobs::open_kinds!(),
            " SELECT kind FROM (
                SELECT k.kind, (
                    SELECT min(j.due_at) FROM jobs j
                    WHERE j.failed_at IS NULL AND j.done_at IS NULL AND j.kind = k.kind
                ) due_at FROM open_kinds k WHERE k.kind IS NOT NULL
            ) first WHERE due_at <= ",
            $now,
            " ORDER BY due_at, kind"
        )
    };
}
pub(crate) use due_kinds;

/// How many jobs of each kind wait or were given up, counted up to `$most`, and for how many microseconds the first
/// has been due at the instant `$now`. Reads at most so many entries of an index for each kind: the order makes a scan
/// of the whole table the worse plan.
macro_rules! job_figures {
    ($now:expr, $most:literal) => {
        concat!(
            "WITH RECURSIVE ",
            $crate::relational::jobs::open_kinds!(),
            ", failed_kinds (kind) AS (
                SELECT min(kind) FROM jobs WHERE failed_at IS NOT NULL
                UNION ALL
                SELECT (SELECT min(j.kind) FROM jobs j WHERE j.failed_at IS NOT NULL AND j.kind > k.kind)
                FROM failed_kinds k WHERE k.kind IS NOT NULL
            )
            SELECT k.kind,
                (SELECT count(*) FROM (
                    SELECT 1 FROM jobs j WHERE j.failed_at IS NULL AND j.done_at IS NULL AND j.kind = k.kind
                    ORDER BY j.due_at LIMIT ",
            $most,
            ") waiting),
                (SELECT count(*) FROM (
                    SELECT 1 FROM jobs j WHERE j.failed_at IS NOT NULL AND j.kind = k.kind
                    ORDER BY j.failed_at LIMIT ",
            $most,
            ") failed), ",
            $now,
            " - (
                    SELECT min(j.due_at) FROM jobs j
                    WHERE j.failed_at IS NULL AND j.done_at IS NULL AND j.kind = k.kind
                )
            FROM (SELECT kind FROM open_kinds UNION SELECT kind FROM failed_kinds) k
            WHERE k.kind IS NOT NULL ORDER BY k.kind"
        )
    };
}
pub(crate) use job_figures;
