//! The program `bottle`; all it does is in the library beside it.

use std::process::ExitCode;

use clap::Parser;
use launcher::args::Arguments;

fn main() -> ExitCode {
    let code = launcher::commands::run(Arguments::parse().command);
    launcher::terminal::restore();
    ExitCode::from(code)
}
