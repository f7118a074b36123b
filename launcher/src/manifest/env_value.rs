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
