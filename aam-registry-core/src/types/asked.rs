use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

/// A question on its way to a store, with the place where the store puts the answer. So whoever asks gets
/// an answer of the question's own type, although every question goes through the same method.
#[derive(Debug)]
pub struct Asked<Q, A> {
    question: Q,
    answer: Mutex<Option<A>>,
}

impl<Q, A> Asked<Q, A> {
    /// A question without an answer.
    pub fn new(question: Q) -> Self {
        Self { question, answer: Mutex::new(None) }
    }

    /// What is asked.
    pub fn question(&self) -> &Q {
        &self.question
    }

    /// Stores the answer, in place of an earlier one.
    pub fn answer(&self, answer: A) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }

    /// What `look` makes of the answer, if there is one.
    pub fn look<T>(&self, look: impl FnOnce(Option<&A>) -> T) -> T {
        look(self.answer.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
    }

    /// Takes the answer out.
    ///
    /// # Errors
    /// An internal error if the store did not answer: a mistake of its programmer.
    pub fn take(&self) -> Result<A> {
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        answer.ok_or_else(|| Error::internal("a store reported success without an answer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_answer_is_taken_once() {
        let asked = Asked::new("how many");
        asked.take().expect_err("nobody answered");
        asked.answer(1);
        // A transaction that restarts decides again.
        asked.answer(2);
        assert!(asked.look(|answer| answer == Some(&2)));
        assert_eq!(asked.take().expect("answered"), 2);
        asked.take().expect_err("it was taken");
    }
}
