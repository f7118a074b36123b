//! The shell around [`engine_fuzz::connection_options::run`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| engine_fuzz::connection_options::run(input));
