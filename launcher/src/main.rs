//! The program `bottle`; all it does is in the library beside it.

use std::process::ExitCode;

#[allow(dead_code, unreachable_pub)] // until the commands are called
mod commands;
#[allow(dead_code, unreachable_pub)]
mod limits;
#[allow(dead_code, unreachable_pub, unused_imports)]
mod manifest;

use clap::Parser;
use launcher::args::Arguments;

fn main() -> ExitCode {
    let code = launcher::commands::run(Arguments::parse().command);
    launcher::terminal::restore();
    ExitCode::from(code)
}
