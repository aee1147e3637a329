use std::fmt::Display;

/// Prints what a test measured and does not judge.
#[expect(clippy::print_stdout, reason = "the test harness shows it where it is asked to")]
pub fn report(measured: impl Display) {
    println!("{measured}");
}
