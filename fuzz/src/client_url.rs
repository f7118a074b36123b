//! References as clients read them: RFC 3986 §5, with what URL parsers of browsers and
//! libraries forgive (WHATWG URL): `\` for `/`, tabs, spaces around, too many slashes.

/// An http or https URL, written one way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Url {
    pub(crate) scheme: &'static str,
    /// Lower case, with its port.
    pub(crate) authority: Vec<u8>,
    /// Begins with `/`, without dot segments.
    pub(crate) path: Vec<u8>,
    /// Query and fragment.
    pub(crate) tail: Vec<u8>,
}

/// One reference, read by a client that speaks http to where it got it from.
#[derive(Debug)]
pub(crate) struct Reference {
    kind: Kind,
    /// What a reader takes for a path that sees no host behind the slashes.
    slashes: Option<Vec<u8>>,
    tail: Vec<u8>,
    /// No reader reads it in another way.
    pub(crate) is_plain: bool,
}

#[derive(Debug)]
enum Kind {
    /// Another scheme: nobody's route.
    Opaque,
    Absolute {
        /// None: that of where it was found.
        scheme: Option<&'static str>,
        authority: Vec<u8>,
        path: Vec<u8>,
    },
    /// From `/` on.
    Path(Vec<u8>),
    /// May be empty.
    Relative(Vec<u8>),
}

impl Url {
    pub(crate) fn of_http(authority: &str, path: &str) -> Url {
        Url {
            scheme: "http",
            authority: authority.into(),
            path: path.into(),
            tail: Vec::new(),
        }
    }

    pub(crate) fn is_http_at(&self, authority: &str) -> bool {
        self.scheme == "http" && self.authority == authority.as_bytes()
    }

    /// A base path without its `/` is the same place for the proxy as one with it.
    pub(crate) fn with_slash_after(mut self, base: &str) -> Url {
        if self.path == base.as_bytes() {
            self.path.push(b'/');
        }
        self
    }
}

impl Reference {
    pub(crate) fn read(octets: &[u8]) -> Reference {
        let around = |octet: &u8| *octet <= b' ';
        let start = octets.iter().position(|octet| !around(octet));
        let end = octets.iter().rposition(|octet| !around(octet));
        let reference = match (start, end) {
            (Some(start), Some(end)) => &octets[start..=end],
            _ => b"",
        };
        let reference: Vec<u8> = reference.iter().copied().filter(|o| *o != b'\t').collect();
        let mark = reference.iter().position(|octet| b"?#".contains(octet));
        let (hierarchy, tail) = reference.split_at(mark.unwrap_or(reference.len()));
        let slashes = hierarchy
            .iter()
            .map(|o| if *o == b'\\' { b'/' } else { *o });
        let slashes: Vec<u8> = slashes.collect();
        let (kind, is_usual) = kind(&slashes);
        let in_uri = |octet: &u8| {
            octet.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(octet)
        };
        let behind_scheme = match split_scheme(&slashes) {
            (Some(scheme), _) if !scheme.eq_ignore_ascii_case(b"http") => None,
            (_, rest) => Some(rest).filter(|rest| rest.starts_with(b"//")),
        };
        Reference {
            slashes: behind_scheme.map(<[u8]>::to_vec),
            kind,
            tail: tail.to_vec(),
            is_plain: is_usual && octets.iter().all(in_uri),
        }
    }

    /// RFC 3986 §5.2.2. None: it leads to no http service.
    pub(crate) fn resolve(&self, base: &Url) -> Option<Url> {
        let (scheme, authority, path) = match &self.kind {
            Kind::Opaque => return None,
            Kind::Absolute {
                scheme,
                authority,
                path,
            } => {
                let scheme = scheme.unwrap_or(base.scheme);
                (scheme, with_port(authority, scheme), path.clone())
            }
            Kind::Path(path) => (base.scheme, base.authority.clone(), path.clone()),
            Kind::Relative(path) if path.is_empty() => {
                (base.scheme, base.authority.clone(), base.path.clone())
            }
            Kind::Relative(path) => {
                let slash = base.path.iter().rposition(|octet| *octet == b'/');
                let directory = &base.path[..slash.map_or(0, |slash| slash + 1)];
                let path = [directory, path].concat();
                (base.scheme, base.authority.clone(), path)
            }
        };
        Some(Url {
            scheme,
            authority,
            path: without_dot_segments(&path),
            tail: self.tail.clone(),
        })
    }

    /// Where a reader goes that sees no host behind the slashes.
    pub(crate) fn resolve_without_host(&self, base: &Url) -> Option<Url> {
        Some(Url {
            path: without_dot_segments(self.slashes.as_ref()?),
            tail: self.tail.clone(),
            ..base.clone()
        })
    }

    /// `//authority/path`, RFC 3986 §4.2.
    pub(crate) fn is_network_path(&self) -> bool {
        matches!(self.kind, Kind::Absolute { scheme: None, .. })
    }

    /// Whether it says this authority itself.
    pub(crate) fn names(&self, authority: &str) -> bool {
        match &self.kind {
            Kind::Absolute { authority: its, .. } => with_port(its, "http") == authority.as_bytes(),
            Kind::Opaque | Kind::Path(_) | Kind::Relative(_) => false,
        }
    }
}

/// And whether the grammar of RFC 3986 reads it so, too.
fn kind(hierarchy: &[u8]) -> (Kind, bool) {
    let (scheme, rest) = split_scheme(hierarchy);
    let scheme = match scheme.map(<[u8]>::to_ascii_lowercase).as_deref() {
        None => None,
        Some(b"http") => Some("http"),
        Some(b"https") => Some("https"),
        Some(_) => return (Kind::Opaque, true),
    };
    let slashes = rest.iter().take_while(|octet| **octet == b'/').count();
    // A scheme that is that of the page says nothing, if no host follows.
    if slashes < 2 && scheme != Some("https") {
        let kind = match slashes {
            1 => Kind::Path(rest.to_vec()),
            _ => Kind::Relative(rest.to_vec()),
        };
        return (kind, scheme.is_none());
    }
    let rest = &rest[slashes..];
    let end = rest.iter().position(|octet| *octet == b'/');
    let (authority, path) = rest.split_at(end.unwrap_or(rest.len()));
    let kind = Kind::Absolute {
        scheme,
        authority: authority.to_ascii_lowercase(),
        path: path.to_vec(),
    };
    (kind, slashes == 2 && is_host_and_port(authority))
}

/// scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), RFC 3986 §3.1
fn split_scheme(hierarchy: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let Some(colon) = hierarchy.iter().position(|octet| *octet == b':') else {
        return (None, hierarchy);
    };
    let scheme = &hierarchy[..colon];
    let in_scheme = |octet: &u8| octet.is_ascii_alphanumeric() || b"+-.".contains(octet);
    match scheme.first().is_some_and(u8::is_ascii_alphabetic) && scheme.iter().all(in_scheme) {
        true => (Some(scheme), &hierarchy[colon + 1..]),
        false => (None, hierarchy),
    }
}

/// A name or an address, and a port in its usual digits; the plain ones alone.
fn is_host_and_port(authority: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(authority) else {
        return false;
    };
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        Some(_) | None => (text, "1"),
    };
    let in_name = |octet: u8| octet.is_ascii_alphanumeric() || b"-.".contains(&octet);
    let is_name = !host.is_empty() && host.len() < 200 && host.bytes().all(in_name);
    let is_port = port
        .parse::<u16>()
        .is_ok_and(|number| number.to_string() == port);
    (is_name || host == "[::1]") && is_port
}

/// A port that is empty is that of the scheme (RFC 3986 §3.2.3); noughts before it say nothing.
fn with_port(authority: &[u8], scheme: &str) -> Vec<u8> {
    let colon = authority.iter().rposition(|octet| *octet == b':');
    let colon = colon.filter(|colon| !authority[*colon..].contains(&b']'));
    let (host, port) = authority.split_at(colon.unwrap_or(authority.len()));
    let digits = port.get(1..).unwrap_or_default();
    let noughts = digits.iter().take_while(|octet| **octet == b'0').count();
    let port = match (digits, scheme) {
        ([], "http") => b"80".as_slice(),
        ([], _) => b"443",
        _ => &digits[noughts..],
    };
    [host, b":", port].concat()
}

/// RFC 3986 §5.2.4; `%2e` is a dot to every URL parser. An empty path is `/`.
fn without_dot_segments(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut segments = path
        .strip_prefix(b"/")
        .unwrap_or(path)
        .split(|octet| *octet == b'/')
        .peekable();
    while let Some(segment) = segments.next() {
        let text = String::from_utf8_lossy(segment).to_ascii_lowercase();
        match text.replace("%2e", ".").as_str() {
            ".." => drop(kept.pop()),
            "." => {}
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if segments.peek().is_none() {
            kept.push(b"");
        }
    }
    [b"/", kept.join(&b'/').as_slice()].concat()
}
