//! Choosing versions: of one package, and of everything it needs.

mod conflict;
mod one;
mod solver;
mod tree;
