//! Every key that each object of a manifest may have. The schema has the same; a test
//! walks both.

/// Of the home manifest.
pub(super) const HOME: &[&str] = &["$schema", "bottles", "agents"];

/// Of a repository's file. That it has no `bottles` is the boundary of trust.
pub(super) const REPOSITORY: &[&str] = &["$schema", "agents"];

pub(super) const AGENT: &[&str] = &["bottle", "prompt", "workdir"];

pub(super) const BOTTLE: &[&str] = &[
    "env",
    "agent_provider",
    "tokens",
    "cred_proxy",
    "egress",
    "git_gate",
];

pub(super) const AGENT_PROVIDER: &[&str] = &[
    "template",
    "image",
    "auth_token",
    "forward_host_credentials",
];

/// Of a preset, whatever its kind; which of them a kind has stands with it.
pub(super) const PRESET: &[&str] = &["kind", "token_ref", "header", "url", "allow_api_writes"];

pub(super) const TOKEN_REF: &[&str] = &["file", "command"];

pub(super) const CRED_PROXY: &[&str] = &["routes"];

pub(super) const ROUTE: &[&str] = &[
    "path",
    "upstream",
    "auth_scheme",
    "token_ref",
    "role",
    "tls_passthrough",
    "auth_header",
    "auth_user",
    "methods",
    "deny",
    "strip_query",
    "upgrade",
    "accept_encoding",
];

pub(super) const EGRESS: &[&str] = &["allow", "allow_cidr", "routes", "scanner"];

pub(super) const EGRESS_ROUTE: &[&str] = &[
    "host",
    "port",
    "auth_scheme",
    "auth_header",
    "token_ref",
    "tls_passthrough",
    "methods",
    "deny",
    "upgrade",
];

pub(super) const GIT_GATE: &[&str] = &["image", "user", "repos"];

pub(super) const GIT_USER: &[&str] = &["name", "email"];

pub(super) const REPOSITORY_OF_GATE: &[&str] = &[
    "url",
    "identity",
    "provisioned_key",
    "host_key",
    "allow",
    "protect_default",
    "force",
    "delete",
    "ci",
    "max_push_mib",
];

pub(super) const PROVISIONED_KEY: &[&str] = &["provider", "token_env", "api_url"];
