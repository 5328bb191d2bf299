#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::feature_segment(data));
