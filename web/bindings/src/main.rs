//! Makes the glue of the module for scripts: `alimentar-web-bindings WASM OUT`.

use std::error::Error;
use std::path::PathBuf;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [wasm, out] = paths.as_slice() else {
        return Err("usage: alimentar-web-bindings WASM OUT".into());
    };
    Bindgen::new()
        .input_path(wasm)
        .out_name("alimentar_web")
        .no_modules(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(out)?;
    Ok(())
}
