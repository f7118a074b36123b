//! Who comes in: so many at once, and one more is told so.

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::connection::{self, Gate};
use super::limits::{ACCEPT_REST, CONNECTIONS, END_TIME, REFUSALS};
use super::log::log;
use super::strays;

/// Serves who connects until it is asked to end; then all git has ended too.
///
/// # Errors
///
/// The kernel tells no more of children's ends.
pub(super) async fn serve(
    listener: TcpListener,
    gate: Gate,
    asked_to_end: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let door = Door {
        gate: Arc::new(gate),
        places: Arc::new(Semaphore::new(CONNECTIONS)),
        refusals: Arc::new(Semaphore::new(REFUSALS)),
        ends: watch::Sender::new(false),
    };
    let mut connections = JoinSet::new();
    let mut children = signal(SignalKind::child())?;
    tokio::pin!(asked_to_end);
    loop {
        tokio::select! {
            () = &mut asked_to_end => break,
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => door.let_in(client, &mut connections),
                Err(error) => {
                    log(&format_args!("a connection could not be accepted: {error}"));
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = children.recv() => {}
        }
        if connections.is_empty() {
            // No connection waits for a child of its own: these are forwards that went on.
            strays::reap();
        }
    }
    drop(listener);
    door.ends.send_replace(true);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    // Who is not done by then is dropped, and its git killed.
    let _ = timeout(END_TIME, all_ended).await;
    Ok(())
}

struct Door {
    gate: Arc<Gate>,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    ends: watch::Sender<bool>,
}

impl Door {
    fn let_in(&self, client: TcpStream, connections: &mut JoinSet<()>) {
        // A pkt-line is written whole; waiting for more would only delay it.
        let _ = client.set_nodelay(true);
        let (gate, ends) = (Arc::clone(&self.gate), self.ends.subscribe());
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            connections.spawn(async move {
                connection::serve(client, &gate, ends).await;
                drop(place);
            });
        } else if let Ok(refusal) = Arc::clone(&self.refusals).try_acquire_owned() {
            connections.spawn(async move {
                let reason = format!(
                    "the gate serves {CONNECTIONS} connections at once, and all are taken: try again later"
                );
                connection::refuse(client, &gate, &reason).await;
                drop(refusal);
            });
        }
    }
}
