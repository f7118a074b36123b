//! What grows with the number of connections and of routes, and what does not.

use std::time::Duration;

use tokio::time::timeout;

use super::parts::{Bench, cpu_a_request, told};
use super::peer::Peer;
use super::row::Row;
use super::settings::Setup;
use super::usage::resident_kib;

/// Open connections; 32 of them are busy at a time, each in its turn.
const CONNECTIONS: [usize; 5] = [1, 10, 100, 1000, 10_000];

/// Routes side by side, all to one origin.
const ROUTES: [usize; 3] = [1, 100, 1000];

/// Connections while routes grow.
const ROUTED_CONNECTIONS: usize = 32;

/// Each figure is of a new process: memory that was used once may stay.
const ROUNDS: usize = 3;

const BUSY_TIME: Duration = Duration::from_millis(700);

/// Opening 10,000 connections takes seconds.
const ROUND_TIME: Duration = Duration::from_secs(60);

/// Descriptors for what is not a connection of a client: the pool and its other end, files.
const DESCRIPTORS_BESIDE: u64 = 200;

/// Who reads a path and looks for its route.
const WITH_ROUTES: [Peer; 3] = [Peer::CredProxy, Peer::Nginx, Peer::Haproxy];

/// All rows: two for each count.
pub async fn measure(bench: &Bench) -> Vec<Row> {
    let mut rows = Vec::new();
    for connections in CONNECTIONS {
        let setup = Setup {
            // Some more for what is closing.
            connections: bench.plain().connections.max(connections + 100),
            ..bench.plain()
        };
        let what = format!("{connections} connections");
        rows.extend(pair(bench, &what, &Peer::PROXIES, &setup, connections).await);
    }
    for routes in ROUTES {
        let setup = Setup {
            routes,
            ..bench.plain()
        };
        let what = format!("{routes} routes");
        rows.extend(pair(bench, &what, &WITH_ROUTES, &setup, ROUTED_CONNECTIONS).await);
    }
    rows
}

async fn pair(
    bench: &Bench,
    what: &str,
    peers: &[Peer],
    setup: &Setup<'_>,
    connections: usize,
) -> [Row; 2] {
    let mut cpu = Row::new("growth", format!("{what}: CPU a request"), "µs", &[]);
    let mut memory = Row::new("growth", format!("{what}: resident"), "MiB", &[]);
    for _ in 0..ROUNDS {
        for &peer in peers {
            let (time, resident) = match once(bench, peer, setup, connections).await {
                Ok((time, resident)) => (Ok(time), Ok(resident)),
                Err(why) => (Err(why.clone()), Err(why)),
            };
            cpu.add(peer, time);
            memory.add(peer, resident);
        }
    }
    [cpu, memory]
}

async fn once(
    bench: &Bench,
    peer: Peer,
    setup: &Setup<'_>,
    connections: usize,
) -> Result<(f64, f64), String> {
    // The relay keeps an upstream connection for each, and the origin its other end.
    let each = if peer == Peer::Relay { 2 } else { 1 };
    let needed = connections as u64 * each + DESCRIPTORS_BESIDE;
    if needed > bench.descriptors {
        return Err(format!(
            "needs {needed} descriptors, {} are allowed",
            bench.descriptors
        ));
    }
    let running = bench.programs.start(peer, setup)?;
    let pid = running.pid().ok_or("no process")?;
    let measured = cpu_a_request(&running, connections, BUSY_TIME, || resident_kib(pid));
    let measured = timeout(ROUND_TIME, measured).await;
    let (time, kib) = measured
        .unwrap_or_else(|late| Err(late.into()))
        .map_err(told)?;
    Ok((time, kib / 1024.0))
}
