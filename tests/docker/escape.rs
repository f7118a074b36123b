//! The ways out of a bottle: every one fails for a reason that is named, and is open to the
//! same program outside.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener};

use harness::attempt::{PEER, Table, attempt};
use harness::docker::{Container, Outer, RunningBottle};
use harness::origin::Origin;
use harness::upstream::{listen, listen_at};
use serde_json::{Value, json};

use crate::setting::{Setting, UP, bearer};

/// Where clouds have the service that knows a machine's own credentials.
const METADATA: &str = "169.254.169.254";

/// What [`Ipv4Addr`]s the engine has set aside for this machine in a network.
fn gateway(setting: &Setting, network: &str) -> IpAddr {
    let said = setting.engine.ask(&["network", "inspect", network]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let block = &said[0]["IPAM"]["Config"][0];
    if let Some(gateway) = block["Gateway"].as_str() {
        return gateway.parse().expect("an address");
    }
    let subnet = block["Subnet"].as_str().unwrap_or_default();
    let first = subnet.split('/').next().unwrap_or_default();
    let first: Ipv4Addr = first.parse().expect("a block of IPv4");
    IpAddr::V4(Ipv4Addr::from_bits(first.to_bits() + 1))
}

/// A bottle with a route to a service that nobody asks.
fn sealed(setting: &Setting, agent: Value) -> RunningBottle {
    let route = bearer("/api/", &format!("https://{}:9", setting.outer.address()));
    let bottle = json!({ "cred_proxy": { "routes": [route] } });
    setting.host.manifest(setting.image, bottle, agent);
    let bottle = setting.host.start();
    assert_leads_nowhere(setting, &bottle);
    // Nor is a name asked of anybody but who is in the bottle, or of an address of nobody's.
    let resolvers = bottle.inspect("agent")["HostConfig"]["Dns"].clone();
    let sidecar = bottle.address("cred-proxy", "internal").to_string();
    let allowed = [json!(["192.0.2.53"]), json!([sidecar])];
    assert!(
        allowed.contains(&resolvers),
        "the resolver's own resolver: {resolvers}"
    );
    bottle
}

/// Fails if what the agent sends to a foreign address could leave its network: then no attempt
/// is made, and no other host is ever troubled by a bottle that leaks. Some engines give a
/// network without a way out a default route, to an address that nobody has.
fn assert_leads_nowhere(setting: &Setting, bottle: &RunningBottle) {
    let place = gateway(setting, &bottle.network("internal"));
    let bound = TcpListener::bind((place, 0)).map_err(|why| why.kind());
    let nobody = Some(std::io::ErrorKind::AddrNotAvailable);
    assert_eq!(bound.err(), nobody, "this machine has {place}");
    let routes = bottle.ask(&["cat", "/proc/net/route"]);
    let next_hops = routes.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_default = fields.get(1) == Some(&"00000000");
        is_default.then(|| u32::from_str_radix(fields[2], 16).expect("an address"))
    });
    for next_hop in next_hops {
        let next_hop = IpAddr::V4(Ipv4Addr::from_bits(next_hop.swap_bytes()));
        assert_eq!(next_hop, place, "a way out:\n{routes}");
    }
}

/// How an attempt ends that nobody answers, for there is no way to anybody.
const NO_WAY: [&str; 2] = ["ENETUNREACH", "EHOSTUNREACH"];

fn peer(setting: &Setting) -> Container {
    let options = ["--cap-add", "NET_ADMIN"];
    let command = ["python3", "-c", PEER, METADATA];
    setting.outer.start(&options, setting.image, &command)
}

#[test]
fn there_is_no_way_out_over_the_network() {
    let Some(setting) = Setting::new("docker: the network") else {
        return;
    };
    let peer = peer(&setting);
    let outsider = setting.outsider();
    let bottle = sealed(&setting, json!({ "workdir": "none" }));
    let inside = |command: &[&str]| bottle.exec(command);
    let outside = |command: &[&str]| outsider.exec(command);
    let mut table = Table::default();
    let mut same = |what: &str, why: &[&str], arguments: &[&str]| {
        table.row(what, (&inside, arguments), why, (&outside, arguments));
    };

    let address = |is_v6| peer.address_in(setting.outer.name(), is_v6).to_string();
    let (v4, v6) = (address(false), address(true));
    same("a host outside, IPv4", &NO_WAY, &["tcp", &v4, "7000"]);
    let no_v6 = ["ENETUNREACH", "EADDRNOTAVAIL"];
    same("a host outside, IPv6", &no_v6, &["tcp", &v6, "7000"]);
    // Nobody tells a datagram's sender.
    let silence = [NO_WAY[0], NO_WAY[1], "ETIMEDOUT"];
    let question = ["resolver", &v4, "outside.invalid"];
    same("straight to a resolver", &silence, &question);

    let listens = |listener: &TcpListener| {
        let address = listener.local_addr().expect("an address");
        (address.ip().to_string(), address.port().to_string())
    };
    let services = [
        (
            "this machine's address outside",
            setting.outer.listener(),
            NO_WAY,
        ),
        (
            "this machine's address beside the sidecar",
            listen_at(gateway(&setting, &bottle.network("egress"))),
            NO_WAY,
        ),
        ("this machine's loopback", listen(), ["ECONNREFUSED"; 2]),
    ];
    for (what, listener, why) in &services {
        let (ip, port) = listens(listener);
        same(what, why, &["tcp", &ip, &port]);
    }
    let sidecar = bottle.address("cred-proxy", "egress").to_string();
    same(
        "the sidecar's other side",
        &NO_WAY,
        &["http", &sidecar, "9099"],
    );

    let asking = setting.outer.start(&["--dns", &v4], setting.image, &UP);
    let asks = |command: &[&str]| asking.exec(command);
    let name = ["name", "outside.invalid"];
    let unanswered = ["EAI_AGAIN", "EAI_NONAME"];
    table.row(
        "a foreign name",
        (&inside, &name),
        &unanswered,
        (&asks, &name),
    );

    let beside = |command: &[&str]| peer.exec(command);
    let metadata = ["tcp", METADATA, "80"];
    table.row(
        "the metadata address",
        (&inside, &metadata),
        &NO_WAY,
        (&beside, &metadata),
    );
    table.assert_sealed(9);
}

#[test]
fn the_host_has_no_place_on_the_agents_network() {
    let Some(setting) = Setting::new("docker: the host's place") else {
        return;
    };
    let bottle = sealed(&setting, json!({ "workdir": "none" }));
    let place = gateway(&setting, &bottle.network("internal"));
    // What the engine calls internal has it.
    let weak = Outer::internal(setting.engine);
    let listener = weak.listener();
    let port = listener
        .local_addr()
        .expect("an address")
        .port()
        .to_string();
    let control = weak.start(&[], setting.image, &UP);
    let (place, open) = (place.to_string(), weak.address().to_string());
    let mut table = Table::default();
    table.row(
        "this machine on the agent's network",
        (&|command| bottle.exec(command), &["tcp", &place, &port]),
        &["EHOSTUNREACH"],
        (&|command| control.exec(command), &["tcp", &open, &port]),
    );
    table.assert_sealed(1);
}

#[test]
fn another_bottles_sidecar_is_out_of_reach() {
    let Some(setting) = Setting::new("docker: another bottle") else {
        return;
    };
    let bottle = sealed(&setting, json!({ "workdir": "none" }));
    let other = setting.host.start();
    let outsider = setting.outsider();
    let network = other.network("internal");
    let within = Container::start(setting.engine, &["--network", &network], setting.image, &UP);
    let mut table = Table::default();
    let inside = |command: &[&str]| bottle.exec(command);
    let (own, beside) = ("internal", "egress");
    for (which, control) in [(own, &within), (beside, &outsider)] {
        let address = other.address("cred-proxy", which).to_string();
        let arguments = ["http", &address, "9099"];
        table.row(
            which,
            (&inside, &arguments),
            &NO_WAY,
            (&|command| control.exec(command), &arguments),
        );
    }
    table.assert_sealed(2);
    let ours = attempt(&inside, &["http", "cred-proxy", "9099"]);
    assert!(ours.done, "its own sidecar: {ours:?}");
}

#[test]
fn nothing_of_this_machine_is_in_a_bottle() {
    let Some(setting) = Setting::new("docker: the machine") else {
        return;
    };
    let bottle = sealed(&setting, json!({ "workdir": "none" }));
    let outsider = setting.outsider();
    let inside = |command: &[&str]| bottle.exec(command);
    let outside = |command: &[&str]| outsider.exec(command);
    let mut table = Table::default();
    let mut same = |what: &str, why: &[&str], arguments: &[&str]| {
        table.row(what, (&inside, arguments), why, (&outside, arguments));
    };

    let hex = |octets: &[u8]| -> String {
        let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        digits.chars().rev().collect()
    };
    let leaks = setting.leaks();
    let needles: Vec<String> = leaks.renderings().map(hex).collect();
    let needles: Vec<&str> = needles.iter().map(String::as_str).collect();
    same(
        "a process that knows the token",
        &["not in"],
        &[&["processes"], &needles[..]].concat(),
    );
    setting.host.write("planted", harness::TOKEN);
    let folder = setting.host.folder().display().to_string();
    let everywhere = [&["files", "/"], &needles[..]].concat();
    let there = [&["files", &folder], &needles[..]].concat();

    let sidecar = bottle.inspect("cred-proxy")["State"]["Pid"].to_string();
    same(
        "the sidecar's memory by ptrace",
        &["ESRCH", "EPERM"],
        &["trace", &sidecar],
    );
    same(
        "the sidecar's memory by file",
        &["ENOENT"],
        &["memory", &sidecar],
    );
    let launcher = bottle.pid().to_string();
    same(
        "the launcher by ptrace",
        &["ESRCH", "EPERM"],
        &["trace", &launcher],
    );
    let socket = setting.engine.socket().display().to_string();
    same("the engine's socket", &["ENOENT"], &["unix", &socket]);
    same("a raw socket of IP", &["EPERM"], &["raw", "icmp"]);
    same("a raw socket of the link", &["EPERM"], &["raw", "packet"]);
    same("a mount", &["EPERM"], &["mount", "/usr", "/home"]);
    same("a user namespace", &["EPERM"], &["namespace"]);
    table.row(
        "a file with the token",
        (&inside, &everywhere),
        &["not in"],
        (&outside, &there),
    );
    table.assert_sealed(10);
    for line in [
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
    ] {
        let status = bottle.ask(&["cat", "/proc/self/status", "/proc/1/status"]);
        assert_eq!(status.matches(line).count(), 2, "{line} in {status}");
    }
}

#[test]
fn what_the_host_runs_in_a_bound_directory_is_out_of_reach() {
    let Some(setting) = Setting::new("docker: a bound directory") else {
        return;
    };
    for folder in ["work/.git/hooks", "control/.git/hooks", "control/.bottle"] {
        fs::create_dir_all(setting.host.path(folder)).expect("a folder");
    }
    for place in ["work", "control"] {
        setting
            .host
            .write(&format!("{place}/.git/config"), "[core]\n\tbare = false\n");
        setting
            .host
            .write(&format!("{place}/.git/HEAD"), "ref: refs/heads/main\n");
    }
    let bottle = sealed(&setting, json!({ "workdir": "bind" }));
    let outsider = setting.outsider();
    let work = bottle.ask(&["pwd"]).trim().to_owned();
    let control = setting.host.path("control").display().to_string();
    let inside = |command: &[&str]| bottle.exec(command);
    let outside = |command: &[&str]| outsider.exec(command);
    let mut table = Table::default();
    table.host_obeys((&inside, &work), (&outside, &control));
    table.assert_sealed(6);
    assert_eq!(
        bottle.ask(&["sh", "-c", "echo mine >file; cat file"]),
        "mine\n"
    );
    assert_eq!(
        fs::read_to_string(setting.host.path("work/file")).expect("a file"),
        "mine\n"
    );
    bottle.ask(&[
        "sh",
        "-c",
        "printf '[core]\\n\\thooksPath = evil\\n' >>.git/config",
    ]);
    let ended = bottle.stop();
    assert!(ended.stderr.contains("hooksPath = evil"), "{ended:#?}");
    let empty: Vec<_> = fs::read_dir(setting.host.path("work"))
        .expect("a folder")
        .collect();
    assert_eq!(empty.len(), 2, "the mount points are gone: {empty:?}");
}

#[test]
fn no_answer_of_a_service_holds_the_token() {
    let Some(setting) = Setting::new("docker: an echo") else {
        return;
    };
    let service = Origin::on(
        setting.outer.listener(),
        Some(setting.tls()),
        |_, answer| answer.whole("200 OK", &[("set-cookie", "a=b")], b"fine\n"),
    );
    setting.manifest(&[bearer("/api/", &service.url())]);
    harness::chores::look_for_the_token(&setting.host, &service);
}
