//! Archives, well made and hostile.

mod crafted;
mod damaged;
mod hostile;
mod real;
mod refused;
