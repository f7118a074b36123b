//! May this leave, and with which credential? Pure: no socket, no clock, no file.
//!
//! Everything is decided on decoded copies and nothing is changed by deciding. Where
//! services read a request differently, the reading that is refused counts.

mod allowed_hosts;
mod credential;
mod decoded_path;
mod denial;
mod git_push;
mod overrides;
mod path_pattern;
mod percent;
mod permit;
mod query;
mod rule;
mod secret;

pub use allowed_hosts::AllowedHosts;
pub(crate) use credential::basic;
pub use credential::{BASIC_USER_DEFAULT, Credential, CredentialForm, UnusableToken};
pub use decoded_path::{DecodedPath, PathRefused};
pub use denial::Denial;
pub(crate) use path_pattern::PathPattern;
pub use permit::{Permit, decide};
pub use rule::{DenyRule, DenyRuleError};
pub use secret::Secret;
