//! The AAM registry.
