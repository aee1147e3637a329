//! The passwords that are known from leaks.

use sha2::{Digest, Sha256};

/// The first bytes of the SHA-256 of each, sorted; see `leaked.LICENSE.txt` for where they come from. Of
/// 20,000,000 other passwords one is taken for one of these.
const KNOWN: &[u8] = include_bytes!("leaked.bin");
/// How many bytes of each there are.
const WIDTH: usize = 5;
/// The most characters around a known password that do not make it another one.
const MAX_AROUND: usize = 6;

/// Whether a password is known, also in other case, with a few digits and signs around it, or repeated.
pub(super) fn is_leaked(password: &str) -> bool {
    let lower = password.to_lowercase();
    let core = lower.trim_matches(|c: char| !c.is_alphabetic());
    let around = lower.chars().count() - core.chars().count();
    is_known(&lower) || is_known(repeated(&lower)) || (around <= MAX_AROUND && is_known(core))
}

fn is_known(text: &str) -> bool {
    let digest = Sha256::digest(text.as_bytes());
    let (known, _) = KNOWN.as_chunks::<WIDTH>();
    known.binary_search_by(|one| one.as_slice().cmp(&digest[..WIDTH])).is_ok()
}

/// What the text is a repetition of; the text itself if it is none.
fn repeated(text: &str) -> &str {
    let boundaries = text.char_indices().map(|(at, _)| at).skip(1).filter(|at| text.len().is_multiple_of(*at));
    let mut units = boundaries.map(|at| &text[..at]);
    units.find(|unit| unit.repeat(text.len() / unit.len()) == text).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        let (known, rest) = KNOWN.as_chunks::<WIDTH>();
        assert!(rest.is_empty() && known.len() > 40_000 && known.is_sorted());
    }

    #[test]
    fn known_passwords_are_found_in_disguise() {
        for known in [
            "123qweasdzxc",
            "leavemealone",
            "SonyEricsson",
            "sonyericsson2024!",
            "!!password123!",
            "monkeymonkeymonkey",
            "1q2w3e4r5t6y",
        ] {
            assert!(is_leaked(known), "{known:?} passed");
        }
        for other in
            ["correct horse battery staple", "tulip-Wagon-93-kelp", "xK9$vQ2!xK9$vQ3!", "dragon-4917362058", ""]
        {
            assert!(!is_leaked(other), "{other:?} was refused");
        }
    }

    #[test]
    fn a_repetition_is_told_by_its_unit() {
        assert_eq!(repeated("abcabcabc"), "abc");
        assert_eq!(repeated("aaaa"), "a");
        assert_eq!(repeated("abcab"), "abcab");
        assert_eq!(repeated("üüüü"), "ü");
        assert_eq!(repeated(""), "");
    }
}
