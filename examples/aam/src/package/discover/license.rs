//! Which licence a text is, by the words that only it has.

/// How many characters of a text, runs of white space counted as one, hold its
/// heading: what follows may name other licences.
const HEADING: usize = 200;

/// SPDX identifiers, each with words of the heading of its text, the more special first.
const BY_HEADING: &[(&str, &[&str])] = &[
    ("AGPL-3.0-only", &["gnu affero general public license", "version 3"]),
    ("LGPL-3.0-only", &["gnu lesser general public license", "version 3"]),
    ("LGPL-2.1-only", &["gnu lesser general public license", "version 2.1"]),
    ("GPL-3.0-only", &["gnu general public license", "version 3"]),
    ("GPL-2.0-only", &["gnu general public license", "version 2"]),
    ("Apache-2.0", &["apache license", "version 2.0"]),
    ("MPL-2.0", &["mozilla public license", "2.0"]),
    ("EUPL-1.2", &["european union public licence", "1.2"]),
    ("CC0-1.0", &["cc0 1.0 universal"]),
    ("CC-BY-NC-SA-4.0", &["attribution-noncommercial-sharealike 4.0"]),
    ("CC-BY-NC-4.0", &["attribution-noncommercial 4.0"]),
    ("CC-BY-SA-4.0", &["attribution-sharealike 4.0"]),
    ("CC-BY-4.0", &["attribution 4.0 international"]),
    ("BSL-1.0", &["boost software license - version 1.0"]),
];

/// The same for texts without a heading that tells, each with words of the text.
const BY_WORDS: &[(&str, &[&str])] = &[
    ("MIT", &["permission is hereby granted, free of charge", "the above copyright notice and this permission notice"]),
    ("MIT-0", &["permission is hereby granted, free of charge"]),
    ("BSD-3-Clause", &["redistribution and use in source and binary forms", "neither the name of"]),
    ("BSD-2-Clause", &["redistribution and use in source and binary forms"]),
    ("ISC", &["permission to use, copy, modify, and/or distribute this software", "appear in all copies"]),
    ("0BSD", &["permission to use, copy, modify, and/or distribute this software"]),
    ("Unlicense", &["this is free and unencumbered software released into the public domain"]),
];

/// The SPDX identifier of a licence's text; `None` where no text is known to be it.
pub(super) fn identify(text: &str) -> Option<&'static str> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let heading: String = text.chars().take(HEADING).collect();
    let fits = |text: &str, words: &[&str]| words.iter().all(|words| text.contains(words));
    let by_heading = BY_HEADING.iter().find(|(_, words)| fits(&heading, words));
    by_heading.or_else(|| BY_WORDS.iter().find(|(_, words)| fits(&text, words))).map(|(id, _)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_told_apart() {
        let mit = "MIT License\n\nCopyright (c) 2026 A\n\nPermission is hereby granted, free of charge, to any person \
                   …\nThe above copyright notice and this permission notice\nshall be included";
        assert_eq!(identify(mit), Some("MIT"));
        assert_eq!(identify("Apache License\n  Version 2.0, January 2004"), Some("Apache-2.0"));
        assert_eq!(identify("GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007"), Some("GPL-3.0-only"));
        assert_eq!(identify("All rights reserved."), None);
    }

    #[test]
    fn a_licence_that_names_others_is_itself() {
        let notice = "Copyright (C) 2007 Free Software Foundation, Inc. <https://fsf.org/>\n Everyone is permitted to \
                      copy and distribute verbatim copies\n of this license document, but changing it is not allowed.\n";
        let affero = "13. Use with the GNU Affero General Public License.\n\n  Notwithstanding any other provision of \
                      this License, you have permission to link or combine any covered work with a work licensed\n\
                      under version 3 of the GNU Affero General Public License into a single combined work.\n";
        let lesser =
            "If this is what you want to do, use the GNU Lesser General\nPublic License instead of this License.";
        let mozilla = "1.12. \"Secondary License\"\n means either the GNU General Public License, Version 2.0, the GNU\n    \
                       Lesser General Public License, Version 2.1, the GNU Affero General\n    Public License, Version \
                       3.0, or any later versions of those licenses.\n";
        let definitions = "==================================\n\n1. Definitions\n--------------\n\n1.1. \"Contributor\"\n    \
                           means each individual or legal entity that creates, contributes to\n    the creation of, or \
                           owns Covered Software.\n";
        for (heading, rest, id) in [
            ("GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007", [notice, affero, lesser], "GPL-3.0-only"),
            ("GNU GENERAL PUBLIC LICENSE\n   Version 2, June 1991", [notice, lesser, ""], "GPL-2.0-only"),
            ("GNU LESSER GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007", [notice, "", ""], "LGPL-3.0-only"),
            ("GNU AFFERO GENERAL PUBLIC LICENSE\n Version 3, 19 November 2007", [notice, "", ""], "AGPL-3.0-only"),
            ("Mozilla Public License Version 2.0", [definitions, mozilla, ""], "MPL-2.0"),
        ] {
            let text = format!("                    {heading}\n\n {}", rest.join("\n"));
            assert_eq!(identify(&text), Some(id), "{text}");
        }
    }
}
