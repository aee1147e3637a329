//! Whole-system tests of the registry; see `tests/`.
