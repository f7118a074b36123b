//! The program `bottle`; all it does is in the library beside it.

use std::process::ExitCode;

use clap::Parser;
use launcher::args::Arguments;

fn main() -> ExitCode {
    // Tokens pass through here: no core file is to hold one. Where the kernel says no, its
    // own limit holds.
    let _limit = launcher::host::secret::hide_memory();
    let code = launcher::commands::run(Arguments::parse().command);
    launcher::terminal::restore();
    ExitCode::from(code)
}
