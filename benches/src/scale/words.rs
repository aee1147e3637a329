use std::sync::LazyLock;

use super::random::Random;

type Words = LazyLock<Vec<&'static str>>;

fn words_in(text: &'static str) -> Vec<&'static str> {
    text.split_whitespace().collect()
}

/// Topics of packages, the most common first.
static COMMON: Words = LazyLock::new(|| {
    words_in(
        "
    code review agent test data api git docs search python build rust security web commit release sql deploy
    lint format markdown json debug image chat report schema typescript plan task audit log error style database
    cloud file project summary email react cache design research write translate table monitor kubernetes docker
    terraform java pull request branch merge issue ticket sprint story prompt context memory vector embedding
    model inference training dataset metric trace profile benchmark latency throughput queue stream event
    webhook endpoint route server client browser page form button layout color font icon chart graph query index
    migration backup restore secret token password login session user account billing invoice payment order
    product catalog price customer support feedback survey calendar meeting agenda minutes transcript audio
    video speech caption photo camera map weather travel recipe health fitness finance budget tax legal contract
    policy privacy compliance license patent paper citation bibliography latex notebook spreadsheet presentation
    slide diagram flow state machine parser compiler syntax grammar token-count refactor rename extract inline
    module package dependency version changelog license-check vulnerability patch upgrade downgrade rollback
    canary feature flag experiment analysis forecast anomaly alert incident runbook postmortem onboarding
    handbook glossary template snippet shell script cron pipeline workflow matrix runner artifact registry
    container cluster node network
",
    )
});

/// The last words of names.
static KINDS: Words = LazyLock::new(|| {
    words_in(
        "
    kit skill helper agent suite tools guide bot assistant rules checker writer reviewer runner pack flow studio
    coach lab hub doctor pilot scout mentor
",
    )
});

/// Words that connect others to sentences.
static BETWEEN: Words = LazyLock::new(|| {
    words_in(
        "
    for with and the of in your that a from to before every by on into
",
    )
});

/// Verbs for what a package does.
static VERBS: Words = LazyLock::new(|| {
    words_in(
        "
    writes reviews checks explains finds fixes plans summarizes translates formats tests measures compares
    collects cleans draws tracks answers drafts validates generates refactors watches sorts
",
    )
});

static SYLLABLES: Words = LazyLock::new(|| {
    words_in(
        "
    ba ce di fo ga he ji ka lo mu na or pe qui ra si ta ul ve wi xa yo zu bri cla dra fle gro kri lum mar nor
    pla sta tri ven sol ter ix on
",
    )
});

/// With this value the most common word occurs in one package of ten.
const EVENNESS: f64 = 30.0;

/// How many rare words there are besides the common ones, such as names of projects, products and
/// people.
const RARE: u64 = 12_000;

/// A random topic.
pub(super) fn word(random: &mut Random) -> String {
    if random.chance(0.25) {
        let rare = random.below(RARE);
        self::rare(rare)
    } else {
        common(random).to_owned()
    }
}

/// A common word.
pub(super) fn common(random: &mut Random) -> &'static str {
    COMMON[random.skewed_behind(EVENNESS, COMMON.len())]
}

/// A rare word.
pub(super) fn rare(index: u64) -> String {
    let mut random = Random::of("rare word", index % RARE);
    (0..random.below(3) + 2).map(|_| random.one_of(&SYLLABLES)).collect()
}

/// A name such as `review-zorven-kit`.
pub(super) fn name(random: &mut Random) -> String {
    let mut parts = Vec::new();
    if random.chance(0.7) {
        parts.push(common(random).to_owned());
    }
    parts.push(word(random));
    if parts.len() == 1 || random.chance(0.5) {
        parts.push(random.one_of(&KINDS).to_owned());
    }
    parts.join("-")
}

/// A sentence of about that many words.
pub(super) fn sentence(random: &mut Random, words: u64) -> String {
    let mut text = String::from("A ");
    text.push_str(random.one_of(&KINDS));
    text.push_str(" that ");
    text.push_str(random.one_of(&VERBS));
    for at in 0..words {
        text.push(' ');
        let next = if at % 3 == 1 { random.one_of(&BETWEEN).to_owned() } else { word(random) };
        text.push_str(&next);
    }
    text
}

/// The name of a person.
pub(super) fn person(random: &mut Random) -> String {
    let index = random.below(RARE);
    rare(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names() {
        for index in 0..500 {
            let mut random = Random::of("name", index);
            let name = name(&mut random);
            assert!(name.parse::<aam_registry_core::types::PackageName>().is_ok(), "{name}");
        }
    }

    #[test]
    fn most_rare_words_differ() {
        let words: std::collections::BTreeSet<_> = (0..RARE).map(rare).collect();
        assert!(words.len() > 9_000, "{}", words.len());
    }
}
