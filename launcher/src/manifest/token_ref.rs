//! Where a credential lies on the host. Equal ones share a slot.

/// Where a credential lies on the host. Never its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenRef {
    /// The host's variable of this name.
    Variable(String),
    /// A file; `~/` at its beginning is the home.
    File(String),
    /// What this command writes to its standard output, run without a shell.
    Command(Vec<String>),
}
