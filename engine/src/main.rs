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
    #[cfg(feature = "demo")]
    if command == Command::Demo {
        return engine::demo::run();
    }
    let config = match args.into_config(|name| std::env::var_os(name)) {
        Ok(config) => config,
        Err(problems) => return serve::refuse(&problems),
    };
    match command {
        Command::Serve => serve::run(config),
        Command::Check => check::run(&config),
        Command::Healthcheck => health_check::run(config.bind, config.port),
        #[cfg(feature = "demo")]
        Command::Demo => engine::demo::run(),
    }
}
