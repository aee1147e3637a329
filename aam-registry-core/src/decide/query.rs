use std::{fmt::Debug, sync::Arc};

use crate::types::Asked;

/// Something that is read from a store: a line of the list in `ports/queries.rs`, or about a resource of that in
/// `decide/resources/mod.rs`.
pub trait Query: Clone + Debug + Send + Sync + 'static {
    /// What is found.
    type Answer: Debug + Send + 'static;
    /// The queries that a store answers alike, of which this is one: a part of
    /// [`QueryRequest`](crate::ports::QueryRequest).
    type Request;

    /// The query as a store takes it.
    fn request(asked: Arc<Asked<Self, Self::Answer>>) -> Self::Request;
}

/// Makes the queries of a list: `Name(what is asked for) -> Answer;`, and the enum `$requests` with a variant for
/// each.
macro_rules! queries {
    (
        $(#[$of_all:meta])* $requests:ident {$($more:tt)*}
        $($(#[$doc:meta])* $query:ident($key:ty) -> $answer:ty;)+
    ) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug)]
            pub struct $query(pub $key);

            impl $crate::decide::Query for $query {
                type Answer = $answer;
                type Request = $requests;

                fn request(asked: ::std::sync::Arc<$crate::types::Asked<Self, $answer>>) -> $requests {
                    $requests::$query(asked)
                }
            }
        )+

        $(#[$of_all])*
        #[derive(Clone, Debug)]
        pub enum $requests {
            $($more)*
            $($(#[$doc])* $query(::std::sync::Arc<$crate::types::Asked<$query, $answer>>),)+
        }
    };
}
pub(crate) use queries;
