//! The options after the `?` of an address.

/// What is wrong with the `options` of an address that allows only `known`; `None` if all are allowed.
/// Names an unknown option, unless the text may be part of a password.
pub(crate) fn refusal(options: &str, known: &[&str]) -> Option<String> {
    let keys = options.split('&').filter(|option| !option.is_empty());
    let mut keys = keys.map(|option| option.split_once('=').map_or(option, |(key, _)| key));
    let unknown = keys.find(|key| !known.contains(key))?;
    let is_word = |text: &str| text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    // A `?` in a password that was not escaped makes the rest of the password look like options.
    let name = if is_word(unknown) && !options.contains('@') { format!(" `{unknown}`") } else { String::new() };
    let known = match known {
        [] => "it takes none".to_owned(),
        known => format!("it takes `{}`", known.join("`, `")),
    };
    Some(format!("its option{name} is not supported: {known}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_option_is_named_unless_it_may_be_a_secret() {
        const KNOWN: [&str; 2] = ["sslmode", "options"];
        for fine in ["", "sslmode=require", "sslmode=require&options=a@b&"] {
            assert_eq!(refusal(fine, &KNOWN), None, "{fine}");
        }
        for (options, told) in [
            ("sslmode=require&pool_size=5", "its option `pool_size` is not supported: it takes `sslmode`, `options`"),
            ("SSLMODE=require", "its option `SSLMODE` is not supported: it takes `sslmode`, `options`"),
            ("hunter2", "its option is not supported: it takes `sslmode`, `options`"),
            ("secret=@host/aam", "its option is not supported: it takes `sslmode`, `options`"),
        ] {
            assert_eq!(refusal(options, &KNOWN).as_deref(), Some(told));
        }
        assert_eq!(refusal("mode=ro", &[]).as_deref(), Some("its option `mode` is not supported: it takes none"));
    }
}
