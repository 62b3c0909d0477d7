//! Starts fits-pack.

fn main() -> std::process::ExitCode {
    mirinae_cutouts::cli::main()
}
