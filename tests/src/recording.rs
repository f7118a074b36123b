//! Exchanges as octets: what the client sends and what the service sends, in turns.
//! `@` is the target, which is another in each trial.

/// What a side waits for before its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing: it begins.
    Start,
    /// The head of the request.
    Head,
    /// The whole request.
    Request,
    /// An interim response.
    Interim,
    /// So many octets of the tunnel.
    Tunnel(usize),
}

/// A turn of one side.
pub type Turn = (After, &'static str);

/// An exchange as it goes when nothing goes wrong.
pub struct Recording {
    /// What is special about it.
    pub name: &'static str,
    /// The method of the request.
    pub method: &'static str,
    /// What the client sends.
    pub client: &'static [Turn],
    /// What the service sends.
    pub service: &'static [Turn],
    /// Whether the service closes after its last turn.
    pub service_closes: bool,
    /// Whether its connections have carried an exchange before.
    pub is_second: bool,
    /// Whether it ends as a tunnel.
    pub is_tunnel: bool,
}

const PLAIN: Recording = Recording {
    name: "",
    method: "GET",
    client: &[(After::Start, "GET @ HTTP/1.1\r\nHost: a\r\n\r\n")],
    service: &[(
        After::Request,
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    )],
    service_closes: false,
    is_second: false,
    is_tunnel: false,
};

const OLD_REQUEST: &[Turn] = &[(After::Start, "GET @ HTTP/1.0\r\nCookie: a=b\r\n\r\n")];

/// Every exchange that the faults are tried on.
pub const ALL: &[Recording] = &[
    Recording {
        name: "an answer with Content-Length",
        ..PLAIN
    },
    Recording {
        name: "a chunked POST with a chunked answer",
        method: "POST",
        client: &[(
            After::Start,
            "POST @ HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\
             Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\nx: y\r\n\r\n",
        )],
        service: &[(
            After::Request,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
             3\r\nabc\r\n2\r\nde\r\n0\r\nx: y\r\n\r\n",
        )],
        ..PLAIN
    },
    Recording {
        name: "a close-delimited answer",
        service: &[(After::Request, "HTTP/1.1 200 OK\r\nX: y\r\n\r\nto the end")],
        service_closes: true,
        ..PLAIN
    },
    Recording {
        name: "a 304 with Content-Length",
        service: &[(
            After::Request,
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        )],
        ..PLAIN
    },
    Recording {
        name: "HEAD",
        method: "HEAD",
        client: &[(After::Start, "HEAD @ HTTP/1.1\r\nHost: a\r\n\r\n")],
        service: &[(
            After::Request,
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        )],
        ..PLAIN
    },
    Recording {
        name: "Expect: 100-continue",
        method: "POST",
        client: &[
            (
                After::Start,
                "POST @ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
            ),
            (After::Interim, "hello"),
        ],
        service: &[
            (After::Head, "HTTP/1.1 100 Continue\r\n\r\n"),
            (
                After::Request,
                "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
            ),
        ],
        ..PLAIN
    },
    Recording {
        name: "an event stream",
        client: &[(
            After::Start,
            "GET @ HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n",
        )],
        service: &[
            (
                After::Request,
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                 Transfer-Encoding: chunked\r\n\r\n",
            ),
            (After::Request, "9\r\ndata: 1\n\n\r\n"),
            (After::Request, "9\r\ndata: 2\n\n\r\n"),
            (After::Request, "0\r\n\r\n"),
        ],
        ..PLAIN
    },
    Recording {
        name: "a second GET on pooled connections",
        is_second: true,
        ..PLAIN
    },
    Recording {
        name: "a second POST on pooled connections",
        method: "POST",
        client: &[(
            After::Start,
            "POST @ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        )],
        is_second: true,
        ..PLAIN
    },
    Recording {
        name: "a second PUT with a body on pooled connections",
        method: "PUT",
        client: &[(
            After::Start,
            "PUT @ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        )],
        is_second: true,
        ..PLAIN
    },
    Recording {
        name: "an upgrade",
        client: &[
            (
                After::Start,
                "GET @ HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            ),
            (After::Tunnel(0), "ping"),
            (After::Tunnel(4), "bye"),
        ],
        service: &[
            (
                After::Request,
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\
                 Upgrade: websocket\r\n\r\n",
            ),
            (After::Tunnel(4), "pong"),
            (After::Tunnel(7), "so long"),
        ],
        is_tunnel: true,
        ..PLAIN
    },
    Recording {
        name: "a 1.0 client and a chunked answer",
        client: OLD_REQUEST,
        service: &[(
            After::Request,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        )],
        ..PLAIN
    },
    Recording {
        name: "a 1.0 client and a close-delimited answer",
        client: OLD_REQUEST,
        service: &[(After::Request, "HTTP/1.1 200 OK\r\nX: y\r\n\r\nto the end")],
        service_closes: true,
        ..PLAIN
    },
];

impl Recording {
    /// The recording of this name.
    ///
    /// # Panics
    /// When there is none.
    pub fn named(name: &str) -> &'static Recording {
        let found = ALL.iter().find(|recording| recording.name == name);
        found.unwrap_or_else(|| panic!("no recording {name:?}"))
    }

    /// All that the client sends, to this target.
    pub fn request(&self, target: &str) -> Vec<u8> {
        joined(self.client).replacen('@', target, 1).into_bytes()
    }

    /// All that the service sends.
    pub fn response(&self) -> Vec<u8> {
        joined(self.service).into_bytes()
    }

    /// Octets of the request head, for this target.
    pub fn request_head(&self, target: &str) -> usize {
        head_length(&joined(self.client).replacen('@', target, 1))
    }

    /// Octets of all response heads, interim ones too.
    pub fn response_heads(&self) -> usize {
        let text = joined(self.service);
        let first = head_length(&text);
        match text.starts_with("HTTP/1.1 100") {
            true => first + head_length(&text[first..]),
            false => first,
        }
    }

    /// Whether RFC 9110 §9.2.2 calls the method idempotent.
    pub fn is_idempotent(&self) -> bool {
        self.method != "POST"
    }
}

fn joined(turns: &[Turn]) -> String {
    turns.iter().map(|(_, octets)| *octets).collect()
}

fn head_length(text: &str) -> usize {
    text.find("\r\n\r\n").map_or(text.len(), |at| at + 4)
}
