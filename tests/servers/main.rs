//! Differential: hostile and odd requests through the proxy to real servers of others'
//! making. Each server must count the very requests that the proxy forwarded, each client
//! must get the answers to its own, and the connection to the server must stay in step.
//! The control sends the same octets without the proxy, and the servers disagree.

mod corpus;
mod direct;
mod forwarded;
mod server;
mod through;

use std::collections::BTreeSet;
use std::thread;

use harness::proxy::bearer;
use harness::wiretap::Wiretap;
use harness::{Proxy, TOKEN};

use corpus::Entry;
use server::{KINDS, Served, Server};
use through::Passage;

/// How many entries the servers must read differently without the proxy: a small part of
/// what they do, so that a newer version that is stricter fails nothing.
const DISAGREEMENTS: usize = 20;

/// What is asked of every server at once, one thread each.
fn each<T: Send>(servers: &[Server], ask: impl Fn(&Server) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let ask = &ask;
        let threads: Vec<_> = servers
            .iter()
            .map(|one| scope.spawn(move || ask(one)))
            .collect();
        let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .map(|result| result.unwrap_or_else(|why| std::panic::resume_unwind(why)))
            .collect()
    })
}

/// Tells of the entry at which a test fails: the servers' threads speak all at once.
struct Told<'a>(&'a Server, &'a Entry);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{:?} fails at {}", self.0.kind, self.1.name);
        }
    }
}

fn servers(test: &str) -> Option<Vec<Server>> {
    let servers: Vec<Server> = KINDS
        .into_iter()
        .filter_map(|kind| Server::start(kind, test))
        .collect();
    // With fewer there is nothing to compare, and what is missing has been told.
    (servers.len() >= 2).then_some(servers)
}

#[test]
fn every_server_counts_the_requests_that_were_forwarded() {
    let Some(servers) = servers("every server counts the requests that were forwarded") else {
        return;
    };
    let taps: Vec<Wiretap> = servers
        .iter()
        .map(|server| Wiretap::before_service(server.address))
        .collect();
    let mut builder = Proxy::builder()
        .token(harness::proxy::TOKEN_ENV, TOKEN)
        .limit("--threads", 1);
    for (server, tap) in servers.iter().zip(&taps) {
        builder = builder.route(bearer(server.kind.route(), &tap.url("")));
    }
    let proxy = builder.start();
    let corpus = corpus::all();
    let counts = each(&servers, |server| {
        let at = servers.iter().position(|one| one.kind == server.kind);
        let tap = &taps[at.expect("one of the servers")];
        let mut passage = Passage::new(&proxy, server, tap);
        let entries = corpus.iter().enumerate();
        let served: Vec<Vec<Served>> = entries
            .map(|(number, entry)| {
                let _told = Told(server, entry);
                passage.send(number, entry)
            })
            .collect();
        (served, passage.finish())
    });
    for (server, count) in servers.iter().zip(&counts) {
        assert_eq!(
            count, &counts[0],
            "{:?} and {:?}",
            server.kind, servers[0].kind
        );
    }
}

#[test]
fn without_the_proxy_the_servers_disagree() {
    let Some(servers) = servers("without the proxy the servers disagree") else {
        return;
    };
    let corpus = corpus::all();
    let outcomes = each(&servers, |server| {
        let entries = corpus.iter().enumerate();
        let served = entries.map(|(number, entry)| direct::send(server, number, entry));
        served
            .map(|served| served.iter().map(|one| one.length).collect())
            .collect::<Vec<Vec<u64>>>()
    });
    let readings = |number: usize| outcomes.iter().map(move |one| &one[number]);
    let mut disagreements = Vec::new();
    for (number, entry) in corpus.iter().enumerate() {
        let several = readings(number).collect::<BTreeSet<_>>().len() > 1;
        if several && entry.is_held_up() {
            let all: Vec<_> = readings(number).collect();
            eprintln!("{all:?} {}", entry.name);
            disagreements.push(entry.family);
        }
    }
    let count = disagreements.len();
    eprintln!("{count} of {}", corpus.len());
    assert!(count >= DISAGREEMENTS, "only {count}: {disagreements:?}");
}

#[test]
fn the_corpus_has_every_family_and_no_entry_twice() {
    let corpus = corpus::all();
    assert!(corpus.len() >= 120, "{} entries", corpus.len());
    let octets: BTreeSet<&[u8]> = corpus.iter().map(|entry| &entry.octets[..]).collect();
    let names: BTreeSet<&str> = corpus.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!((octets.len(), names.len()), (corpus.len(), corpus.len()));
    let passing = corpus.iter().filter(|entry| !entry.is_held_up()).count();
    assert!(passing >= 40, "{passing} entries are forwarded");
    for family in [
        "CL.TE",
        "TE.CL",
        "TE.TE",
        "CL.CL",
        "CL.0",
        "0.CL",
        "chunk sizes",
        "chunk extensions",
        "bare LF or CR in chunks",
        "trailers",
        "truncation",
        "Expect",
        "Connection",
        "pipelining",
        "absolute-form against Host",
        "upgrades",
        "folding",
        "NUL",
        "bare LF",
        "bare CR",
        "field names",
        "framing in 1.0",
        "versions",
        "OPTIONS *",
    ] {
        let some = corpus.iter().any(|entry| entry.family == family);
        assert!(some, "no entry of {family}");
    }
}
