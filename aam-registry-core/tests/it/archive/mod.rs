//! Archives, valid and hostile.

mod crafted;
mod damaged;
mod diffed;
mod hostile;
mod packed;
mod real;
mod refused;
mod unpacked;
