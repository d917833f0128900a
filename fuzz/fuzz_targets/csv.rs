#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| engagecast::http::fuzzing::csv(bytes));
