//! `cred-proxy` beside other proxies, over real sockets: [`benches::peers`].
//!
//! `cargo bench --bench peers` measures all parts, `cargo bench --bench peers -- small` one.

use std::process::ExitCode;

fn main() -> ExitCode {
    let relay = env!("CARGO_BIN_EXE_raw-relay");
    let hyper = env!("CARGO_BIN_EXE_hyper-proxy");
    benches::peers::run(relay, hyper, env!("CARGO_TARGET_TMPDIR"))
}
