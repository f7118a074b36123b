//! The shell around [`engine_fuzz::push::run`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| engine_fuzz::push::run(input));
