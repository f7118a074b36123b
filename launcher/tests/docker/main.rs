//! The room `docker` and the probe by themselves, on a real Docker Engine: what no whole
//! bottle shows. Whole bottles are in the workspace's `tests/docker`.
//!
//! Where no engine answers and none can be started these tests print SKIPPED, and fail with
//! `BOTTLE_REQUIRE_ALL=1`.

mod rig;
mod seal;
mod taken;
