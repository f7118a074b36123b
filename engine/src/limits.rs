//! Every number of the program: its unit in its name, why it has that size, and
//! where a precedent stands. `spec` here means section 8 of the contract.
//!
//! Each field of [`Limits`] is a flag and an environment variable (`args/limit_options.rs`), and
//! has a test at the bound and one past it.

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What one message, one connection and one process may use at most.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Octets of a whole request head, final empty line included (431). nginx: 4 × 8 KiB.
    pub request_head_octets: usize,
    /// Octets of the request line without its CRLF (414). RFC 9112 §3 asks for at least 8000.
    pub request_line_octets: usize,
    /// Field lines of a request (431). Also the size of httparse's array on the stack.
    pub request_field_lines: usize,
    /// Octets of a whole response head (502). Larger than a request's: cookies and policies travel there.
    pub response_head_octets: usize,
    /// Field lines of a response (502).
    pub response_field_lines: usize,
    /// Octets of a chunk-size line, extensions included, CRLF not (400 / 502).
    pub chunk_line_octets: usize,
    /// Octets of chunk extensions over a whole message (400 / 502): CVE-2023-39326, where
    /// extensions of one octet a chunk made a server read without end.
    pub chunk_extension_octets: usize,
    /// Octets of a trailer section (400 / 502).
    pub trailer_octets: usize,
    /// Field lines of a trailer section (400 / 502).
    pub trailer_lines: usize,
    /// Interim (1xx) responses before a final one (502): an upstream must not keep
    /// an exchange alive for ever without answering.
    pub interim_responses: usize,
    /// Downstream connections, one count over all workers; the others wait in the accept queue.
    pub connections: usize,
    /// From the first octet of a request head to its last (408).
    pub request_head_time: Duration,
    /// Between two requests of a connection (closed in silence).
    pub idle_time: Duration,
    /// A client that sends nothing of a body it announced (408).
    pub request_body_idle_time: Duration,
    /// An upstream that reads nothing of a request (504).
    pub upstream_read_idle_time: Duration,
    /// Connect and TLS handshake together, proxy tunnel included (504).
    pub connect_time: Duration,
    /// One address among several of a host.
    pub connect_address_time: Duration,
    /// From the last octet of request progress to the response head (504).
    pub response_head_time: Duration,
    /// A client that reads nothing of a response (closed).
    pub client_read_idle_time: Duration,
    /// A tunnel in which nothing moves (closed).
    pub tunnel_idle_time: Duration,
    /// A closing connection on which nothing more comes; until then what comes is swallowed,
    /// so that the answer is not lost to a reset (RFC 9112 §9.6). nginx: 5 s.
    pub linger_idle_time: Duration,
    /// A closing connection in all. nginx: 30 s.
    pub linger_time: Duration,
    /// How long exchanges may go on after SIGTERM.
    pub drain_time: Duration,
    /// How long an unused upstream connection is kept.
    pub pool_idle_time: Duration,
    /// How many unused upstream connections are kept for one origin and credential, per worker.
    pub pool_connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            request_head_octets: 64 * KIB,
            request_line_octets: 16 * KIB,
            request_field_lines: 128,
            response_head_octets: 128 * KIB,
            response_field_lines: 256,
            chunk_line_octets: 256,
            chunk_extension_octets: 16 * KIB,
            trailer_octets: 16 * KIB,
            trailer_lines: 64,
            interim_responses: 32,
            connections: 4096,
            request_head_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(75),
            request_body_idle_time: Duration::from_secs(60),
            upstream_read_idle_time: Duration::from_secs(60),
            connect_time: Duration::from_secs(10),
            connect_address_time: Duration::from_secs(3),
            response_head_time: Duration::from_secs(300),
            client_read_idle_time: Duration::from_secs(300),
            tunnel_idle_time: Duration::from_secs(3600),
            linger_idle_time: Duration::from_secs(2),
            linger_time: Duration::from_secs(30),
            drain_time: Duration::from_secs(8),
            pool_idle_time: Duration::from_secs(30),
            pool_connections: 32,
        }
    }
}

/// The most field lines that any flag may allow: httparse's array lives on the stack,
/// 32 octets a line.
pub const FIELD_LINES_CEILING: usize = 1024;

/// The most that any limit on octets of a head may allow; spans are 32-bit, and a
/// head is held whole.
pub const HEAD_OCTETS_CEILING: usize = 1024 * KIB;

/// The longest deadline that any flag may set: a week. A sum with the clock cannot overflow.
pub const DEADLINE_CEILING: Duration = Duration::from_secs(7 * 24 * 3600);

/// The most connections that any flag may allow.
pub const CONNECTIONS_CEILING: usize = 1_000_000;

/// The most interim responses that any flag may allow.
pub const INTERIM_RESPONSES_CEILING: usize = 1024;

/// The most unused upstream connections that any flag may keep, for one origin and credential.
pub const POOL_CONNECTIONS_CEILING: usize = 4096;

/// The most workers that any flag may ask for.
pub const WORKERS_CEILING: usize = 256;

/// Octets of a routes file: thousands of routes.
pub const ROUTES_FILE_OCTETS: usize = 1024 * KIB;

/// Octets of a token, in a file.
pub const TOKEN_OCTETS: usize = 64 * KIB;

/// Octets of all records of `--tokens-stdin`.
pub const TOKENS_STDIN_OCTETS: usize = 1024 * KIB;

/// Segments of a deny rule: the states of its matching, two more than segments, are the
/// bits of one word.
pub const RULE_SEGMENTS_CEILING: usize = 62;

/// Fields and query parameters of one request that name another method. Clients send one;
/// each is compared with each rule and each method of a route.
pub const METHOD_OVERRIDES_CEILING: usize = 4;

/// A worker more than this gains nothing: one core moves more than any agent asks for.
pub const WORKERS_DEFAULT_CEILING: usize = 4;

/// Descriptors kept back for listeners, epoll, log, files and the pool's rim; two are
/// used by each exchange, hence `min(4096, (descriptors − 64) / 2)` connections.
pub const DESCRIPTORS_RESERVED: usize = 64;

/// First size of a read buffer: a head and a small body fit.
pub const READ_BUFFER_OCTETS: usize = 8 * KIB;

/// A read buffer that reads keep filling doubles up to this size.
pub const READ_BUFFER_CEILING_OCTETS: usize = 384 * KIB;

/// A body of known length of which at least so much is still to come goes through a kernel
/// pipe where both sides are plain sockets: below, two more system calls cost what they save.
pub const KERNEL_PIPE_FROM_OCTETS: u64 = MIB as u64;

/// How much such a pipe holds: what the kernel grants any user, `fs.pipe-max-size`.
pub const KERNEL_PIPE_OCTETS: usize = MIB;

/// Such pipes in the whole process, two descriptors each out of those kept back; further
/// bodies are copied.
pub const KERNEL_PIPES: usize = 8;

/// A buffer larger than this is given back to the allocator, not to the free list.
pub const READ_BUFFER_KEPT_OCTETS: usize = 64 * KIB;

/// Plaintext of a TLS record at most (RFC 8446 §5.1).
pub const TLS_RECORD_OCTETS: usize = 16 * KIB;

/// Records of one handshake message that is not complete; it has 64 KiB at most itself.
pub const TLS_MESSAGE_OCTETS: usize = 128 * KIB;

/// Records that are deciphered before others have their turn: their cost is of each, not of
/// its octets, and a service may send them with one octet.
pub const TLS_RECORDS_PER_READ: usize = 256;

/// Plaintext that is sealed and written toward a service at once.
pub const TLS_WRITE_OCTETS: usize = 64 * KIB;

/// What deciphered octets are copied by: longer copies are left to `rep movsb` by the C
/// library, which is many times slower on some processors.
pub const TLS_COPY_OCTETS: usize = 4 * KIB;

/// Runs of one body that leave in a single vectored write.
pub const RUNS_PER_WRITE: usize = 16;

/// Up to so many octets are copied beside each other and leave by `send`: copying these
/// takes a tenth of what the kernel takes for a list of slices.
pub const SMALL_WRITE_OCTETS: usize = 512;

/// The most that a closing connection swallows: an upload that was refused half-way.
pub const LINGER_OCTETS: usize = 64 * 1024 * KIB;

/// How often a client is looked at whose input is not being read, for it may have hung
/// up behind octets that nobody takes. Half of the 100 ms within which spec §4 wants
/// the upstream cancelled.
pub const HANG_UP_CHECK_TIME: Duration = Duration::from_millis(50);

/// Pause of the accept loop when the process is out of descriptors.
pub const ACCEPT_BACK_OFF_TIME: Duration = Duration::from_millis(50);

/// Silence on a connection toward a service after which the kernel asks whether the
/// other side is still there. Responses may be silent for hours (spec §6), and what
/// translates addresses on the way forgets a connection after some minutes.
pub const UPSTREAM_KEEPALIVE_TIME: Duration = Duration::from_secs(60);

/// How long the pool remembers an origin and credential without connections, so that
/// its next exchange allocates nothing there.
pub const POOL_KEY_IDLE_TIME: Duration = Duration::from_secs(600);

/// Log lines waiting for standard error; more are dropped and counted.
pub const LOG_LINES_WAITING: usize = 4096;

/// Fields that a message's `Connection` may name beyond those that stay on a hop anyway
/// (431, 502). Real messages name none or one; without a bound, lines times options would
/// be work that a client gets for a few octets.
pub const CONNECTION_OPTIONS: usize = 16;

/// Connections waiting to be accepted; the kernel's own ceiling applies as well.
pub const ACCEPT_BACKLOG: i32 = 1024;

/// How many exchanges' memory a worker keeps: the parallel streams of a few agents.
pub const MEMORIES_KEPT: usize = 64;

/// A health check is asked for every half second; one that takes longer has failed.
pub const HEALTH_CHECK_TIME: Duration = Duration::from_secs(2);

/// Octets of a method or a path in a log line: a flood of long ones must not fill the
/// memory of the lines that wait.
pub const LOG_VALUE_OCTETS: usize = 256;

/// Octets of a response head as it goes downstream (502): the largest that a flag lets
/// in, and as much again for references that were made longer.
pub const FORWARDED_HEAD_OCTETS: usize = 2 * HEAD_OCTETS_CEILING;

/// `Link` targets of one response head (502). GitHub sends four, pages with preloads some
/// dozens. Each is settled against a request path of up to 16 KiB: without a bound, a head
/// of 128 KiB became 1.3 GiB and took seconds.
pub const LINK_TARGETS: usize = 512;

/// Connections at the admin address, of the descriptors that are kept back.
pub const ADMIN_CONNECTIONS: usize = 16;
