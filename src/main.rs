//! The `alimentar` binary: everything is in the library's `cli`.

fn main() -> std::process::ExitCode {
    alimentar::cli::main()
}
