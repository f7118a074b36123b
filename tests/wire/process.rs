//! Section 1, the process: options, boot line, subcommands, exit codes.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;

use crate::support::{OK, get, one_exchange};
use harness::proxy::bearer;
use harness::upstream::{Deaf, listen};
use harness::{Peer, Proxy, TOKEN, Upstream};
use serde_json::json;

#[test]
fn the_boot_line_names_address_and_routes() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .route(bearer("/other/", &upstream.url()))
        .log("error")
        .start();
    let line = proxy.boot_line();
    for part in [proxy.authority().as_str(), "2", "/api/", "/other/"] {
        assert!(line.contains(part), "{part} in {line:?}");
    }
    assert_eq!(proxy.log_lines().len(), 1, "{}", proxy.log());
}

#[test]
fn each_option_is_a_variable_too() {
    let upstream = Upstream::plain();
    let builder = Proxy::to(&upstream).bare();
    let routes = builder.folder().join("routes.json");
    let proxy = builder
        .env("CRED_PROXY_ROUTES", routes)
        .env("CRED_PROXY_BIND", "127.0.0.1")
        .env("CRED_PROXY_PORT", "0")
        .env("CRED_PROXY_THREADS", "1")
        .env("CRED_PROXY_LOG", "access")
        .start();
    one_exchange(&proxy, &upstream);
    proxy.wait_for_access(1);
}

#[test]
fn a_flag_wins_over_its_variable() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .env("CRED_PROXY_ROUTES", "/nowhere/routes.json")
        .env("CRED_PROXY_BIND", "192.0.2.1")
        .env("CRED_PROXY_PORT", "1")
        .start();
    one_exchange(&proxy, &upstream);
}

#[test]
fn a_wrong_command_line_is_exit_2_and_says_what() {
    for (arguments, word) in [
        (&["--no-such-flag"][..], "no-such-flag"),
        (&["--port", "65536"], "port"),
        (&["--port", "x"], "port"),
        (&["--bind", "nowhere"], "bind"),
        (&["--threads", "0"], "threads"),
        (&["--log", "loud"], "log"),
        (&["--admin", "0.0.0.0:0"], "loopback"),
        (&["--admin", "192.0.2.1:80"], "loopback"),
        (&["--limit-request-field-lines", "0"], "request-field-lines"),
        (&["--limit-request-head-octets", "x"], "request-head-octets"),
        (&["--limit-connections", "0"], "connections"),
        (&["--limit-idle-time", "soon"], "idle-time"),
        (&["--limit-idle-time=-1s"], "idle-time"),
        (&["--allow-host", ""], "allow-host"),
        (&["--allow-host", "a/b"], "allow-host"),
    ] {
        let mut builder = Proxy::builder()
            .bare()
            .env("CRED_PROXY_ROUTES", "routes.json");
        for argument in arguments {
            builder = builder.arg(argument);
        }
        let finished = builder.run("");
        assert_eq!(finished.code(), 2, "{arguments:?}: {finished:?}");
        assert!(
            finished.stderr.contains(word),
            "{arguments:?}: {finished:?}"
        );
    }
}

#[test]
fn an_unknown_subcommand_is_exit_2() {
    let finished = Proxy::builder().run("frobnicate");
    assert_eq!(finished.code(), 2, "{finished:?}");
    assert!(finished.stderr.contains("frobnicate"), "{finished:?}");
}

#[test]
fn help_and_version_go_to_standard_output() {
    for (argument, word) in [("--help", "--routes"), ("--version", "cred-proxy")] {
        let finished = Proxy::builder().bare().arg(argument).run("");
        assert_eq!(finished.code(), 0, "{finished:?}");
        assert!(finished.stdout.contains(word), "{finished:?}");
    }
    // The help of a subcommand does not run it.
    for subcommand in ["check", "healthcheck", "serve"] {
        let finished = Proxy::builder().bare().arg("--help").run(subcommand);
        assert_eq!(finished.code(), 0, "{subcommand}: {finished:?}");
        assert!(finished.stdout.contains("--routes"), "{finished:?}");
    }
}

#[test]
fn check_prints_the_table_without_secrets() {
    let finished = Proxy::to_url("https://api.example.org/base")
        .route(bearer("/plain/", "http://plain.example.org"))
        .route(json!({"path": "/unset/", "upstream": "https://h", "auth_scheme": "Bearer", "token_env": "THE_UNSET"}))
        .run("check");
    assert_eq!(finished.code(), 0, "{finished:?}");
    for part in [
        "/api/",
        "https://api.example.org/base",
        "/plain/",
        "/unset/",
    ] {
        assert!(finished.stdout.contains(part), "{part} in {finished:?}");
    }
    let all = format!("{}{}", finished.stdout, finished.stderr);
    assert!(!all.contains(TOKEN));
    assert!(all.contains("THE_UNSET"), "{all:?}");
    let warns = |line: &str| line.contains("/plain/") && line.contains("http");
    assert!(all.lines().any(warns), "a warning of plain http in {all:?}");
}

#[test]
fn check_finds_every_problem() {
    let routes = json!({"routes": [
        {"path": "no-slash", "upstream": "https://h", "auth_scheme": "Bearer", "token_env": "A"},
        bearer("/x/", "ftp://h"),
        bearer("/y/", "https://h"),
        bearer("/y/", "https://h"),
    ]});
    for subcommand in ["check", "serve", ""] {
        let finished = Proxy::builder().routes(&routes).run(subcommand);
        assert_eq!(finished.code(), 2, "{subcommand}: {finished:?}");
        let lines: Vec<&str> = finished.stderr.lines().collect();
        assert_eq!(lines.len(), 3, "a line a problem: {lines:?}");
    }
}

#[test]
fn healthcheck_tells_a_living_proxy_from_a_dead_one() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .arg("--allow-host")
        .arg("only.test")
        .start();
    let of = |address: SocketAddr| {
        Proxy::builder()
            .bare()
            .env("CRED_PROXY_BIND", address.ip().to_string())
            .env("CRED_PROXY_PORT", address.port().to_string())
            .run("healthcheck")
    };
    let finished = of(proxy.address());
    assert_eq!(finished.code(), 0, "{finished:?}");
    // Bound to every address, it is asked for on the loopback one.
    let any = SocketAddr::from(([0, 0, 0, 0], proxy.address().port()));
    assert_eq!(of(any).code(), 0);
    let finished = of(Deaf::new().address());
    assert_eq!(finished.code(), 1, "{finished:?}");
    upstream.assert_untouched();
}

#[test]
fn healthcheck_is_not_content_with_somebody_else() {
    let service = harness::Service::plain(|_| {
        b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()
    });
    let address: SocketAddr = service.authority().parse().unwrap();
    let finished = Proxy::builder()
        .bare()
        .env("CRED_PROXY_BIND", "127.0.0.1")
        .env("CRED_PROXY_PORT", address.port().to_string())
        .run("healthcheck");
    assert_eq!(finished.code(), 1, "{finished:?}");
}

#[test]
fn a_port_in_use_is_an_error_that_names_it() {
    let taken = listen();
    let port = taken.local_addr().unwrap().port().to_string();
    let finished = Proxy::builder()
        .bare()
        .routes(r#"{"routes": []}"#)
        .env("CRED_PROXY_ROUTES", "routes.json")
        .env("CRED_PROXY_BIND", "127.0.0.1")
        .env("CRED_PROXY_PORT", &port)
        .run("");
    assert_ne!(finished.code(), 0, "{finished:?}");
    assert!(finished.stderr.contains(&port), "{finished:?}");
}

/// A line of `/proc/PID/limits`: the soft and the hard limit.
fn limit_of(proxy: &Proxy, name: &str) -> (String, String) {
    let path = format!("/proc/{}/limits", proxy.pid());
    let limits = std::fs::read_to_string(path).expect("the limits of a process");
    let line = limits.lines().find_map(|line| line.strip_prefix(name));
    let mut words = line.expect(name).split_whitespace().map(str::to_owned);
    (words.next().expect("soft"), words.next().expect("hard"))
}

#[test]
fn the_process_leaves_no_core() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    let core = limit_of(&proxy, "Max core file size");
    assert_eq!(core, ("0".to_owned(), "0".to_owned()));
}

#[test]
fn the_process_cannot_be_looked_into_by_its_own_user() {
    let upstream = Upstream::plain();
    let mut builder = Proxy::to(&upstream);
    if rustix::process::geteuid().is_root() {
        builder = builder.user(65534);
    }
    let proxy = builder.start();
    // proc(5): what belongs to a process that is not dumpable belongs to root.
    let environ = std::fs::metadata(format!("/proc/{}/environ", proxy.pid()));
    assert_eq!(environ.expect("the environment of a process").uid(), 0);
    one_exchange(&proxy, &upstream);
}

#[test]
fn descriptors_are_raised_to_the_hard_limit() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    let (soft, hard) = limit_of(&proxy, "Max open files");
    assert_eq!(soft, hard);
}

#[test]
fn inherited_sockets_are_served() {
    let upstream = Upstream::plain();
    for count in [1, 2] {
        for threads in ["1", "2", "3"] {
            let sockets: Vec<_> = (0..count).map(|_| listen()).collect();
            let addresses: Vec<SocketAddr> =
                sockets.iter().map(|s| s.local_addr().unwrap()).collect();
            let proxy = Proxy::to(&upstream)
                .inherit(sockets)
                .inherit_names(&["reverse"; 2][..count].join(":"))
                .arg("--threads")
                .arg(threads)
                .start();
            assert!(
                addresses.contains(&proxy.address()),
                "{}",
                proxy.boot_line()
            );
            for address in addresses {
                let mut client = proxy.client_of(address);
                client.send(get("/api/x"));
                let mut service = upstream.accept();
                service.read_head();
                service.send(OK);
                assert_eq!(client.read_response("GET").status(), 200);
            }
            assert_eq!(proxy.terminate().code(), Some(0));
        }
    }
}

#[test]
fn inherited_sockets_need_no_names() {
    let upstream = Upstream::plain();
    let socket = listen();
    let address = socket.local_addr().unwrap();
    let proxy = Proxy::to(&upstream).inherit(vec![socket]).start();
    assert_eq!(proxy.address(), address);
    one_exchange(&proxy, &upstream);
}

#[test]
fn an_inherited_socket_of_an_unknown_face_is_not_served() {
    let upstream = Upstream::plain();
    let started = Proxy::to(&upstream)
        .inherit(vec![listen()])
        .inherit_names("mystery")
        .try_start();
    let finished = started.err().expect("no start");
    assert_eq!(finished.code(), 2, "{finished:?}");
    assert!(finished.stderr.contains("mystery"), "{finished:?}");
}

#[test]
fn the_demonstration_holds_what_it_promises() {
    let finished = Proxy::builder().bare().run("demo");
    assert_eq!(finished.code(), 0, "{finished:?}");
    assert!(
        finished.stdout.lines().count() > 5,
        "a transcript: {finished:?}"
    );
}
