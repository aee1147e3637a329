//! Which licence a text is, by the words that only it has.

/// SPDX identifiers, each with words that its text holds, the more special first.
const LICENSES: &[(&str, &[&str])] = &[
    ("AGPL-3.0-only", &["gnu affero general public license", "version 3"]),
    ("LGPL-3.0-only", &["gnu lesser general public license", "version 3"]),
    ("LGPL-2.1-only", &["gnu lesser general public license", "version 2.1"]),
    ("GPL-3.0-only", &["gnu general public license", "version 3"]),
    ("GPL-2.0-only", &["gnu general public license", "version 2"]),
    ("Apache-2.0", &["apache license", "version 2.0"]),
    ("MPL-2.0", &["mozilla public license", "2.0"]),
    ("EUPL-1.2", &["european union public licence", "1.2"]),
    ("MIT", &["permission is hereby granted, free of charge", "the above copyright notice and this permission notice"]),
    ("MIT-0", &["permission is hereby granted, free of charge"]),
    ("BSD-3-Clause", &["redistribution and use in source and binary forms", "neither the name of"]),
    ("BSD-2-Clause", &["redistribution and use in source and binary forms"]),
    ("ISC", &["permission to use, copy, modify, and/or distribute this software", "appear in all copies"]),
    ("0BSD", &["permission to use, copy, modify, and/or distribute this software"]),
    ("Unlicense", &["this is free and unencumbered software released into the public domain"]),
    ("CC0-1.0", &["cc0 1.0 universal"]),
    ("CC-BY-NC-SA-4.0", &["attribution-noncommercial-sharealike 4.0"]),
    ("CC-BY-NC-4.0", &["attribution-noncommercial 4.0"]),
    ("CC-BY-SA-4.0", &["attribution-sharealike 4.0"]),
    ("CC-BY-4.0", &["attribution 4.0 international"]),
    ("BSL-1.0", &["boost software license - version 1.0"]),
];

/// The SPDX identifier of a licence's text; `None` where no text is known to be it.
pub(super) fn identify(text: &str) -> Option<&'static str> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    LICENSES.iter().find(|(_, words)| words.iter().all(|words| text.contains(words))).map(|(id, _)| *id)
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
}
