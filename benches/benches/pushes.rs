//! A push through the git gate beside the same push without it: [`benches::pushes`].
//!
//! `cargo bench --bench pushes`

use std::process::ExitCode;

fn main() -> ExitCode {
    benches::pushes::run()
}
