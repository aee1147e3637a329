//! Choosing versions: of one package, and of everything it needs.

mod one;
