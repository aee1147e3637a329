/// A set of small numbers, stored as one bit for each number.
#[derive(Clone, Debug, Default)]
pub(super) struct BitSet(Vec<u64>);

impl BitSet {
    pub(super) fn contains(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    pub(super) fn insert(&mut self, number: u32) {
        let at = number as usize / 64;
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        self.0[at] |= 1 << (number % 64);
    }

    pub(super) fn remove(&mut self, number: u32) {
        if let Some(word) = self.0.get_mut(number as usize / 64) {
            *word &= !(1 << (number % 64));
        }
    }

    /// How many numbers are in the set.
    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Gives each number of the set its rank: the smallest has the rank 0.
    pub(super) fn numbering(&self) -> Numbering<'_> {
        let mut count = 0;
        let before = self.0.iter().map(|word| {
            let before = count;
            count += word.count_ones() as usize;
            before
        });
        Numbering { set: self, before: before.collect() }
    }

    /// Keeps only the numbers that `other` has as well.
    pub(super) fn intersect(&mut self, other: &Self) {
        self.0.truncate(other.0.len());
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    /// Adds the numbers of `other`.
    pub(super) fn unite(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    /// The numbers of the set, in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.0).flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(at * 64 + bit)
            })
        })
    }
}

/// The ranks of the numbers of a set.
pub(super) struct Numbering<'a> {
    set: &'a BitSet,
    /// How many numbers of the set are below each block of 64.
    before: Vec<usize>,
}

impl Numbering<'_> {
    /// How many smaller numbers the set has; `None` if it does not have this one.
    pub(super) fn of(&self, number: u32) -> Option<usize> {
        let word = self.set.0.get(number as usize / 64)?;
        let bit = 1 << (number % 64);
        (word & bit != 0).then(|| self.before[number as usize / 64] + (word & (bit - 1)).count_ones() as usize)
    }
}

impl Extend<u32> for BitSet {
    fn extend<T: IntoIterator<Item = u32>>(&mut self, numbers: T) {
        for number in numbers {
            self.insert(number);
        }
    }
}

impl FromIterator<u32> for BitSet {
    fn from_iter<T: IntoIterator<Item = u32>>(numbers: T) -> Self {
        let mut set = Self::default();
        set.extend(numbers);
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(numbers: &[u32]) -> BitSet {
        numbers.iter().copied().collect()
    }

    #[test]
    fn it_holds_what_was_put_in_and_not_taken_out() {
        let mut numbers = set(&[0, 63, 64, 1000]);
        numbers.remove(64);
        numbers.remove(5000);
        assert_eq!(numbers.iter().collect::<Vec<_>>(), [0, 63, 1000]);
        assert_eq!(numbers.count(), 3);
        assert!(numbers.contains(63) && !numbers.contains(64) && !numbers.contains(1_000_000));
    }

    #[test]
    fn what_it_holds_is_numbered_in_order() {
        let numbers = set(&[3, 63, 64, 700]);
        let numbering = numbers.numbering();
        assert_eq!([3, 63, 64, 700].map(|number| numbering.of(number)), [0, 1, 2, 3].map(Some));
        assert_eq!([0, 65, 701, 100_000].map(|number| numbering.of(number)), [None; 4]);
    }

    #[test]
    fn sets_of_any_size_are_intersected_and_united() {
        for (a, b, both, either) in [
            (&[1, 2, 200][..], &[2, 3][..], &[2][..], &[1, 2, 3, 200][..]),
            (&[2, 3], &[1, 2, 200], &[2], &[1, 2, 3, 200]),
            (&[], &[7], &[], &[7]),
        ] {
            let (mut intersected, mut united) = (set(a), set(a));
            intersected.intersect(&set(b));
            united.unite(&set(b));
            assert_eq!(intersected.iter().collect::<Vec<_>>(), both);
            assert_eq!(united.iter().collect::<Vec<_>>(), either);
        }
    }
}
