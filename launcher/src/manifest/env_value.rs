//! Where an agent's variable gets its value from.

use super::grammar;
use core::fmt;

/// Where an agent's variable gets its value from. The agent sees it: no place for a key.
#[derive(Clone, PartialEq, Eq)]
pub enum EnvValue {
    /// As written, doubled marks undone.
    Literal(String),
    /// The host's variable of this name.
    FromHost(String),
    /// Asked on the terminal at start, without echo, with this text.
    Ask(String),
}

impl EnvValue {
    /// Reads a value of `env`, in which a first `?` or `${` is a mark, and a doubled one is
    /// itself.
    pub(super) fn parse(text: &str) -> Result<EnvValue, &'static str> {
        if text.contains('\0') {
            return Err("has a NUL character, which no variable can; take it out");
        }
        if text.starts_with("??") || text.starts_with("$${") {
            return Ok(EnvValue::Literal(text[1..].to_owned()));
        }
        if let Some(question) = text.strip_prefix('?') {
            return grammar::shown_text(question).map(EnvValue::Ask);
        }
        let Some(rest) = text.strip_prefix("${") else {
            return Ok(EnvValue::Literal(text.to_owned()));
        };
        match rest.strip_suffix('}') {
            Some(name) if grammar::is_variable_name(name) => {
                Ok(EnvValue::FromHost(name.to_owned()))
            }
            Some(_) | None => {
                Err("begins with ${ and is no whole ${NAME}; write $${ for a text that begins so")
            }
        }
    }
}

/// Without the literal, for some write a key there after all.
impl fmt::Debug for EnvValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnvValue::Literal(_) => f.write_str("Literal(…)"),
            EnvValue::FromHost(name) => f.debug_tuple("FromHost").field(name).finish(),
            EnvValue::Ask(text) => f.debug_tuple("Ask").field(text).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_undone_where_it_is_doubled() {
        let literal = |text: &str| Ok(EnvValue::Literal(text.to_owned()));
        for (text, expected) in [
            ("", literal("")),
            ("vi", literal("vi")),
            ("a?", literal("a?")),
            ("$", literal("$")),
            ("$$", literal("$$")),
            ("$X", literal("$X")),
            ("a${X}", literal("a${X}")),
            ("??", literal("?")),
            ("??x", literal("?x")),
            ("???", literal("??")),
            ("$${X}", literal("${X}")),
            ("$${", literal("${")),
            ("?", Ok(EnvValue::Ask(String::new()))),
            (
                "?one-time password",
                Ok(EnvValue::Ask("one-time password".to_owned())),
            ),
            ("${TZ}", Ok(EnvValue::FromHost("TZ".to_owned()))),
        ] {
            assert_eq!(EnvValue::parse(text), expected, "{text}");
        }
        for text in [
            "${",
            "${}",
            "${A",
            "${A}b",
            "${A}${B}",
            "${1}",
            "${A B}",
            "?\u{1b}[2J",
            "a\0",
        ] {
            assert!(EnvValue::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_literal_is_not_shown() {
        let value = EnvValue::parse("hunter2").expect("a literal");
        assert_eq!(format!("{value:?}"), "Literal(…)");
    }
}
