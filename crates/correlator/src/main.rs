//! Starts kvn-corr.

fn main() -> std::process::ExitCode {
    mirinae_correlator::cli::main()
}
