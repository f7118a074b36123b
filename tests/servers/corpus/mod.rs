//! Hostile and odd requests: every published way to make two recipients see two messages,
//! and odd ones that are none of these and must pass. One corpus, gathered from the tests
//! by clause, the refusals on the wire and the seeds of the fuzz targets.

mod chunked;
mod framing;
mod heads;
mod passing;

/// A request that an attack tries to hide from the first recipient.
pub(crate) const SMUGGLED: &str = "GET /api/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// What becomes of a request, or of the connection behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A request of this method reaches the service, whole.
    Forwarded(&'static str),
    /// The proxy answers by itself.
    Refused,
    /// The connection ends, and whatever stands behind is read by nobody.
    Ends,
    /// The client stops within a request, which reaches the service in part or not at all.
    Cut,
}

use Fate::{Cut, Ends, Forwarded, Refused};

/// Octets of a client, and what the proxy makes of them.
pub(crate) struct Entry {
    /// The family of the attack.
    pub(crate) family: &'static str,
    /// Family and octets, to be found again.
    pub(crate) name: String,
    /// Everything the client sends. The route is `/api/`.
    pub(crate) octets: Vec<u8>,
    /// One by one.
    pub(crate) fates: Vec<Fate>,
}

impl Entry {
    /// Does the connection outlive it?
    pub(crate) fn goes_on(&self) -> bool {
        !matches!(self.fates.last(), Some(Ends | Cut))
    }

    /// Is it an attack, or something else that the proxy does not just forward?
    pub(crate) fn is_held_up(&self) -> bool {
        !matches!(self.fates.first(), Some(Forwarded(_)))
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Entry> {
    let mut corpus = Corpus::default();
    framing::add(&mut corpus);
    chunked::add(&mut corpus);
    heads::add(&mut corpus);
    passing::add(&mut corpus);
    corpus.entries
}

#[derive(Default)]
struct Corpus {
    entries: Vec<Entry>,
}

impl Corpus {
    fn add(&mut self, family: &'static str, octets: impl AsRef<[u8]>, fates: &[Fate]) {
        let octets = octets.as_ref().to_vec();
        let shown = octets[..octets.len().min(300)].escape_ascii();
        self.entries.push(Entry {
            family,
            name: format!("{family}, {} octets: {shown}", octets.len()),
            octets,
            fates: fates.to_vec(),
        });
    }

    /// Nothing of it is forwarded, and the connection ends.
    fn refused(&mut self, family: &'static str, octets: impl AsRef<[u8]>) {
        self.add(family, octets, &[Refused, Ends]);
    }

    /// A POST of each of these field sections, all refused, with a request behind it.
    fn refused_posts(&mut self, family: &'static str, sections: &[&str], body: &str) {
        for fields in sections {
            self.refused(family, post(fields, body) + SMUGGLED);
        }
    }

    /// One request that is forwarded.
    fn passes(&mut self, family: &'static str, octets: impl AsRef<[u8]>) {
        let octets = octets.as_ref();
        let method = METHODS.iter().find(|method| {
            let rest = octets.strip_prefix(method.as_bytes());
            rest.is_some_and(|rest| rest.starts_with(b" "))
        });
        let method = *method.expect("a request that begins with its method");
        self.add(family, octets, &[Forwarded(method)]);
    }

    /// The client stops behind these octets.
    fn cut(&mut self, family: &'static str, octets: impl AsRef<[u8]>) {
        self.add(family, octets, &[Cut]);
    }
}

/// The methods that a route lets pass if it does not say.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

fn head(method: &str, target: &str, fields: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

fn get(fields: &str) -> String {
    head("GET", "/api/get", fields)
}

fn post(fields: &str, body: &str) -> String {
    head("POST", "/api/post", fields) + body
}

/// A body whose framing is its own.
fn sized(method: &str, body: &str) -> String {
    let fields = format!("Content-Length: {}\r\n", body.len());
    head(method, "/api/sized", &fields) + body
}

fn chunked(method: &str, body: &str) -> String {
    head(method, "/api/chunked", "Transfer-Encoding: chunked\r\n") + body
}
