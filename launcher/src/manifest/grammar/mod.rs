//! The grammar of single values, pure: text in, what it means or what to write instead out.
//!
//! What ends in the engine's routes file is held to the engine's own grammar by a test, so
//! that a manifest which passes here makes a sidecar that starts.

mod authority;
mod deny_rule;
mod git_url;
mod network;
mod upstream_url;
mod word;

pub(super) use deny_rule::deny_rule;
pub(super) use git_url::GitUrl;
pub(super) use network::{address_block, allowed_host, route_host};
pub(super) use upstream_url::UpstreamUrl;
pub(super) use word::{
    accept_encoding, basic_user, credential_field, git_identity, host_key, image, is_variable_name,
    method, name, path_on_host, prompt, protocol, query_name, ref_pattern, route_path, scheme,
    shown_text, variable,
};

#[cfg(test)]
mod engine_tests;
