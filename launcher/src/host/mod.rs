//! The host: its facts for the plan, and the values that a plan only names.
//!
//! Whatever has a token in it is a [`secret::Secret`]; texts for people name where a value
//! lies, never the value.

mod ask;
mod diff;
pub mod facts;
pub mod git_config;
mod git_directory;
mod git_settings;
pub mod identities;
mod npm;
mod obeyed;
pub mod places;
pub mod scanner;
pub mod secret;
pub mod tokens;
pub mod variables;
