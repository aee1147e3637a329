//! Statements that run on every database alike, with their parameters and their rows.
//!
//! A statement is written for PostgreSQL: its parameters are `$1`, `$2` …, and it may end with the locks that it takes
//! on rows (`FOR UPDATE`). SQLite has one writer and needs no such locks; its adapter leaves them out. What only one of
//! the databases understands (casts with `::`, arrays, `DELETE … USING`) has no place in such a statement.

use std::str::FromStr;

use aam_registry_core::{
    Error,
    decide::{CallerFacts, PackageFacts, PackageReads},
    types::{Actor, JobId, JobState, NewJob, Sha256Digest},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::columns::{self, Corrupt};

/// A parameter of a statement, or a column of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    /// A UUID, which SQLite keeps as text.
    Id(Uuid),
}

impl Value {
    /// An id of the domain.
    pub(crate) fn id(id: impl Into<Uuid>) -> Self {
        Self::Id(id.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Int(columns::signed(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Int(value.as_microsecond())
    }
}

impl From<&Sha256Digest> for Value {
    fn from(value: &Sha256Digest) -> Self {
        Self::Bytes(value.as_bytes().to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The parameters of a statement, in the order of their numbers.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::relational::transaction::Value::from($value)),*]
    };
}
pub(crate) use params;

/// A row of a query.
#[derive(Debug)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    fn value(&self, column: usize) -> Result<&Value, Corrupt> {
        self.0.get(column).ok_or_else(|| Corrupt(format!("a row has no column {column}")))
    }

    /// What `read` makes of a column, if it is not null.
    fn optional<'a, T>(
        &'a self,
        column: usize,
        what: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Corrupt> {
        match self.value(column)? {
            Value::Null => Ok(None),
            value => read(value).map(Some).ok_or_else(|| Corrupt(format!("column {column} is not {what}"))),
        }
    }

    fn optional_bool(&self, column: usize) -> Result<Option<bool>, Corrupt> {
        self.optional(column, "true or false", |value| match value {
            Value::Bool(value) => Some(*value),
            // SQLite has no booleans.
            Value::Int(value) => Some(*value != 0),
            _ => None,
        })
    }

    pub(crate) fn optional_int(&self, column: usize) -> Result<Option<i64>, Corrupt> {
        self.optional(column, "a number", |value| match value {
            Value::Int(value) => Some(*value),
            _ => None,
        })
    }

    fn optional_str(&self, column: usize) -> Result<Option<&str>, Corrupt> {
        self.optional(column, "text", |value| match value {
            Value::Text(value) => Some(value.as_str()),
            _ => None,
        })
    }

    /// An id of the domain.
    pub(crate) fn optional_id<T: From<Uuid>>(&self, column: usize) -> Result<Option<T>, Corrupt> {
        self.optional(column, "an id", |value| match value {
            Value::Id(value) => Some(T::from(*value)),
            Value::Text(value) => value.parse::<Uuid>().ok().map(T::from),
            _ => None,
        })
    }

    pub(crate) fn optional_text(&self, column: usize) -> Result<Option<String>, Corrupt> {
        Ok(self.optional_str(column)?.map(str::to_owned))
    }

    pub(crate) fn optional_instant(&self, column: usize) -> Result<Option<Timestamp>, Corrupt> {
        self.optional_int(column)?.map(columns::instant).transpose()
    }

    /// A domain type that is kept as text which `read` reads.
    pub(crate) fn optional_coded<T>(
        &self,
        column: usize,
        read: impl FnOnce(&str) -> Result<T, Corrupt>,
    ) -> Result<Option<T>, Corrupt> {
        self.optional_str(column)?.map(read).transpose()
    }

    /// A domain type that is kept as its text.
    pub(crate) fn optional_parsed<T: FromStr>(&self, column: usize) -> Result<Option<T>, Corrupt>
    where
        Corrupt: From<T::Err>,
    {
        Ok(self.optional_str(column)?.map(str::parse).transpose()?)
    }

    pub(crate) fn bool(&self, column: usize) -> Result<bool, Corrupt> {
        self.optional_bool(column)?.ok_or_else(|| null(column))
    }

    /// A count or size, which the database keeps signed.
    pub(crate) fn unsigned(&self, column: usize) -> Result<u64, Corrupt> {
        self.optional_int(column)?.map(i64::unsigned_abs).ok_or_else(|| null(column))
    }

    pub(crate) fn id<T: From<Uuid>>(&self, column: usize) -> Result<T, Corrupt> {
        self.optional_id(column)?.ok_or_else(|| null(column))
    }

    pub(crate) fn text(&self, column: usize) -> Result<String, Corrupt> {
        self.optional_text(column)?.ok_or_else(|| null(column))
    }

    pub(crate) fn instant(&self, column: usize) -> Result<Timestamp, Corrupt> {
        self.optional_instant(column)?.ok_or_else(|| null(column))
    }

    pub(crate) fn coded<T>(&self, column: usize, read: impl FnOnce(&str) -> Result<T, Corrupt>) -> Result<T, Corrupt> {
        self.optional_coded(column, read)?.ok_or_else(|| null(column))
    }

    pub(crate) fn parsed<T: FromStr>(&self, column: usize) -> Result<T, Corrupt>
    where
        Corrupt: From<T::Err>,
    {
        self.optional_parsed(column)?.ok_or_else(|| null(column))
    }

    pub(crate) fn digest(&self, column: usize) -> Result<Sha256Digest, Corrupt> {
        match self.value(column)? {
            Value::Bytes(bytes) => match <[u8; 32]>::try_from(bytes.as_slice()) {
                Ok(bytes) => Ok(bytes.into()),
                Err(_) => Err(Corrupt(format!("a digest of {} bytes", bytes.len()))),
            },
            _ => Err(Corrupt(format!("column {column} is not a digest"))),
        }
    }
}

fn null(column: usize) -> Corrupt {
    Corrupt(format!("column {column} is null"))
}

/// What writes a change, in the order of the steps.
#[derive(Debug)]
pub(crate) enum Step {
    /// Runs a statement with its parameters.
    Run(&'static str, Vec<Value>),
    /// Queues a job, which is due at once by the clock of the database.
    Queue(NewJob),
    /// Makes a job due at once, and counts its attempts anew.
    Retry(JobId),
}

/// The transaction in which a command is executed, or a query answered.
pub(crate) trait Transaction {
    /// Why a step fails.
    type Failure: From<Corrupt> + From<Error>;

    /// The rows of a query.
    async fn rows(&self, query: &'static str, params: Vec<Value>) -> Result<Vec<Row>, Self::Failure>;

    /// What is known of whoever acts, under locks that keep it true until the commit.
    async fn caller(&self, actor: &Actor) -> Result<CallerFacts, Self::Failure>;

    /// What is known of a package, under locks that keep it true until the commit.
    async fn package(&self, reads: PackageReads<'_>) -> Result<PackageFacts, Self::Failure>;

    /// How the job `id` of `kind` stands, if there is one, under a lock.
    async fn job_state(&self, id: JobId, kind: &str) -> Result<Option<JobState>, Self::Failure>;

    /// The first row of a query.
    async fn first<T>(
        &self,
        query: &'static str,
        params: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, Corrupt>,
    ) -> Result<Option<T>, Self::Failure> {
        let rows = self.rows(query, params).await?;
        Ok(rows.first().map(read).transpose()?)
    }

    /// Every row of a query.
    async fn all<T>(
        &self,
        query: &'static str,
        params: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, Corrupt>,
    ) -> Result<Vec<T>, Self::Failure> {
        let rows = self.rows(query, params).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Whether a query gives any row.
    async fn exists(&self, query: &'static str, params: Vec<Value>) -> Result<bool, Self::Failure> {
        Ok(!self.rows(query, params).await?.is_empty())
    }

    /// The number that a query counts.
    async fn count(&self, query: &'static str, params: Vec<Value>) -> Result<u64, Self::Failure> {
        Ok(self.first(query, params, |row| row.unsigned(0)).await?.unwrap_or_default())
    }
}
