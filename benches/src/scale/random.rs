use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

/// Random numbers that are always the same for the same thing.
///
/// The numbers of Xoshiro are fixed by its definition and do not depend on the version of the library.
#[derive(Debug)]
pub(super) struct Random(Xoshiro256PlusPlus);

/// The seed of all registries.
const SEED: u64 = 0x5ca1_e5ee_d000_0001;

impl Random {
    /// The numbers of the `index`th thing of a kind.
    pub(super) fn of(kind: &str, index: u64) -> Self {
        // FNV-1a: there are few kinds, and their hashes only have to differ.
        let kind = kind.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(Xoshiro256PlusPlus::seed_from_u64(SEED ^ kind ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A number below `end`, which must not be 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0.random_range(0..end)
    }

    /// A number from 0 to 1, exclusive.
    pub(super) fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// True with this probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of several things.
    pub(super) fn one_of<'a, T: ?Sized>(&mut self, things: &[&'a T]) -> &'a T {
        things[usize::try_from(self.below(things.len() as u64)).unwrap_or_default()]
    }

    /// An index below `len` with a Zipf distribution: the second is half as frequent as the first, the
    /// third a third as frequent.
    pub(super) fn skewed(&mut self, len: usize) -> usize {
        self.skewed_behind(1.0, len)
    }

    /// The same distribution with its first `before` places cut off: the more, the more evenly it is
    /// distributed.
    pub(super) fn skewed_behind(&mut self, before: f64, len: usize) -> usize {
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 things")]
        let end = ((before + len as f64) / before).ln();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 0 and below the length")]
        let index = (((self.unit() * end).exp() - 1.0) * before) as usize;
        index.min(len.saturating_sub(1))
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        self.0.random()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_has_the_same_numbers() {
        let numbers = |kind, index| {
            let mut random = Random::of(kind, index);
            [random.below(1000), random.below(1000), random.below(1000)]
        };
        assert_eq!(numbers("package", 7), numbers("package", 7));
        assert_ne!(numbers("package", 7), numbers("package", 8));
        assert_ne!(numbers("package", 7), numbers("user", 7));
    }

    #[test]
    fn the_first_come_up_most() {
        let mut random = Random::of("skew", 0);
        let mut seen = [0_u32; 1000];
        for _ in 0..100_000 {
            seen[random.skewed(seen.len())] += 1;
        }
        assert!(seen[0] > 8_000 && seen[0] > seen[1] && seen[1] > seen[9], "{:?}", &seen[..10]);
        assert!(seen[500..].iter().sum::<u32>() > 1_000);
        let first = (0..100_000).filter(|_| random.skewed_behind(30.0, 1000) == 0).count();
        assert!((500..2_000).contains(&first), "{first}");
    }
}
