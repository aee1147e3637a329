//! Ids that the registry generates.

macro_rules! id {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(uuid::Uuid);

        impl $type {
            /// A new id; later ids sort after earlier ones (UUIDv7, RFC 9562).
            pub fn generate() -> Self {
                Self(uuid::Uuid::now_v7())
            }
        }

        impl From<uuid::Uuid> for $type {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$type> for uuid::Uuid {
            fn from(id: $type) -> Self {
                id.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = crate::error::InvalidName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                uuid::Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| crate::error::InvalidName::Id(text.chars().take(64).collect()))
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

pub(crate) use id;
