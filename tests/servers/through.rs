//! The corpus through the proxy: what the client gets, what goes to the server, and what
//! the server counts, held against each other for each entry.

use harness::wiretap::Wiretap;
use harness::{Client, Peer, Proxy};

use crate::corpus::{Entry, Fate};
use crate::forwarded::{Forwarded, Reader};
use crate::server::{Served, Server};

/// One server behind the proxy, and the tap on the way to it.
pub(crate) struct Passage<'a> {
    proxy: &'a Proxy,
    server: &'a Server,
    tap: &'a Wiretap,
    reader: Reader,
    /// The lines of the server that have been looked at.
    lines: usize,
    /// Requests served in all.
    total: usize,
}

impl<'a> Passage<'a> {
    /// From now on.
    pub(crate) fn new(proxy: &'a Proxy, server: &'a Server, tap: &'a Wiretap) -> Passage<'a> {
        Passage {
            proxy,
            server,
            tap,
            reader: Reader::default(),
            lines: server.count(),
            total: 0,
        }
    }

    /// Sends an entry, and right behind it a request of ours where the connection goes on;
    /// gives what the server has served of the entry.
    pub(crate) fn send(&mut self, number: usize, entry: &Entry) -> Vec<Served> {
        let mut client = self.proxy.client();
        let mut octets = self.routed(&entry.octets);
        let last = entry.goes_on().then(|| format!("/last-{number}"));
        if let Some(target) = &last {
            octets.extend(self.question(target));
        }
        // An answer that ends the connection may come before the last octet.
        let _ = client.push(&octets);
        if entry.fates.contains(&Fate::Cut) {
            client.half_close();
        }
        let answers = answers(&mut client, entry);
        if let Some(target) = &last {
            assert_eq!(client.read_response("GET").text(), plain(target).echo());
        }
        // Nothing more, in particular no answer to what was smuggled.
        client.wait_for_close();
        let mut forwarded = self.reader.read(self.tap);
        let probes = self.probe(number, forwarded.last());
        self.compare(&[&forwarded[..], &probes].concat());
        if let Some(target) = &last {
            let forwarded = forwarded.pop().map(|last| last.request);
            assert_eq!(forwarded, Some(plain(target)));
        }
        let forwarded: Vec<Served> = forwarded.into_iter().map(|one| one.request).collect();
        assert_answered(entry, &forwarded, &answers);
        forwarded
    }

    /// Asks on connections of its own: each answer is that to its question, and they come
    /// by the connection that carried `last`, which is thus in step.
    fn probe(&mut self, number: usize, last: Option<&Forwarded>) -> Vec<Forwarded> {
        let targets = [1, 2].map(|probe| format!("/probe-{number}-{probe}"));
        for target in &targets {
            let mut client = self.proxy.client();
            client.send(self.question(target));
            assert_eq!(client.read_response("GET").text(), plain(target).echo());
            client.wait_for_close();
        }
        let probes = self.reader.read(self.tap);
        let seen: Vec<&Served> = probes.iter().map(|probe| &probe.request).collect();
        assert_eq!(
            seen,
            targets.each_ref().map(|target| plain(target)).each_ref()
        );
        let used = last.map_or(probes[0].connection, |last| last.connection);
        let again = probes.iter().all(|probe| probe.connection == used);
        assert!(again, "connection {used} is used again: {probes:?}");
        probes
    }

    /// The server counts what was forwarded, one by one, and nothing else. Once the line of
    /// the last is there, so are all before it.
    fn compare(&mut self, forwarded: &[Forwarded]) {
        let wanted: Vec<Served> = forwarded.iter().map(|one| one.request.clone()).collect();
        let last = &wanted.last().expect("a probe").target;
        let (served, lines) = self.server.served(self.lines, wanted.len(), last);
        assert_eq!(served, wanted, "what is served is what was forwarded");
        self.lines += lines;
        self.total += wanted.len();
    }

    /// After the last entry: the access log has as many answers of the server as it has
    /// served requests, and what the server found faulty is no more than what was cut.
    pub(crate) fn finish(self) -> usize {
        let route = self.server.kind.route();
        let log = self
            .proxy
            .wait_for_lines("served exchanges", self.total, |line| {
                harness::proxy::access(line).is_some_and(|line| {
                    line["route"] == route && line["status"] == 200 && line.get("error").is_none()
                })
            });
        assert_eq!(log.len(), self.total, "exchanges in the access log");
        let (faults, cut) = (self.server.faults(), self.reader.broken_off(self.tap));
        assert!(faults.len() <= cut, "{cut} were cut: {faults:#?}");
        self.total
    }

    fn routed(&self, octets: &[u8]) -> Vec<u8> {
        replaced(octets, b"/api/", self.server.kind.route().as_bytes())
    }

    /// A request for `target` of the server, the last of its connection to the proxy.
    fn question(&self, target: &str) -> Vec<u8> {
        let target = format!("{}{}", self.server.kind.route(), &target[1..]);
        format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").into_bytes()
    }
}

fn plain(target: &str) -> Served {
    Served::new("GET", target, 0)
}

/// The server's answers to an entry, in order; those of the proxy's own are where the fates
/// have them.
fn answers(client: &mut Client, entry: &Entry) -> Vec<String> {
    let mut answers = Vec::new();
    for fate in &entry.fates {
        match fate {
            Fate::Forwarded(method) => {
                let answer = client.read_response(method);
                assert_eq!(
                    answer.status(),
                    200,
                    "{:?} {:?}",
                    answer.head,
                    answer.text()
                );
                answers.push(answer.text());
            }
            Fate::Refused => {
                let answer = client.read_response("");
                let own = answer.head.one("proxy-status");
                assert!(own.is_some() || answer.status() == 204, "{:?}", answer.head);
            }
            Fate::Ends => {}
            Fate::Cut => {
                let (octets, _) = client.read_to_end();
                let text = octets.escape_ascii().to_string();
                assert!(
                    !text.contains("HTTP/1.1 2"),
                    "an answer to half a request: {text}"
                );
            }
        }
    }
    answers
}

/// Exactly the requests that were to be forwarded were, and each answer is the one to its
/// own request.
fn assert_answered(entry: &Entry, forwarded: &[Served], answers: &[String]) {
    let methods: Vec<&str> = forwarded.iter().map(|one| one.method.as_str()).collect();
    let fates = entry.fates.iter();
    let wanted: Vec<&str> = fates
        .filter_map(|fate| match fate {
            Fate::Forwarded(method) => Some(*method),
            Fate::Refused | Fate::Ends | Fate::Cut => None,
        })
        .collect();
    assert_eq!(methods, wanted, "the methods of what was forwarded");
    for (request, answer) in forwarded.iter().zip(answers) {
        let echo = match request.method.as_str() {
            "HEAD" => String::new(),
            _ => request.echo(),
        };
        assert_eq!(answer, &echo, "the answer to {request:?}");
    }
}

fn replaced(octets: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "no length changes");
    let mut octets = octets.to_vec();
    let places: Vec<usize> = memchr::memmem::find_iter(&octets, from).collect();
    for place in places {
        octets[place..place + to.len()].copy_from_slice(to);
    }
    octets
}
