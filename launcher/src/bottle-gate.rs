//! The program `bottle-gate`; all it does is in the room `gate` of the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(launcher::gate::run(std::env::args_os()))
}
