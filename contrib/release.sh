#!/usr/bin/env bash
# Makes what people install, in one directory: for each target an archive with the binary, man pages and
# completions, a Debian package, checksums of all, and a signature over them by a key of alimentar.
#
#   contrib/release.sh [-o DIR] [-k KEYFILE] [-t TARGET]… [-b BINARY]
#
#   -o  the output directory, which must be new or empty [default: target/release-files]
#   -k  the key file that signs; its passphrase is in ALIMENTAR_PASSPHRASE [default: nothing is signed]
#   -t  a target to build [default: the static musl targets that this toolchain has; without one of them
#       the machine's own, which then needs its C library or a newer one]
#   -b  a built binary of the machine's own target, instead of building
#
# Needs a Rust toolchain; gzip and tar; dpkg-deb for the Debian packages.
set -euo pipefail
cd "$(dirname "$0")/.."
output=target/release-files key= binary= targets=()
while getopts o:k:t:b: option; do
    case $option in
        o) output=$OPTARG ;;
        k) key=$(realpath "$OPTARG") ;;
        t) targets+=("$OPTARG") ;;
        b) binary=$(realpath "$OPTARG") ;;
        *) exit 2 ;;
    esac
done
fail() {
    echo "release.sh: $*" >&2
    exit 1
}
for tool in cargo tar gzip dpkg-deb sha256sum; do
    command -v "$tool" >/dev/null || fail "$tool is needed and not here"
done
mkdir -p "$output"
output=$(realpath "$output")
[ -z "$(ls -A "$output")" ] || fail "$output is not empty"
built=${CARGO_TARGET_DIR:-$PWD/target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
host=$(rustc -vV | sed -n 's/^host: //p')
# The same sources give the same archives: every file has the time of the commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
umask 022

if [ -n "$binary" ]; then
    targets=("$host")
elif [ ${#targets[@]} -eq 0 ]; then
    for target in x86_64-unknown-linux-musl aarch64-unknown-linux-musl; do
        [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ] && targets+=("$target")
    done
    # Man pages and completions come out of a binary that runs here, as does the Debian package's test.
    case " ${targets[*]} " in *" ${host%-gnu}-musl "*) ;; *) targets+=("$host") ;; esac
fi

# Prints the path of the binary for one target; builds it without a C compiler.
build() {
    local target=$1 flags=()
    if [ -n "$binary" ]; then
        echo "$binary"
        return
    fi
    # A musl target brings its start files and its libraries; the linker of the toolchain suffices.
    case $target in *-musl) flags=(--config "target.$target.linker='rust-lld'") ;; esac
    CC=/bin/false CXX=/bin/false cargo build --release --locked --target "$target" "${flags[@]}" >&2
    echo "$built/$target/release/alimentar"
}

# The newest version of the C library that a binary asks for; empty for a static one.
# Packed relocations have a name of their own there and are known since 2.36.
libc_of() { { grep -aoE 'GLIBC_(2\.[0-9]+|ABI_DT_RELR)' "$1" || true; } | sed 's/GLIBC_//; s/ABI_DT_RELR/2.36/' | sort -Vu | tail -n 1; }

# An archive of a directory under $work, the same bytes each time.
pack() { (cd "$work" && tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -cf - "$1") | gzip -6n >"$2"; }

# The Debian package of one target: binary, man pages, completions, the unit file as an example.
debian() {
    local target=$1 program=$2 architecture libc root=$work/debian-$1
    case $target in
        x86_64-*) architecture=amd64 ;;
        aarch64-*) architecture=arm64 ;;
        *) fail "Debian has no name here for $target" ;;
    esac
    libc=$(libc_of "$program")
    install -Dm755 "$program" "$root/usr/bin/alimentar"
    for page in "$work"/man/*; do
        install -d "$root/usr/share/man/man1"
        gzip -9nc "$page" >"$root/usr/share/man/man1/$(basename "$page").gz"
    done
    install -Dm644 "$work/completions/alimentar.bash" "$root/usr/share/bash-completion/completions/alimentar"
    install -Dm644 "$work/completions/_alimentar" "$root/usr/share/zsh/vendor-completions/_alimentar"
    install -Dm644 "$work/completions/alimentar.fish" "$root/usr/share/fish/vendor_completions.d/alimentar.fish"
    install -Dm644 LICENSE "$root/usr/share/doc/alimentar/copyright"
    install -d "$root/usr/share/doc/alimentar/examples"
    gzip -9nc docs/changelog.md >"$root/usr/share/doc/alimentar/changelog.gz"
    sed 's|/usr/local/bin/|/usr/bin/|' contrib/alimentar.service >"$root/usr/share/doc/alimentar/examples/alimentar.service"
    install -m644 contrib/serve.toml "$root/usr/share/doc/alimentar/examples/serve.toml"
    install -d "$root/DEBIAN"
    {
        echo "Package: alimentar"
        echo "Version: $version"
        echo "Architecture: $architecture"
        echo "Maintainer: The alimentar project <alimentar@localhost>"
        echo "Installed-Size: $(du -sk --apparent-size "$root" | cut -f 1)"
        [ -z "$libc" ] || echo "Depends: libc6 (>= $libc), libgcc-s1"
        echo "Section: science"
        echo "Priority: optional"
        echo "Description: peer-to-peer registry node for datasets"
        echo " Indexes, versions, signs and verifies datasets on one's own machine, and exchanges"
        echo " them with other machines over the network or on a stick. Looks inside files of any size."
    } >"$root/DEBIAN/control"
    find "$root" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group --build -Zxz -z1 "$root" "$output/alimentar_${version}_$architecture.deb" >/dev/null
}

declare -A programs
for target in "${targets[@]}"; do
    programs[$target]=$(build "$target")
done
runs=
for target in "${targets[@]}"; do
    case $target in "${host%-gnu}"*) runs=${programs[$target]} ;; esac
done
[ -n "$runs" ] || fail "none of ${targets[*]} runs on this machine, which has to print the man pages"
mkdir -p "$work/completions" "$work/man"
"$runs" completions bash >"$work/completions/alimentar.bash"
"$runs" completions zsh >"$work/completions/_alimentar"
"$runs" completions fish >"$work/completions/alimentar.fish"
"$runs" man "$work/man" >/dev/null

for target in "${targets[@]}"; do
    program=${programs[$target]}
    name=alimentar-$version-$target
    mkdir "$work/$name"
    install -m755 "$program" "$work/$name/alimentar"
    cp README.md LICENSE "$work/$name/"
    cp -r "$work/completions" "$work/man" "$work/$name/"
    cp contrib/alimentar.service contrib/serve.toml "$work/$name/"
    pack "$name" "$output/$name.tar.gz"
    # For a machine where both are there, Debian's package holds the static binary.
    case " ${targets[*]} " in
        *" ${target%-gnu}-musl "*) [ "$target" != "${target%-gnu}" ] || debian "$target" "$program" ;;
        *) debian "$target" "$program" ;;
    esac
done

(cd "$output" && sha256sum -- * >"$work/SHA256SUMS")
mv "$work/SHA256SUMS" "$output/"
if [ -n "$key" ]; then
    # The checksums are a dataset like any other: what signs it is what signs datasets.
    home=$work/home
    "$runs" --home "$home" -q registry index "$output/SHA256SUMS" --name alimentar-release --version "$version" >/dev/null
    "$runs" --home "$home" -q registry sign alimentar-release --key "$key" --format in-toto \
        -o "$output/SHA256SUMS.intoto.json"
fi
echo "In $output:"
(cd "$output" && wc -c -- * | sed '$d')
