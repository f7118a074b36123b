//! The shell around [`engine_fuzz::rewrite::run`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| engine_fuzz::rewrite::run(input));
