//! `cred-proxy demo-service`: the service of the demonstration alone, for a demonstration
//! that plays in a bottle.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::origin::Origin;
use crate::serve::tell;

/// Reads the token that it is to want, the first line of standard input; writes its URL and
/// the certificate of its authority (PEM, RFC 7468) on standard output; serves until
/// standard input ends, which it does with the process that asked for it.
pub fn serve() -> ExitCode {
    let served = Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| runtime.block_on(serve_until_left()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("the demonstration's service broke off: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn serve_until_left() -> io::Result<()> {
    let mut token = String::new();
    io::stdin().lock().read_line(&mut token)?;
    let origin = Origin::start(token.trim_end()).await?;
    let mut out = io::stdout();
    write!(
        out,
        "https://{}\n{}",
        origin.address(),
        origin.authority_pem()
    )?;
    out.flush()?;
    let (left, end) = oneshot::channel::<io::Result<u64>>();
    std::thread::spawn(move || {
        let ended = io::copy(&mut io::stdin().lock(), &mut io::sink());
        // Whoever waited is gone when nobody hears it.
        let _ = left.send(ended);
    });
    end.await.map_err(io::Error::other)??;
    Ok(())
}
