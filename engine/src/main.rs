//! The command line: arguments, one of four things to do, an exit code.
//!
//! 0: done. 1: it failed. 2: the command line or the configuration is wrong.

use std::process::ExitCode;

use clap::Parser;
use engine::args::{Args, Command};
use engine::{check, health_check, process, serve};

fn main() -> ExitCode {
    // Before anything can be read that must not be seen.
    if let Err(error) = process::hide_memory() {
        serve::tell(&format!(
            "can't keep this process's memory to itself: {error}"
        ));
        return ExitCode::FAILURE;
    }
    let args = Args::parse();
    let command = args.subcommand();
    let routes_path = args.routes_path();
    let config = args.into_config(|name| std::env::var_os(name));
    match (command, config) {
        // Needs no configuration, so a wrong one does not matter.
        #[cfg(feature = "demo")]
        (Command::Demo, _) => engine::demo::run(),
        #[cfg(feature = "demo")]
        (Command::DemoService, _) => engine::demo::serve(),
        (Command::Check, config) => check::run(&routes_path, config),
        (_, Err(problems)) => serve::refuse(&problems),
        (Command::Serve, Ok(config)) => serve::run(config),
        (Command::Healthcheck, Ok(config)) => health_check::run(config.bind, config.port),
    }
}
