//! The shell around [`engine_fuzz::request_head::run`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| engine_fuzz::request_head::run(input));
