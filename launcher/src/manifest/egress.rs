//! The forward-proxy face, as the manifest has it.

use super::TokenRef;

/// Which hosts an agent reaches through the forward-proxy face. An empty list denies all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Egress {
    /// `host`, `*.suffix` or `host:port`.
    pub allow: Vec<String>,
    /// Address blocks that may be reached although they are private.
    pub allow_cidr: Vec<String>,
    /// Hosts with a credential of ours, or rules.
    pub routes: Vec<EgressRoute>,
    /// Who reads what passes.
    pub scanner: Scanner,
}

/// One host with a credential of ours, or rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressRoute {
    /// The host.
    pub host: String,
    /// Not 443.
    pub port: Option<u16>,
    /// The word before the token.
    pub auth_scheme: Option<String>,
    /// The field that carries it.
    pub auth_header: Option<String>,
    /// Where the token lies; none: no credential is put in.
    pub token_ref: Option<TokenRef>,
    /// Whether a scanner lets its host through unread.
    pub tls_passthrough: bool,
    /// Methods that may pass.
    pub methods: Option<Vec<String>>,
    /// Rules.
    pub deny: Vec<String>,
    /// Protocols.
    pub upgrade: Vec<String>,
}

/// Who reads what passes the forward-proxy face.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scanner {
    /// Nobody.
    #[default]
    None,
    /// pipelock.
    Pipelock,
}
