//! Where an agent's variable gets its value from.

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

/// The kind alone: a literal may be somebody's own.
impl fmt::Debug for EnvValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnvValue::Literal(_) => f.write_str("Literal(…)"),
            EnvValue::FromHost(name) => write!(f, "FromHost({name})"),
            EnvValue::Ask(text) => write!(f, "Ask({text:?})"),
        }
    }
}
