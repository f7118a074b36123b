//! A peer that understands nothing: `raw-relay LISTEN UPSTREAM` joins each connection with
//! one of its own, by the plainest means that tokio has. What it costs is what two sockets cost.

use std::io;
use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let mut address = || {
        let text = args.next().expect("usage: raw-relay LISTEN UPSTREAM");
        text.parse::<SocketAddr>().expect("ADDRESS:PORT")
    };
    let (listen, upstream) = (address(), address());
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (client, _) = listener.accept().await?;
        tokio::spawn(async move {
            // A connection that breaks concerns nobody else.
            let _ = join(client, upstream).await;
        });
    }
}

async fn join(mut client: TcpStream, upstream: SocketAddr) -> io::Result<()> {
    let mut service = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    service.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut service).await?;
    Ok(())
}
