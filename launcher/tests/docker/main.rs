//! The life of a bottle on a real Docker Engine: what comes out, and what is left behind.
//!
//! Where no engine answers and none can be started these tests print SKIPPED, and fail with
//! `BOTTLE_REQUIRE_ALL=1`.

mod ends;
mod full;
mod rig;
mod runs;
mod seal;
mod taken;
mod waste;
