#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::door_request(data));
