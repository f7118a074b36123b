//! The parts: each measures one or more rows of the table.
//!
//! All peers of a part run at once, idle but for the one that is asked, and are asked in turn,
//! round after round: A B C, A B C.

use std::io;
use std::path::Path;
use std::time::Duration;

use harness::Authority;
use tokio::time::{sleep, timeout};

use super::launch::{Programs, Running};
use super::load::{Client, Load, connect_all, latencies, request};
use super::origin::Origin;
use super::peer::Peer;
use super::row::{Bound, Row, Sample, median, ninety_ninth};
use super::settings::Setup;
use super::usage::{cpu_time, resident_kib};

/// What all parts work with.
pub struct Bench {
    /// Who is there.
    pub programs: Programs,
    /// The service behind all.
    pub origin: Origin,
    /// Who vouches for it.
    pub authority: Authority,
    /// How many descriptors this process, and each peer, may have.
    pub descriptors: u64,
}

/// How often each peer has its turn.
pub const ROUNDS: usize = 5;

/// The connections of the busy parts, and the streams of `events`.
const CLIENTS: usize = 32;
const STREAMS: usize = 100;
const IDLE_CONNECTIONS: usize = 3000;

/// Connections that each peer is set up for: the product's default.
const CONNECTIONS: usize = 4096;

/// Until caches are warm and pools are full.
const WARM_UP: Duration = Duration::from_millis(200);
const BUSY_TIME: Duration = Duration::from_millis(1200);
const LATENCY_TIME: Duration = Duration::from_millis(1000);
const EVENTS_TIME: Duration = Duration::from_millis(2000);
/// Until a process has done what it does after a load.
const SETTLE_TIME: Duration = Duration::from_millis(100);

/// A peer that takes longer than this for one measurement hangs.
const ROUND_TIME: Duration = Duration::from_secs(30);

/// Downloads in a row: enough CPU time to count.
const DOWNLOADS: usize = 4;

impl Bench {
    /// A setup with one route to the plain origin.
    pub fn plain(&self) -> Setup<'static> {
        Setup {
            upstream: self.origin.plain,
            authority: None,
            routes: 1,
            connections: CONNECTIONS,
        }
    }

    /// 98 octets there, 15 back: the work of a proxy is all that is not payload.
    pub async fn small(&self) -> Vec<Row> {
        const GOAL: &[Bound] = &[
            Bound::Times(0.80, Peer::Nginx),
            Bound::Times(1.10, Peer::Relay),
        ];
        let work = "98-octet GET, keep-alive, 32 connections: CPU a request";
        let rows = vec![Row::new("small", work, "µs", GOAL)];
        self.rounds(rows, &Peer::PROXIES, &self.plain(), busy).await
    }

    /// The same with one connection, in time: what a proxy adds to a lonely request.
    pub async fn latency(&self) -> Vec<Row> {
        let work = "the same, 1 connection: median latency";
        let rows = vec![Row::new(
            "latency",
            work,
            "µs",
            &[Bound::Times(1.0, Peer::Nginx)],
        )];
        let mut rows = self
            .rounds(rows, &Peer::ALL, &self.plain(), async |peer: &Running| {
                Ok(vec![median(&latencies(peer, LATENCY_TIME).await?)])
            })
            .await;
        let mut added = Row::new("latency", "the same, added over the relay", "µs", &[]);
        if let Some(floor) = rows[0].samples.get(&Peer::Relay) {
            for peer in Peer::PROXIES {
                let figures = rows[0].samples.get(&peer).into_iter().flatten();
                for (figure, floor) in figures.zip(floor) {
                    added.add(peer, Ok(figure - floor));
                }
            }
        }
        added.absent.clone_from(&rows[0].absent);
        rows.push(added);
        rows
    }

    /// `small` with a pooled TLS connection behind.
    pub async fn small_tls(&self) -> Vec<Row> {
        let work = "98-octet GET, TLS upstream, pooled, 32 connections: CPU a request";
        let goal = &[Bound::Times(0.80, Peer::Nginx)];
        let rows = vec![Row::new("small-tls", work, "µs", goal)];
        let file = self.authority.pem_file();
        self.rounds(rows, &Peer::WITH_TLS, &self.tls(&file), busy)
            .await
    }

    /// A hundred streams of a hundred events a second.
    pub async fn events(&self) -> Vec<Row> {
        const LATENCY: &[Bound] = &[
            Bound::Times(1.10, Peer::Relay),
            Bound::Times(1.0, Peer::Nginx),
        ];
        let work = "100 event streams, an event per 10 ms each: CPU an event";
        let rows = vec![
            Row::new("events", work, "µs", &[Bound::Times(1.10, Peer::Relay)]),
            Row::new("events", "the same: median latency", "µs", LATENCY),
            Row::new("events", "the same: p99 latency", "µs", LATENCY),
        ];
        self.rounds(rows, &Peer::ALL, &self.plain(), events).await
    }

    /// 100 MiB, plain on both sides.
    pub async fn download(&self) -> Vec<Row> {
        let work = "100 MiB download: CPU a GB";
        let rows = vec![Row::new(
            "download",
            work,
            "s",
            &[Bound::Times(0.9, Peer::Hyper)],
        )];
        self.rounds(rows, &Peer::PROXIES, &self.plain(), download)
            .await
    }

    /// 100 MiB, deciphered on the way.
    pub async fn download_tls(&self) -> Vec<Row> {
        let work = "100 MiB download, TLS upstream: CPU a GB";
        let goal = &[Bound::Times(0.5, Peer::Haproxy)];
        let rows = vec![Row::new("download-tls", work, "s", goal)];
        let file = self.authority.pem_file();
        self.rounds(rows, &Peer::WITH_TLS, &self.tls(&file), download)
            .await
    }

    /// What a connection costs that says nothing. A new process each time: memory that was
    /// used once may stay.
    pub async fn idle(&self) -> Vec<Row> {
        let work = "an idle keep-alive connection (one of 3,000): resident";
        let mut row = Row::new("idle", work, "KiB", &[Bound::AtMost(1.0)]);
        for _ in 0..ROUNDS {
            for peer in Peer::PROXIES {
                row.add(peer, self.idle_once(peer).await);
            }
        }
        vec![row]
    }

    async fn idle_once(&self, peer: Peer) -> Sample {
        let running = self.programs.start(peer, &self.plain())?;
        let pid = running.pid().ok_or("no process")?;
        let mut warm = Load::of_requests(&running, CLIENTS).await.map_err(told)?;
        sleep(WARM_UP).await;
        warm.check().map_err(told)?;
        drop(warm);
        sleep(SETTLE_TIME).await;
        let before = resident_kib(pid);
        let request = request(&running, "small");
        let clients = connect_all(&running, IDLE_CONNECTIONS, &request).await;
        let clients = clients.map_err(told)?;
        sleep(SETTLE_TIME).await;
        let after = resident_kib(pid);
        Ok((after - before) / clients.len() as f64)
    }

    /// How soon it is there, and how large.
    pub async fn start(&self) -> Vec<Row> {
        let mut rows = vec![
            Row::new(
                "start",
                "start: exec to first accepted connection",
                "ms",
                &[Bound::AtMost(10.0)],
            ),
            Row::new(
                "start",
                "resident set at start",
                "MiB",
                &[Bound::AtMost(4.0)],
            ),
            Row::new(
                "start",
                "static binary, stripped",
                "MiB",
                &[Bound::AtMost(6.0)],
            ),
        ];
        for _ in 0..ROUNDS {
            for peer in Peer::PROXIES {
                let running = self.programs.start(peer, &self.plain());
                sleep(SETTLE_TIME).await;
                let running = running.as_ref().map_err(String::clone);
                let time = running
                    .clone()
                    .map(|running| running.start_time.as_secs_f64() * 1e3);
                rows[0].add(peer, time);
                let resident =
                    running.and_then(|running| running.pid().ok_or("no process".to_owned()));
                rows[1].add(peer, resident.map(|pid| resident_kib(pid) / 1024.0));
            }
        }
        let file = std::fs::metadata(&self.programs.cred_proxy).expect("just built");
        rows[2].add(Peer::CredProxy, Ok(file.len() as f64 / f64::from(1 << 20)));
        rows
    }

    fn tls<'a>(&self, authority: &'a Path) -> Setup<'a> {
        Setup {
            upstream: self.origin.tls,
            authority: Some(authority),
            ..self.plain()
        }
    }

    /// Starts `peers`, has each measured in turn, [`ROUNDS`] times, and files the figures,
    /// one for each row.
    async fn rounds(
        &self,
        mut rows: Vec<Row>,
        peers: &[Peer],
        setup: &Setup<'_>,
        measure: impl AsyncFn(&Running) -> io::Result<Vec<f64>>,
    ) -> Vec<Row> {
        let mut running = Vec::new();
        for &peer in peers {
            match self.programs.start(peer, setup) {
                Ok(process) => running.push(process),
                Err(why) => {
                    for row in &mut rows {
                        row.add(peer, Err(why.clone()));
                    }
                }
            }
        }
        for _ in 0..ROUNDS {
            for process in &running {
                let figures = timeout(ROUND_TIME, measure(process)).await;
                let figures = figures.unwrap_or_else(|late| Err(late.into()));
                for (n, row) in rows.iter_mut().enumerate() {
                    let figure = match &figures {
                        Ok(figures) => Ok(figures[n]),
                        Err(error) => Err(error.to_string()),
                    };
                    // What has no process has no CPU time.
                    if figure.as_ref().is_ok_and(|figure| figure.is_nan()) {
                        continue;
                    }
                    row.add(process.peer, figure);
                }
            }
        }
        rows
    }
}

/// An error in words, as a row keeps it.
pub fn told(error: io::Error) -> String {
    error.to_string()
}

/// CPU time in microseconds since `before`; not a number without a process.
struct Cpu(Option<(u32, Duration)>);

impl Cpu {
    fn of(peer: &Running) -> Cpu {
        Cpu(peer.pid().map(|pid| (pid, cpu_time(pid))))
    }

    fn microseconds(&self) -> f64 {
        self.0.map_or(f64::NAN, |(pid, before)| {
            cpu_time(pid).saturating_sub(before).as_secs_f64() * 1e6
        })
    }
}

async fn busy(peer: &Running) -> io::Result<Vec<f64>> {
    let (cpu, ()) = cpu_a_request(peer, CLIENTS, BUSY_TIME, || ()).await?;
    Ok(vec![cpu])
}

/// The CPU time of a small request, in microseconds, with so many connections; and what
/// `look` sees while they are open.
///
/// # Errors
/// If one request is not answered.
pub async fn cpu_a_request<T>(
    peer: &Running,
    connections: usize,
    time: Duration,
    look: impl FnOnce() -> T,
) -> io::Result<(f64, T)> {
    let mut load = Load::of_requests(peer, connections).await?;
    sleep(WARM_UP).await;
    let (cpu, answers) = (Cpu::of(peer), load.answers());
    sleep(time).await;
    let (cpu, answers) = (cpu.microseconds(), load.answers() - answers);
    let seen = look();
    load.check()?;
    Ok((cpu / answers as f64, seen))
}

async fn events(peer: &Running) -> io::Result<Vec<f64>> {
    let mut load = Load::of_events(peer, STREAMS).await?;
    sleep(WARM_UP).await;
    load.take_delays();
    let cpu = Cpu::of(peer);
    sleep(EVENTS_TIME).await;
    let (cpu, delays) = (cpu.microseconds(), load.take_delays());
    load.check()?;
    let delays: Vec<f64> = delays.iter().map(|&delay| delay as f64 / 1e3).collect();
    let count = delays.len() as f64;
    Ok(vec![cpu / count, median(&delays), ninety_ninth(&delays)])
}

async fn download(peer: &Running) -> io::Result<Vec<f64>> {
    let mut client = Client::connect(peer.listen).await?;
    client.exchange(&request(peer, "small")).await?;
    let request = request(peer, "download");
    let (cpu, mut octets) = (Cpu::of(peer), 0);
    for _ in 0..DOWNLOADS {
        octets += client.exchange(&request).await?;
    }
    // A microsecond an octet is a thousand seconds a gigabyte.
    Ok(vec![cpu.microseconds() * 1e3 / octets as f64])
}
