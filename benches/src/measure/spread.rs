use serde::Serialize;

/// The median, minimum and maximum of several rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// The spread of the values; `None` if there are none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self { median: f64::midpoint(low, high), min, max })
    }

    /// The spread of the values changed by `change`, which must be monotonic.
    #[must_use]
    pub(crate) fn map(self, change: impl Fn(f64) -> f64) -> Self {
        let (min, max) = (change(self.min), change(self.max));
        Self { median: change(self.median), min: min.min(max), max: min.max(max) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_the_middle() {
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of([2.0]), Some(Spread { median: 2.0, min: 2.0, max: 2.0 }));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn the_inverse_swaps_the_extremes() {
        let spread = Spread { median: 2.0, min: 1.0, max: 4.0 };
        assert_eq!(spread.map(|value| 1.0 / value), Spread { median: 0.5, min: 0.25, max: 1.0 });
    }
}
