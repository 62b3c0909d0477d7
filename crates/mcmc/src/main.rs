//! Starts alma-fit.

fn main() -> std::process::ExitCode {
    mirinae_mcmc::cli::main()
}
