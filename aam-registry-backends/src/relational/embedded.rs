//! Migrations as parts of the program.

/// A migration's name, such as `V1__registry`, and its statements.
pub(crate) type Embedded = (&'static str, &'static str);

/// The migrations of these names, out of the folder `migrations` beside the
/// calling file. A list costs less to build than the macro that reads a folder:
/// it needs no second copy of everything the migrating library depends on.
macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("migrations/", $name, ".sql")))),*]
    };
}
pub(crate) use embedded;
