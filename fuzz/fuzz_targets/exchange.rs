//! The shell around [`engine_fuzz::exchange::run`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| engine_fuzz::exchange::run(input));
