//! Whole bottles on a real Docker Engine, and the ways out that they must not have. Every
//! bottle, network and container here is the test's own; what lies outside of a bottle is
//! outside on this machine.

mod claude;
mod consent;
mod deploy_keys;
mod escape;
mod full;
mod git_gate;
mod hardened;
mod hostile;
mod killed;
mod lives;
mod npm;
mod outside;
mod owner;
mod refusals;
mod remains;
mod setting;
mod sidecar_log;
mod small;
mod waste;
mod whole;
