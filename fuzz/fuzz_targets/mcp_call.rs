#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::mcp_call(data));
