#!/bin/sh
# Builds the module for browsers and the page around it: web/build.sh OUT
# Needs Python, and Debian's rustc-web, rust-web-src and lld; a target of rustup serves as well.
set -eu
cd "$(dirname "$0")/.."
[ $# -eq 1 ] || { echo "usage: web/build.sh OUT" >&2; exit 2; }
out=$1
: "${CARGO_TARGET_DIR:=$PWD/target}"
profile=${WEB_PROFILE:-web}
target=wasm32-unknown-unknown

# No dependency compiles C.
export CC=/bin/false CXX=/bin/false
rustc=$(dpkg -L rustc-web 2>/dev/null | grep -E '/bin/rustc(-web)?$' | head -n 1 || true)
(
    export CARGO_TARGET_DIR="$CARGO_TARGET_DIR/web"
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-C target-feature=+simd128 -C link-arg=-zstack-size=4194304"
    if [ -n "$rustc" ]; then
        export RUSTC="$rustc" RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld
        cargo build --profile "$profile" -Z build-std=std,panic_abort --target $target -p alimentar-web --lib
    else
        cargo build --profile "$profile" --target $target -p alimentar-web --lib
    fi
)
module=$CARGO_TARGET_DIR/web/$target/$profile
cargo run --quiet --profile quick -p alimentar-web-bindings -- "$module/alimentar_web.wasm" "$module/glue"
python3 web/page/assemble.py "$module/glue/alimentar_web.js" "$module/glue/alimentar_web_bg.wasm" "$out"
