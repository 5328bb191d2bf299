#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::age_file(data));
