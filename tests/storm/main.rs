//! The proxy under weather: crowds, attackers that keep it waiting, reloads and ends in
//! full traffic, and hours of everything at once.
//!
//! Each test runs real traffic against the real process and counts: no request lost, no
//! memory or descriptor kept, no processor time for nothing.

mod chance;
mod crowd;
mod drain;
mod reload;
mod slowloris;
mod soak;
mod stop;
mod traffic;

use harness::support;
