//! The ways out over the network.

use std::net::TcpListener;

use harness::attempt::{Table, attempt};
use harness::local::{LocalBottle, METADATA, Outside, on_this_machine};
use harness::upstream::{listen, listen_at};

use crate::setting::{bearer, each, unused};

/// Fails unless the sandbox has no device but loopback, and no way to anywhere: then no
/// attempt leaves this machine, and no other host is troubled by a sandbox that leaks.
fn assert_leads_nowhere(bottle: &LocalBottle) {
    let devices = bottle.ask(&["cat", "/proc/net/dev"]);
    let names: Vec<&str> = devices
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0.trim()))
        .collect();
    assert_eq!(names, ["lo"], "{devices}");
    let routes = bottle.ask(&["cat", "/proc/net/route"]);
    assert!(routes.lines().count() <= 1, "{routes}");
    let routes = bottle.ask(&["cat", "/proc/net/ipv6_route"]);
    let is_loopback = |line: &str| line.trim_end().ends_with(" lo");
    assert!(routes.lines().all(is_loopback), "{routes}");
}

#[test]
fn there_is_no_way_out_over_the_network() {
    let test = "local: the network";
    each(test, |setting| {
        let Some(host) = Outside::new(test) else {
            return;
        };
        setting.manifest(&[unused()], "none");
        let bottle = setting.start();
        assert_leads_nowhere(&bottle);
        let inside = |command: &[&str]| bottle.exec(command);
        let beside = |command: &[&str]| host.beside(command);
        let within = |command: &[&str]| host.within(command);
        let mut table = Table::default();
        let (v4, v6, no_way) = (host.v4(), host.v6(), host.no_way());
        for (what, address) in [("a host outside, IPv4", &v4), ("a host outside, IPv6", &v6)] {
            let arguments = ["tcp", address, "7000"];
            table.row(what, (&inside, &arguments), &no_way, (&beside, &arguments));
        }
        let question = ["resolver", &v4, "outside.invalid"];
        table.row(
            "straight to a resolver",
            (&inside, &question),
            &no_way,
            (&beside, &question),
        );
        let name = ["name", "outside.invalid"];
        let unknown = ["EAI_AGAIN", "EAI_NONAME"];
        table.row(
            "a foreign name",
            (&inside, &name),
            &unknown,
            (&within, &name),
        );
        let metadata = ["tcp", METADATA, "80"];
        table.row(
            "the metadata address",
            (&inside, &metadata),
            &["ENETUNREACH"],
            (&within, &metadata),
        );
        let v6_loopback = listen_at("::1".parse().expect("an address"));
        for (what, listener) in [
            ("this machine's loopback, IPv4", listen()),
            ("this machine's loopback, IPv6", v6_loopback),
        ] {
            let (ip, port) = place(&listener);
            let arguments = ["tcp", &ip, &port];
            let refused = ["ECONNREFUSED", "EADDRNOTAVAIL"];
            table.row(
                what,
                (&inside, &arguments),
                &refused,
                (&on_this_machine, &arguments),
            );
        }
        table.assert_sealed(7);
    });
}

fn place(listener: &TcpListener) -> (String, String) {
    let address = listener.local_addr().expect("an address");
    (address.ip().to_string(), address.port().to_string())
}

#[test]
fn another_bottles_proxy_is_out_of_reach() {
    each("local: another bottle", |setting| {
        let service = setting.service();
        setting.manifest(&[bearer("/one/", &service.url())], "none");
        let one = setting.start();
        setting.manifest(&[bearer("/two/", &service.url())], "none");
        let two = setting.start();
        let status = |bottle: &LocalBottle, path: &str| {
            let url = format!("http://cred-proxy:9099{path}");
            bottle.ask(&["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", &url])
        };
        for (bottle, other, own, others) in [
            (&one, &two, "/one/", "/two/"),
            (&two, &one, "/two/", "/one/"),
        ] {
            assert_eq!(status(bottle, own), "200");
            assert_eq!(status(bottle, others), "404");
            let network = |bottle: &LocalBottle| bottle.ask(&["readlink", "/proc/self/ns/net"]);
            assert_ne!(network(bottle), network(other), "one network");
        }
        // Nor does this machine reach it, for it listens nowhere but in its sandbox.
        let outside = attempt(&on_this_machine, &["tcp", "127.0.0.1", "9099"]);
        assert_eq!(
            (outside.done, outside.why.as_str()),
            (false, "ECONNREFUSED")
        );
        assert_eq!(service.requests().len(), 2);
    });
}
