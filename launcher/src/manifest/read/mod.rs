//! From an object of a file to what it means. Everything is read before the first problem
//! ends it, so that all are told together.

mod agent;
mod bottle;
mod egress;
mod git_gate;
mod preset;
mod route;

pub(super) use agent::read_agents;
pub(super) use bottle::read_bottle;
pub(super) use preset::built_in_anthropic;
