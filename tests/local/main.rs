//! Whole bottles without Docker, and the ways out that they must not have: each test is made
//! by whoever runs the tests, and, if that is root, by another user of this machine as well.

mod claude;
mod clients;
mod demo;
mod directory;
mod gate_lives;
mod gated;
mod git_gate;
mod lives;
mod machine;
mod network;
mod refusals;
mod setting;
mod starts;
mod terminal;
mod whole;
