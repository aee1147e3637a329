use proptest::prelude::*;
use serde_json::json;

use super::*;

const WHOLE: &str = r"
name: '@acme/review-suite'
version: 2.1.0
description: Code review
author: Ada
license: MIT
repository: https://example.com/acme/review-suite
homepage: http://example.com
keywords: [review, code-2]
artifacts:
  skills:
    - {name: code-review, path: ./skills/code-review/, description: Reviews}
  prompts:
    - {name: review, path: prompts/review.md}
  agents: []
  instructions:
dependencies: {greet-kit: ^1.0.0}
private: false
platforms: {claude: {merge_instructions: true}}
mine: [1, 2]
";

fn faults(yaml: &str) -> Vec<String> {
    Manifest::parse(yaml.as_bytes())
        .expect_err("faulty manifest")
        .into_iter()
        .map(|fault| format!("{}: {}", fault.field, fault.error))
        .collect()
}

fn minimal(extra: &str) -> String {
    format!("name: a\nversion: 1.0.0\ndescription: d\nartifacts: {{prompts: [{{name: p, path: p.md}}]}}\n{extra}")
}

#[test]
fn a_whole_manifest_is_read() {
    let manifest = Manifest::parse(WHOLE.as_bytes()).expect("valid");
    assert_eq!((manifest.name.as_str(), manifest.version.to_string().as_str()), ("@acme/review-suite", "2.1.0"));
    assert_eq!(manifest.artifacts.skills[0].path, "skills/code-review");
    assert_eq!(manifest.artifacts.prompts[0].description, "");
    assert_eq!(manifest.keywords, ["review", "code-2"]);
    assert_eq!(manifest.dependencies.len(), 1);
    assert_eq!(manifest.document["mine"], json!([1, 2]));
    assert_eq!(Manifest::from_document(manifest.document.clone()), Ok(manifest));
}

#[test]
fn every_fault_is_reported_at_once() {
    let found = faults(
        "name: Bad\nversion: '1'\ndescription: ''\nrepository: ftp://x\nhomepage: 5\nkeywords: [Ok, 7]\nprivate: yes\n\
         artifacts: {skills: [{name: a/b, path: ../x}, 3], prompts: [{name: p}, {name: P, path: /p}]}\n\
         dependencies: {Bad: '^1', ok: '1 2', fine: 1}\n",
    );
    let fields: Vec<_> = found.iter().map(|fault| fault.split(": ").next().unwrap_or_default()).collect();
    assert_eq!(
        fields,
        [
            "name",
            "version",
            "description",
            "repository",
            "homepage",
            "keywords[0]",
            "keywords[1]",
            "artifacts.skills[0].name",
            "artifacts.skills[0].path",
            "artifacts.skills[1]",
            "artifacts.prompts[0].path",
            "artifacts.prompts[1].path",
            "artifacts.prompts[1].name",
            "dependencies.Bad",
            "dependencies.ok",
            "private",
        ],
        "{found:#?}"
    );
}

#[test]
fn what_is_required_is_named() {
    assert_eq!(
        faults("{}"),
        [
            "name: is required",
            "version: is required",
            "description: is required",
            "artifacts: is required: at least one agent, skill, prompt or instruction",
        ]
    );
    assert_eq!(faults("- a"), ["aam.yaml: is not a mapping of keys to values"]);
    assert_eq!(faults(""), ["aam.yaml: is not a mapping of keys to values"]);
}

#[test]
fn a_version_typed_as_a_number_is_quoted_as_written() {
    let found = faults(&minimal("").replace("1.0.0", "1.10"));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("version: `1.10` is not a version"), "{found:?}");
    let manifest = Manifest::parse(minimal("dependencies: {b: 1.10}").as_bytes()).expect("valid");
    assert_eq!(manifest.dependencies.values().next().map(Constraint::as_str), Some("1.10"));
    assert_eq!(manifest.document["dependencies"]["b"], "1.10");
}

#[test]
fn the_limits_hold_at_their_edges() {
    let described = |n: usize| minimal("").replace("description: d", &format!("description: {}", "é".repeat(n)));
    assert!(Manifest::parse(described(256).as_bytes()).is_ok());
    assert_eq!(faults(&described(257)), ["description: has more than 256 characters"]);
    let keywords = |n: usize| minimal(&format!("keywords: [{}]", vec!["k"; n].join(",")));
    assert!(Manifest::parse(keywords(20).as_bytes()).is_ok());
    assert_eq!(faults(&keywords(21)), ["keywords: has 21 entries; at most 20 are allowed"]);
    let keyword = |n: usize| minimal(&format!("keywords: [{}]", "k".repeat(n)));
    assert!(Manifest::parse(keyword(32).as_bytes()).is_ok());
    assert_eq!(faults(&keyword(33)).len(), 1);
}

#[test]
fn only_a_package_in_a_scope_can_be_private() {
    assert!(faults(&minimal("private: true"))[0].starts_with("private: only a package in a scope can be private"));
    let scoped = |line: &str| minimal(line).replace("name: a\n", "name: '@team/a'\n");
    for (line, private) in [("private: true", true), ("private: false", false), ("", false), ("private: ", false)] {
        assert_eq!(Manifest::parse(scoped(line).as_bytes()).expect(line).private, private, "{line}");
    }
}

#[test]
fn self_dependencies_are_refused() {
    assert_eq!(faults(&minimal("private: yes")), ["private: must be true or false"]);
    assert_eq!(faults(&minimal("dependencies: {a: '*'}")), ["dependencies.a: is this package itself; remove it"]);
}

#[test]
fn an_artifact_name_is_unique_in_its_type() {
    let twice = minimal("").replace("[{", "[{name: P, path: q.md}, {");
    assert_eq!(faults(&twice), ["artifacts.prompts[1].name: another prompt is called `p`"]);
    let types = minimal("").replace("prompts: [", "skills: [{name: p, path: s}], prompts: [");
    assert!(Manifest::parse(types.as_bytes()).is_ok());
    assert_eq!(
        faults(&minimal("").replace("{name: p, path: p.md}", "")),
        ["artifacts: is empty; name at least one agent, skill, prompt or instruction"]
    );
}

#[test]
fn hostile_yaml_is_refused_within_limits() {
    let laughs: String = (1..60).fold(String::new(), |yaml, i| {
        yaml + &format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(","))
    });
    let bomb = minimal(&format!("a0: &a0 [x,x]\n{laughs}"));
    let text = format!("k: &k {}\nl: [{}]\n", "x".repeat(1_000_000), vec!["*k"; 99].join(","));
    let deep = minimal(&format!("deep: {}{}", "[".repeat(5000), "]".repeat(5000)));
    let wide = minimal(&format!("wide: [{}]", vec!["1"; 60_000].join(",")));
    let big = minimal(&format!("big: {}", "x".repeat(Manifest::MAX_SIZE)));
    for yaml in [bomb, minimal(&text), deep, wide, big, minimal("name: b"), minimal("n: .nan"), minimal("---\nx: 1")] {
        let found = faults(&yaml);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("aam.yaml: ") && found[0].len() < 1000, "{found:?}");
        for insides in ["DuplicateKeyPolicy", "Options", "breach", "Nodes {", "max_"] {
            assert!(!found[0].contains(insides), "{found:?}");
        }
    }
    assert!(
        faults(&minimal("name: b"))[0].contains("duplicate mapping key `name`"),
        "{:?}",
        faults(&minimal("name: b"))
    );
    let wide = minimal(&format!("wide: [{}]", vec!["1"; 60_000].join(",")));
    assert!(faults(&wide)[0].contains("at most 50000 values, 64 levels and 100 aliases"), "{:?}", faults(&wide));
    assert_eq!(Manifest::parse(b"name: \xff").expect_err("not UTF-8")[0].error, "is not UTF-8 text");
    let many = minimal("").replace("[{", &format!("[{} {{", "{},".repeat(300)));
    assert_eq!(faults(&many).len(), 101);
}

#[test]
fn what_authors_write_without_quotes_is_told_with_its_line_and_its_mend() {
    let needs = |line: &str| minimal(&format!("dependencies:\n{line}"));
    let cases = [
        ("a second document", minimal("---\nname: b")),
        ("an unquoted scoped name", needs("  @acme/x: ^1")),
        ("an unquoted scoped name of its own", minimal("").replace("name: a", "name: @acme/a")),
        ("an unquoted lower bound", needs("  greet: >=1.0,<2  # the usual")),
        ("an unquoted star", needs("  greet: *")),
        ("an unquoted star in braces", minimal("dependencies: {greet: *, other: ^1}")),
        ("a lower bound that YAML takes for an empty text", needs("  greet: >1")),
        ("no constraint", needs("  greet:")),
        ("a tab", needs("\tgreet: ^1")),
        ("a key twice", needs("  greet: ^1\n  greet: ^2")),
        ("a colon in a text", minimal("").replace("description: d", "description: Reviews: it's fast")),
        ("a wrong indentation", minimal(" dependencies: {}")),
        ("a backtick", minimal("author: `me`")),
        ("an open quote", minimal("author: 'me")),
        ("an open bracket", minimal("keywords: [a, b")),
        ("a merge conflict", minimal("<<<<<<< HEAD\nauthor: a\n=======\nauthor: b\n>>>>>>> theirs")),
        ("a merge conflict without another fault", minimal("<<<<<<< a: 1\n=======: 2\n>>>>>>> b: 3\nname: x")),
    ];
    let told: Vec<_> =
        cases.iter().map(|(what, yaml)| format!("{what}\n    {}", faults(yaml).join("\n    "))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

fn faults_within(limits: ManifestLimits, extra: &str) -> Vec<String> {
    match Manifest::parse_within(minimal(extra).as_bytes(), &limits) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|fault| format!("{}: {}", fault.field, fault.error)).collect(),
    }
}

#[test]
fn keys_levels_and_dependencies_are_bounded_where_something_is_published() {
    let limits = ManifestLimits::default();
    let key = |n: usize| format!("x: [{{{}: 1}}]", "é".repeat(n / 2));
    assert_eq!(faults_within(limits, &key(256)), [""; 0]);
    let found = faults_within(limits, &key(258));
    assert!(found[0].starts_with("x[0].éé") && found[0].ends_with("is a key of 258 bytes; at most 256 are allowed"));

    let deep = |n: usize| format!("x: {}{}", "[".repeat(n), "]".repeat(n));
    assert_eq!(faults_within(limits, &deep(31)), [""; 0]);
    let found = faults_within(limits, &deep(32));
    assert!(found[0].ends_with("is a mapping or list at level 33; at most 32 are allowed"), "{found:?}");
    let found = faults_within(limits, &deep(60));
    assert_eq!(found.len(), 1, "{found:?}");

    let needs = |n: usize| {
        let names: Vec<_> = (0..n).map(|i| format!("p{i}: '*'")).collect();
        format!("dependencies: {{{}}}", names.join(", "))
    };
    assert_eq!(faults_within(limits, &needs(256)), [""; 0]);
    assert_eq!(faults_within(limits, &needs(257)), ["dependencies: has 257 entries; at most 256 are allowed"]);
    let more = limits.with_max_dependencies(257);
    assert_eq!(faults_within(more, &needs(257)), [""; 0]);

    let prompts = (0..1000).map(|i| format!("{{name: p{i}, path: p.md}},")).collect::<Vec<_>>().concat();
    let many = minimal("").replace("[{", &format!("[{prompts}{{"));
    let found = Manifest::parse_within(many.as_bytes(), &limits).expect_err("too many");
    assert_eq!(found[0].error, "has 1001 entries; at most 1000 are allowed");
}

#[test]
fn what_was_published_under_wider_limits_is_read() {
    let wide = minimal(&format!("? {}\n: 1\nx: {}1{}", "k".repeat(100_000), "[".repeat(50), "]".repeat(50)));
    let manifest = Manifest::parse(wide.as_bytes()).expect("read");
    assert_eq!(Manifest::from_document(manifest.document.clone()), Ok(manifest));
}

#[test]
fn a_fault_repeats_no_more_than_a_line_of_the_manifest() {
    let long = "k".repeat(300_000);
    let extra =
        format!("? {long}\n: 1\ndependencies:\n  ? {long}\n  : {long}\nkeywords: ['{long}']\nrepository: {long}\n");
    let found = faults_within(ManifestLimits::default(), &extra);
    assert!(found.len() >= 5, "{found:#?}");
    for fault in &found {
        assert!(fault.len() < 1200 && !fault.contains('\n'), "{fault}");
    }
}

proptest! {
    #[test]
    fn junk_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Manifest::parse(&bytes);
    }

    #[test]
    fn yaml_like_junk_never_panics(text in "[a-z0-9:{}\\[\\]&*!|>'\"#,.\n -]{0,200}") {
        let _ = Manifest::parse(text.as_bytes());
    }

    #[test]
    fn a_broken_manifest_never_panics(at in 0..WHOLE.len(), with in any::<u8>()) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        bytes[at] = with;
        if let Ok(manifest) = Manifest::parse(&bytes) {
            prop_assert_eq!(Manifest::from_document(manifest.document.clone()), Ok(manifest));
        }
    }
}

#[test]
fn a_key_that_asks_for_what_is_not_built_is_refused_when_it_is_published() {
    let limits = ManifestLimits::default();
    for (line, what) in [
        ("visibility: private", "other ways to ask for a private package"),
        ("Private: true", "other ways to ask for a private package"),
        ("access: restricted", "other ways to ask for a private package"),
        ("approval: {required: true}", "other ways to ask for an approval"),
        ("require_approval: true", "other ways to ask for an approval"),
        ("signature: MEUCIQ", "signatures"),
        ("webhooks: ['https://example.com']", "webhooks that are part of something else"),
        ("quality_gates: {tests: 1.0}", "gates that are part of something else"),
        ("evaluation: {accuracy: 0.9}", "results of evals that are part of a package"),
        ("trusted_publishers: [{issuer: x}]", "trusted publishers that are part of something else"),
    ] {
        let yaml = minimal(line);
        let faults = Manifest::parse_within(yaml.as_bytes(), &limits).expect_err(line);
        let key = line.split(':').next().unwrap_or_default();
        assert_eq!((faults.len(), &*faults[0].field), (1, key), "{faults:?}");
        assert!(faults[0].error.starts_with(&format!("{what} are not available on this registry yet; ")), "{faults:?}");
        Manifest::parse(yaml.as_bytes()).expect("what was published once is read");
    }
    for line in ["visibility: public", "approval: false", "webhooks: []", "quality: {evals: [a]}", "access: [a, b]"] {
        Manifest::parse_within(minimal(line).as_bytes(), &limits).expect(line);
    }
}

#[test]
fn checksums_name_files_by_paths_as_long_as_paths_may_be() {
    let path = ["a".repeat(255), "b".repeat(255), "c".repeat(255)].join("/");
    let parsed = |lists: &str| Manifest::parse_within(minimal(lists).as_bytes(), &ManifestLimits::default());
    for lists in [
        format!("file_checksums: {{algorithm: sha256, files: {{? {path}\n: '00'}}}}"),
        format!("file_checksums: {{? {path}\n: 'sha256:00'}}"),
    ] {
        parsed(&lists).expect("a path that an archive may hold");
    }
    let too_long = format!("{path}/{}", "d".repeat(300));
    for lists in [
        format!("file_checksums: {{? {too_long}\n: '00'}}"),
        format!("file_checksums: {{? {path}\n: {{more: x}}}}"),
        format!("checksums: {{? {path}\n: '00'}}"),
        format!("mine: {{file_checksums: {{? {path}\n: '00'}}}}"),
    ] {
        assert!(parsed(&lists).is_err(), "{lists}");
    }
}
