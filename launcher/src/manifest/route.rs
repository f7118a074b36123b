//! A way through cred-proxy, as the manifest has it.

use super::TokenRef;

/// A route: the engine's keys, with a token reference for the slot, and what its roles are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Begins and ends with `/`.
    pub path: String,
    /// Where it leads.
    pub upstream: Upstream,
    /// The word before the token.
    pub auth_scheme: Option<String>,
    /// The field that carries it, if not `authorization`.
    pub auth_header: Option<String>,
    /// The user, with `Basic`.
    pub auth_user: Option<String>,
    /// Where the token lies.
    pub token_ref: TokenRef,
    /// What the agent's files say of it.
    pub roles: Vec<Role>,
    /// Whether a scanner lets its host through unread.
    pub tls_passthrough: bool,
    /// The engine's key; `None`: the engine's default.
    pub methods: Option<Vec<String>>,
    /// The engine's key, the preset's own rules first.
    pub deny: Vec<String>,
    /// Rules that the plan adds behind those of `deny`. Only there if the gate of the bottle
    /// owns a repository of this forge, whose API would write what the gate scans, and the
    /// preset does not allow that.
    pub second_door: Vec<String>,
    /// The engine's key.
    pub strip_query: Vec<String>,
    /// The engine's key.
    pub upgrade: Vec<String>,
    /// The engine's key.
    pub accept_encoding: Option<String>,
    /// Whether the preset says `"allow_api_writes": true`, which the preflight tells.
    pub allow_api_writes: bool,
    /// The JSON path of what brought it, such as `bottles.dev.tokens[0]`, for messages.
    pub origin: String,
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// A URL.
    Url(String),
    /// The registry that npm on the host is set to.
    NpmRegistryOfHost,
}

/// What the agent's files and variables say of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// `ANTHROPIC_BASE_URL` and what goes with it. On one route at most.
    AnthropicBaseUrl,
    /// `~/.npmrc`. On one route at most.
    NpmRegistry,
    /// `url.….insteadOf` in `~/.gitconfig`.
    GitInsteadOf,
    /// `~/.config/tea/config.yml`.
    TeaLogin,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 4] = [
        Role::AnthropicBaseUrl,
        Role::NpmRegistry,
        Role::GitInsteadOf,
        Role::TeaLogin,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::AnthropicBaseUrl => "anthropic-base-url",
            Role::NpmRegistry => "npm-registry",
            Role::GitInsteadOf => "git-insteadof",
            Role::TeaLogin => "tea-login",
        }
    }

    /// Whether only one route of a bottle can have it.
    pub fn is_singleton(self) -> bool {
        match self {
            Role::AnthropicBaseUrl | Role::NpmRegistry => true,
            Role::GitInsteadOf | Role::TeaLogin => false,
        }
    }
}
