//! Where an agent's variable gets its value from.

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

/// Where it comes from, never the value: a literal may be somebody's own.
impl core::fmt::Debug for EnvValue {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            EnvValue::Literal(_) => "Literal(…)",
            EnvValue::FromHost(_) => "FromHost(…)",
            EnvValue::Ask(_) => "Ask(…)",
        })
    }
}
