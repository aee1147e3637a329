use std::fmt::Display;

/// Prints a measurement that the test does not assert.
#[expect(clippy::print_stdout, reason = "the test harness shows it where it is asked to")]
pub fn report(measured: impl Display) {
    println!("{measured}");
}
