//! How a bottle's containers are held, as the engine itself tells.

use serde_json::{Value, json};

use crate::setting::{Setting, TOKEN_NAME, bearer};
use harness::TOKEN;

/// What both are: nothing of root's is left to them, and nobody starts them again.
fn assert_held(container: &Value) {
    let host = &container["HostConfig"];
    assert_eq!(host["CapDrop"], json!(["ALL"]));
    assert!(is_none(&host["CapAdd"]), "{}", host["CapAdd"]);
    assert_eq!(host["SecurityOpt"], json!(["no-new-privileges"]));
    assert_eq!(host["Privileged"], false);
    // Empty is no policy, as is `no`; engines differ in what they tell.
    let policy = host["RestartPolicy"]["Name"].as_str().unwrap_or_default();
    assert!(["", "no"].contains(&policy), "{policy}");
    assert!(is_none(&host["PortBindings"]), "{}", host["PortBindings"]);
    assert_eq!(host["PublishAllPorts"], false);
    for shared in ["PidMode", "UTSMode", "UsernsMode"] {
        assert_eq!(host[shared], "", "{shared}");
    }
    assert!(is_none(&host["Devices"]), "{}", host["Devices"]);
    assert!(is_none(&host["VolumesFrom"]), "{}", host["VolumesFrom"]);
    let ports = container["NetworkSettings"]["Ports"].as_object();
    let published = ports
        .into_iter()
        .flatten()
        .filter(|(_, to)| !is_none(to))
        .count();
    assert_eq!(published, 0, "{ports:?}");
}

/// Nothing, in any of the ways in which engines write it.
fn is_none(value: &Value) -> bool {
    *value == Value::Null || *value == json!([]) || *value == json!({})
}

fn networks(container: &Value) -> Vec<&str> {
    let networks = container["NetworkSettings"]["Networks"].as_object();
    networks
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect()
}

fn number(value: &Value) -> i64 {
    value
        .as_i64()
        .unwrap_or_else(|| panic!("a number: {value}"))
}

#[test]
fn the_containers_of_a_bottle_are_held_as_they_should_be() {
    let Some(setting) = Setting::new("docker: hardening") else {
        return;
    };
    let url = format!("https://{}:9", setting.outer.address());
    setting.manifest(&[bearer("/api/", &url)]);
    let bottle = setting.host.start();
    let (internal, egress) = (bottle.network("internal"), bottle.network("egress"));

    let sidecar = bottle.inspect("cred-proxy");
    assert_held(&sidecar);
    let (config, host) = (&sidecar["Config"], &sidecar["HostConfig"]);
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Hostname"], "cred-proxy");
    let mut on = networks(&sidecar);
    on.sort_unstable();
    assert_eq!(on, [egress.as_str(), internal.as_str()]);
    let aliases = &sidecar["NetworkSettings"]["Networks"][&internal]["Aliases"];
    let aliases = aliases.as_array().expect("names on the agent's network");
    assert!(aliases.contains(&json!("cred-proxy")), "{aliases:?}");
    assert_eq!(host["ReadonlyRootfs"], true);
    assert_eq!(number(&host["Memory"]), 512 * 1024 * 1024);
    assert_eq!(host["MemorySwap"], host["Memory"], "no swap beyond it");
    assert_eq!(number(&host["PidsLimit"]), 64);
    let health = &config["Healthcheck"];
    assert_eq!(health["Test"], json!(["CMD", "/cred-proxy", "healthcheck"]));
    assert_eq!(number(&health["Interval"]), 500_000_000);
    assert_eq!(sidecar["State"]["Health"]["Status"], "healthy");
    assert_eq!(host["LogConfig"]["Type"], "json-file");
    let kept = &host["LogConfig"]["Config"];
    assert_eq!(*kept, json!({ "max-size": "8m", "max-file": "2" }));
    let told = [&config["Env"], &config["Cmd"], &config["Entrypoint"]];
    for told in told.map(Value::to_string) {
        let tells = told.contains(TOKEN) || told.contains(TOKEN_NAME);
        assert!(!tells && !told.contains("TOKEN_0"), "{told}");
    }
    let binds = sidecar["Mounts"].as_array().into_iter().flatten();
    assert!(binds.clone().all(|mount| mount["Type"] == "volume"));
    assert_eq!(binds.count(), 1, "{}", sidecar["Mounts"]);

    let agent = bottle.inspect("agent");
    assert_held(&agent);
    let host = &agent["HostConfig"];
    assert_eq!(networks(&agent), [internal.as_str()]);
    let resolver = bottle.address("cred-proxy", "internal").to_string();
    assert_eq!(host["Dns"], json!([resolver]), "one that answers no name");
    assert_eq!(host["Init"], true);
    assert_eq!(number(&host["PidsLimit"]), 4096);
    assert_eq!(number(&host["OomScoreAdj"]), 500);
    let machine = setting.engine.ask(&["info", "--format", "{{.MemTotal}}"]);
    let machine: i64 = machine.trim().parse().expect("octets");
    let gib = 1024 * 1024 * 1024;
    assert_eq!(number(&host["Memory"]), (machine - gib).max(gib));
    assert_eq!(host["MemorySwap"], host["Memory"], "no swap beyond it");
    assert!(is_none(&agent["Mounts"]), "{}", agent["Mounts"]);
    assert_eq!(host["LogConfig"]["Type"], "none");
}

#[test]
fn a_socket_below_the_networks_is_told_where_it_opens() {
    let Some(setting) = Setting::new("docker: vsock") else {
        return;
    };
    setting.manifest(&[]);
    let bottle = setting.host.start();
    // None is connected: whether it can be had is all that is asked.
    let script = "import socket; socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)";
    let opened = bottle.exec(&["python3", "-c", script]);
    let told = bottle.told().text();
    eprintln!("in a bottle AF_VSOCK opens: {}", opened.status.success());
    assert_eq!(
        opened.status.success(),
        told.contains("AF_VSOCK"),
        "{opened:#?} {told}"
    );
}
