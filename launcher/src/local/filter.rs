//! System calls that no namespace holds, refused by a filter of the kernel's (seccomp).
//!
//! Sockets to a hypervisor (`AF_VSOCK`), keyrings and the messages of the kernel are the machine's,
//! whatever the namespace; the rest is what agents have no use for, and holes of kernels were
//! reached through.

/// The calls of one architecture, as the kernel numbers them.
struct Architecture {
    /// Its number in `seccomp_data`.
    audit: u32,
    socket: u32,
    /// Answered as if they were not permitted.
    denied: &'static [u32],
}

/// The three of `io_uring`, on every architecture: programs do without where there is none.
const IO_URING: [u32; 3] = [425, 426, 427];

/// keyctl, add_key, request_key, bpf, perf_event_open, userfaultfd, pidfd_getfd, syslog.
#[cfg(target_arch = "x86_64")]
const OWN: Option<Architecture> = Some(Architecture {
    audit: 0xc000_003e,
    socket: 41,
    denied: &[250, 248, 249, 321, 298, 323, 438, 103],
});

/// The same calls.
#[cfg(target_arch = "aarch64")]
const OWN: Option<Architecture> = Some(Architecture {
    audit: 0xc000_00b7,
    socket: 198,
    denied: &[219, 217, 218, 280, 241, 282, 438, 116],
});

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const OWN: Option<Architecture> = None;

/// Families of sockets: `AF_UNIX`, `AF_INET`, `AF_INET6`, `AF_NETLINK`.
const FAMILIES: [u32; 4] = [1, 2, 10, 16];

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;
const EAFNOSUPPORT: u32 = 97;

const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;

/// From this number on, calls are those of x86-64's 32-bit pointers.
const X32: u32 = 0x4000_0000;

// Where things are in `seccomp_data`; little-endian, as both architectures are.
const NUMBER: u32 = 0;
const AUDIT: u32 = 4;
const FIRST_ARGUMENT: u32 = 16;

// Instructions of classic BPF.
const LOAD: u16 = 0x20;
const IF_EQUAL: u16 = 0x15;
const IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

/// The filter, as bubblewrap reads it; none on an architecture whose numbers are not known.
pub(super) fn program() -> Option<Vec<u8>> {
    Some(assemble(&OWN?))
}

fn assemble(own: &Architecture) -> Vec<u8> {
    let mut program = Vec::new();
    let mut add = |code: u16, yes: u8, no: u8, value: u32| {
        program.extend_from_slice(&code.to_ne_bytes());
        program.extend_from_slice(&[yes, no]);
        program.extend_from_slice(&value.to_ne_bytes());
    };
    // Each question jumps over the answer behind it, or falls into it.
    add(LOAD, 0, 0, AUDIT);
    add(IF_EQUAL, 1, 0, own.audit);
    add(RETURN, 0, 0, ERRNO | ENOSYS);
    add(LOAD, 0, 0, NUMBER);
    add(IF_AT_LEAST, 0, 1, X32);
    add(RETURN, 0, 0, ERRNO | ENOSYS);
    let refused = own.denied.iter().map(|number| (*number, EPERM));
    for (number, error) in refused.chain(IO_URING.map(|number| (number, ENOSYS))) {
        add(IF_EQUAL, 0, 1, number);
        add(RETURN, 0, 0, ERRNO | error);
    }
    add(IF_EQUAL, 1, 0, own.socket);
    add(RETURN, 0, 0, ALLOW);
    add(LOAD, 0, 0, FIRST_ARGUMENT);
    for family in FAMILIES {
        add(IF_EQUAL, 0, 1, family);
        add(RETURN, 0, 0, ALLOW);
    }
    add(RETURN, 0, 0, ERRNO | EAFNOSUPPORT);
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: Architecture = Architecture {
        audit: 0xc000_003e,
        socket: 41,
        denied: &[250, 438],
    };

    /// What the kernel would do.
    fn verdict(audit: u32, number: u32, argument: u32) -> u32 {
        let program = assemble(&TEST);
        let (instructions, rest) = program.as_chunks::<8>();
        assert!(rest.is_empty());
        let (mut at, mut loaded) = (0, 0);
        loop {
            let [c0, c1, yes, no, k @ ..] = instructions[at];
            let k = u32::from_ne_bytes(k);
            at += 1;
            let jump = |is: bool| usize::from(if is { yes } else { no });
            match u16::from_ne_bytes([c0, c1]) {
                RETURN => return k,
                LOAD => {
                    loaded = match k {
                        NUMBER => number,
                        AUDIT => audit,
                        FIRST_ARGUMENT => argument,
                        other => panic!("nothing is at {other}"),
                    }
                }
                IF_EQUAL => at += jump(loaded == k),
                IF_AT_LEAST => at += jump(loaded >= k),
                other => panic!("no instruction {other}"),
            }
        }
    }

    #[test]
    fn what_no_namespace_holds_is_refused() {
        let own = TEST.audit;
        let rows = [
            (own, 0, 0, ALLOW, "read"),
            (own, 59, 40, ALLOW, "execve, whatever its argument"),
            (own, 41, 1, ALLOW, "a socket of the file system"),
            (own, 41, 2, ALLOW, "IPv4"),
            (own, 41, 10, ALLOW, "IPv6"),
            (own, 41, 16, ALLOW, "netlink"),
            (own, 41, 40, ERRNO | EAFNOSUPPORT, "to the hypervisor"),
            (own, 41, 38, ERRNO | EAFNOSUPPORT, "the kernel's ciphers"),
            (own, 41, 17, ERRNO | EAFNOSUPPORT, "packets"),
            (own, 250, 0, ERRNO | EPERM, "keyctl"),
            (own, 438, 0, ERRNO | EPERM, "pidfd_getfd"),
            (own, 425, 0, ERRNO | ENOSYS, "io_uring_setup"),
            (own, X32 + 41, 40, ERRNO | ENOSYS, "with 32-bit pointers"),
            (
                0x4000_0003,
                359,
                40,
                ERRNO | ENOSYS,
                "of another architecture",
            ),
        ];
        for (audit, number, argument, expected, what) in rows {
            assert_eq!(verdict(audit, number, argument), expected, "{what}");
        }
    }

    #[test]
    fn this_architecture_has_one() {
        let program = program().expect("a filter");
        assert_eq!(program.len() % 8, 0);
    }
}
