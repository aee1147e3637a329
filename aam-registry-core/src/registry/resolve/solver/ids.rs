use super::bits::BitSet;

/// The index of a package in `Solver::packages`.
pub(super) type Id = usize;
/// The index of a constraint in `Solver::constraints`.
pub(super) type ConstraintId = usize;
/// The index of a decision, from 0.
pub(super) type Level = usize;
pub(super) type Levels = BitSet;
