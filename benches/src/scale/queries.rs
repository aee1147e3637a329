use std::fmt::Write;

use super::{random::Random, words};

/// Paths of searches, similar to those of people and clients.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Queries {
    /// One to three words, the last one often incomplete.
    Words,
    /// One word with a typo.
    Typos,
    /// Listings by scope, keyword, type and order, and pages far from the first.
    Lists,
}

const COUNT: u64 = 200;

impl Queries {
    /// Two hundred different paths, always the same.
    pub(crate) fn paths(self) -> Vec<String> {
        (0..COUNT).map(|index| format!("/api/v1/packages?{}", self.query(index))).collect()
    }

    fn query(self, index: u64) -> String {
        let mut random = Random::of("query", index);
        match self {
            Self::Words => {
                let count = random.below(3) + 1;
                let mut text = (0..count).map(|_| words::word(&mut random)).collect::<Vec<_>>().join("+");
                if random.chance(0.5) {
                    // While somebody types, the last word is incomplete.
                    let letters = text.chars().count().saturating_sub(2).max(3);
                    text = text.chars().take(letters).collect();
                }
                format!("q={text}")
            }
            Self::Typos => {
                let rare = random.below(u64::MAX);
                let mut letters: Vec<char> = words::rare(rare).chars().collect();
                let at = usize::try_from(random.below(letters.len() as u64)).unwrap_or_default();
                letters.insert(at, 'w');
                format!("q={}", letters.into_iter().collect::<String>())
            }
            Self::Lists => {
                let mut query = format!("sort={}", random.one_of(&["updated", "downloads", "name"]));
                match random.below(4) {
                    0 => write!(query, "&keyword={}", words::common(&mut random)),
                    1 => write!(query, "&type={}", random.one_of(&["agent", "skill", "prompt", "instruction"])),
                    2 => write!(query, "&page={}", random.below(50) + 1),
                    _ => write!(query, "&limit=100"),
                }
                .expect("a string takes all");
                query
            }
        }
    }
}
