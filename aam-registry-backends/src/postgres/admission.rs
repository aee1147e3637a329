//! Which changes may take a connection, so that those that wait for one row's
//! lock leave connections to everybody else.
//!
//! A change is admitted before it takes a connection. Of those that lock the
//! same package, account or API tokens one at a time is; of those that rely on the same scope or user,
//! and of all together, so many that some connections stay free of them. Who
//! is not admitted waits in the process, and holds nothing while it waits.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aam_registry_core::{
    Error,
    decide::RevokedTokens,
    types::{Actor, PackageName, ScopeName, TokenId, UserId, Username},
};
use tokio::{sync::oneshot, time};

/// How many changes may wait for one row before further ones are refused at once.
const MOST_WAITING: usize = 100;

/// Something that changes lock until they commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Row {
    Package(PackageName),
    Scope(ScopeName),
    User(UserId),
    /// A username that is about to be taken, or whose account is changed.
    Name(Username),
    Token(TokenId),
    /// All API tokens at once.
    Tokens,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package(name) => write!(f, "Package {name}"),
            Self::Scope(name) => write!(f, "Scope @{name}"),
            Self::User(_) => f.write_str("This account"),
            Self::Name(name) => write!(f, "User {name}"),
            Self::Token(id) => write!(f, "Token {id}"),
            Self::Tokens => f.write_str("The list of API tokens"),
        }
    }
}

/// What one change locks; what it is told of first.
#[derive(Clone, Debug)]
pub(super) struct Rows(Vec<Row>);

impl Rows {
    /// The account of whoever acts.
    pub(super) fn of(actor: &Actor) -> Self {
        Self::of_user(actor.user)
    }

    /// An account.
    pub(super) fn of_user(user: UserId) -> Self {
        Self(vec![Row::User(user)])
    }

    /// A package, with nobody who acts.
    pub(super) fn of_package(name: &PackageName) -> Self {
        Self(Vec::new()).and_package(name)
    }

    /// A username that is about to be taken.
    pub(super) fn of_name(name: &Username) -> Self {
        Self(vec![Row::Name(name.clone())])
    }

    /// The API tokens that are to be revoked.
    pub(super) fn of_tokens(tokens: &RevokedTokens) -> Self {
        Self(vec![match tokens {
            RevokedTokens::Id(id) => Row::Token(*id),
            RevokedTokens::Of(username) => Row::Name(username.clone()),
            RevokedTokens::All => Row::Tokens,
        }])
    }

    /// A package and its scope, beside the rest.
    pub(super) fn and_package(mut self, name: &PackageName) -> Self {
        if let Some(scope) = name.scope() {
            self = self.and_scope(&scope);
        }
        self.0.insert(0, Row::Package(name.clone()));
        self
    }

    /// A scope, beside the rest.
    pub(super) fn and_scope(mut self, name: &ScopeName) -> Self {
        self.0.insert(0, Row::Scope(name.clone()));
        self
    }

    /// What is told where their locks are not to be had.
    pub(super) fn contended(&self) -> Error {
        Error::Contended(self.0.first().map_or_else(String::new, ToString::to_string))
    }
}

/// Admits changes.
#[derive(Debug)]
pub(super) struct Admission {
    state: Mutex<State>,
    /// How many changes may have connections in all.
    most: usize,
    /// How many that rely on the same scope or user.
    most_of_one: usize,
    patience: Duration,
}

#[derive(Debug, Default)]
struct State {
    admitted: usize,
    held: HashMap<Row, usize>,
    /// Who waits, in the order of coming.
    waiting: BTreeMap<u64, Waiter>,
    /// How many wait for each row.
    wanted: HashMap<Row, usize>,
    next: u64,
}

#[derive(Debug)]
struct Waiter {
    rows: Rows,
    admitted: oneshot::Sender<()>,
}

impl Admission {
    /// For a pool of so many connections: about a third of them is left to
    /// what waits for no lock. Who is not admitted within `patience` is refused.
    pub(super) fn new(connections: u32, patience: Duration) -> Self {
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        let most = (connections - (connections / 3).max(1).min(connections - 1)).max(1);
        Self { state: Mutex::default(), most, most_of_one: most.saturating_sub(2).max(1), patience }
    }

    /// Waits until a change of `rows` may take a connection.
    ///
    /// # Errors
    /// [`Error::Contended`] where too many wait for one of them, or it takes too long.
    pub(super) async fn admit(self: &Arc<Self>, rows: Rows) -> Result<Admitted, Error> {
        let (mut waiting, admitted) = {
            let mut state = self.state();
            // Of those that wait none fits, or it would have been admitted.
            if self.fits(&state, &rows) {
                state.hold(&rows);
                return Ok(Admitted { admission: Arc::clone(self), rows });
            }
            if rows.0.iter().any(|row| state.wanted.get(row).is_some_and(|waiting| *waiting >= MOST_WAITING)) {
                return Err(rows.contended());
            }
            let (sender, admitted) = oneshot::channel();
            let id = state.wait(rows.clone(), sender);
            (Waiting { admission: Arc::clone(self), id, rows: Some(rows) }, admitted)
        };
        match time::timeout(self.patience, admitted).await {
            Ok(_) => Ok(waiting.admitted()),
            Err(_) => Err(waiting.rows.as_ref().map_or(Error::Overloaded, Rows::contended)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fits(&self, state: &State, rows: &Rows) -> bool {
        let most = |row: &Row| match row {
            Row::Package(_) | Row::Name(_) | Row::Token(_) | Row::Tokens => 1,
            Row::Scope(_) | Row::User(_) => self.most_of_one,
        };
        state.admitted < self.most && rows.0.iter().all(|row| state.held.get(row).copied().unwrap_or(0) < most(row))
    }

    /// Gives up what a change held, and admits who waited for it.
    fn release(&self, rows: &Rows) {
        let mut state = self.state();
        state.admitted -= 1;
        decrease(&mut state.held, rows);
        let mut at = 0;
        while state.admitted < self.most {
            let next = state.waiting.range(at..).find(|(_, waiter)| self.fits(&state, &waiter.rows));
            let Some((&id, _)) = next else { return };
            at = id + 1;
            if let Some(waiter) = state.leave(id) {
                // Off the list always means held: one who stopped waiting at this
                // moment gives it back when it is dropped.
                state.hold(&waiter.rows);
                let _ = waiter.admitted.send(());
            }
        }
    }
}

impl State {
    fn hold(&mut self, rows: &Rows) {
        self.admitted += 1;
        increase(&mut self.held, rows);
    }

    fn wait(&mut self, rows: Rows, admitted: oneshot::Sender<()>) -> u64 {
        increase(&mut self.wanted, &rows);
        metrics::gauge!("aam_database_changes_waiting").increment(1);
        let id = self.next;
        self.next += 1;
        self.waiting.insert(id, Waiter { rows, admitted });
        id
    }

    fn leave(&mut self, id: u64) -> Option<Waiter> {
        let waiter = self.waiting.remove(&id)?;
        metrics::gauge!("aam_database_changes_waiting").decrement(1);
        decrease(&mut self.wanted, &waiter.rows);
        Some(waiter)
    }
}

fn increase(counts: &mut HashMap<Row, usize>, rows: &Rows) {
    for row in &rows.0 {
        *counts.entry(row.clone()).or_default() += 1;
    }
}

fn decrease(counts: &mut HashMap<Row, usize>, rows: &Rows) {
    for row in &rows.0 {
        if let Some(count) = counts.get_mut(row) {
            *count -= 1;
            if *count == 0 {
                counts.remove(row);
            }
        }
    }
}

/// A change that waits to be admitted.
struct Waiting {
    admission: Arc<Admission>,
    id: u64,
    rows: Option<Rows>,
}

impl Waiting {
    fn admitted(&mut self) -> Admitted {
        let rows = self.rows.take().unwrap_or(Rows(Vec::new()));
        Admitted { admission: Arc::clone(&self.admission), rows }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(rows) = self.rows.take() else { return };
        // Who does not wait any more, and was not dropped from the list, was admitted meanwhile.
        let left = self.admission.state().leave(self.id);
        if left.is_none() {
            self.admission.release(&rows);
        }
    }
}

/// A change that was admitted, until it is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    admission: Arc<Admission>,
    rows: Rows,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.release(&self.rows);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future::join_all};

    use super::*;

    fn user() -> Rows {
        Rows::of_user(UserId::generate())
    }

    fn package(name: &str) -> Rows {
        user().and_package(&name.parse().expect("a name"))
    }

    fn admission(connections: u32) -> Arc<Admission> {
        Arc::new(Admission::new(connections, Duration::from_secs(5)))
    }

    /// Whether a change of these rows is admitted at once.
    fn at_once(admission: &Arc<Admission>, rows: Rows) -> Option<Admitted> {
        admission.admit(rows).now_or_never().map(|admitted| admitted.expect("not too many wait"))
    }

    #[test]
    fn some_connections_are_left_to_the_rest() {
        for (connections, most) in [(1, 1), (2, 1), (3, 2), (4, 3), (10, 7), (30, 20)] {
            assert_eq!(admission(connections).most, most, "of {connections}");
        }
    }

    #[tokio::test]
    async fn changes_of_one_package_come_one_by_one_and_hold_up_no_other() {
        let admission = admission(10);
        let (one, of) = (user(), |name: &str| name.parse::<PackageName>().expect("a name"));
        let first = at_once(&admission, one.clone().and_package(&of("@team/kit"))).expect("the first");
        let mut second = Box::pin(admission.admit(one.clone().and_package(&of("@team/kit"))));
        assert!((&mut second).now_or_never().is_none());
        assert!(at_once(&admission, one.and_package(&of("@team/other"))).is_some());
        drop(first);
        second.await.expect("its turn");
    }

    #[tokio::test]
    async fn one_user_or_scope_does_not_take_all_there_is() {
        let admission = admission(10);
        let one = user();
        let held: Vec<_> = (0..7).filter_map(|_| at_once(&admission, one.clone())).collect();
        assert_eq!(held.len(), 5);
        assert!(at_once(&admission, user()).is_some());
        drop(held);
        let held: Vec<_> = (0..7).filter_map(|at| at_once(&admission, package(&format!("@team/kit-{at}")))).collect();
        assert_eq!(held.len(), 5);
    }

    #[tokio::test]
    async fn who_waits_no_longer_holds_up_nobody() {
        let admission = admission(10);
        let first = at_once(&admission, package("kit")).expect("the first");
        let mut second = Box::pin(admission.admit(package("kit")));
        let mut third = Box::pin(admission.admit(package("kit")));
        assert!((&mut second).now_or_never().is_none() && (&mut third).now_or_never().is_none());
        drop(first);
        // It was admitted, and is gone before it knows.
        drop(second);
        drop(third.await.expect("its turn"));
        let state = admission.state();
        assert!(state.admitted == 0 && state.held.is_empty() && state.waiting.is_empty() && state.wanted.is_empty());
    }

    /// Who gives up at the very moment of being admitted hears of it no more, and still has what it was given.
    #[tokio::test]
    async fn who_is_admitted_while_giving_up_gives_it_back() {
        let admission = admission(10);
        let first = at_once(&admission, package("kit")).expect("the first");
        let (rows, (sender, admitted)) = (package("kit"), oneshot::channel());
        let id = admission.state().wait(rows.clone(), sender);
        let waiting = Waiting { admission: Arc::clone(&admission), id, rows: Some(rows) };
        drop(admitted);
        drop(first);
        assert!(at_once(&admission, package("kit")).is_none(), "it is admitted until it has given up");
        drop(waiting);
        assert!(at_once(&admission, package("kit")).is_some());
        let state = admission.state();
        assert!(state.admitted == 0 && state.held.is_empty() && state.waiting.is_empty() && state.wanted.is_empty());
    }

    #[tokio::test]
    async fn waiting_ends() {
        let admission = Arc::new(Admission::new(10, Duration::from_millis(1)));
        let _first = at_once(&admission, package("kit")).expect("the first");
        let waiting = join_all((0..MOST_WAITING).map(|_| admission.admit(package("kit"))));
        let (waited, refused) = tokio::join!(waiting, async { admission.admit(package("kit")).await });
        for refused in waited.into_iter().chain([refused]) {
            let error = refused.expect_err("nobody gives up the package");
            assert!(error.to_string().starts_with("Package kit is being changed"), "{error}");
        }
        assert!(admission.state().waiting.is_empty());
    }
}
