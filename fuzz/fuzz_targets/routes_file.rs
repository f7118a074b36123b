//! The shell around [`engine_fuzz::routes_file::run`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| engine_fuzz::routes_file::run(input));
