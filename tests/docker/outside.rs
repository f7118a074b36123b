//! What the other tests stand on: the engine, the image, the network that is outside.

use harness::docker::{Inventory, Outer, agent_image, engine};
use harness::origin::Origin;

#[test]
fn an_image_for_agents_has_what_agents_work_with() {
    let test = "docker: the image";
    let Some(engine) = engine(test) else { return };
    let Some(image) = agent_image(test, engine) else {
        return;
    };
    let script = "git --version && curl --version && python3 -c 'import ssl, ctypes' && id agent";
    let run = [
        "run",
        "--rm",
        "--network",
        "none",
        image,
        "sh",
        "-c",
        script,
    ];
    let said = engine.ask(&run);
    assert!(said.contains("uid=1000(agent)"), "{said}");
}

#[test]
fn a_container_outside_reaches_a_service_of_ours() {
    let test = "docker: the outer network";
    let Some(engine) = engine(test) else { return };
    let Some(image) = agent_image(test, engine) else {
        return;
    };
    let outer = Outer::new(engine);
    let service = Origin::on(outer.listener(), None, |_, answer| {
        answer.whole("200 OK", &[], b"here\n")
    });
    let container = outer.start(&[], image, &["sh", "-c", "echo up; sleep infinity"]);
    let curl = ["exec", container.name(), "curl", "-sS", &service.url()];
    assert_eq!(engine.ask(&curl), "here");
    assert!(container.address_in(outer.name(), true).is_ipv6());
    drop(container);
    let name = outer.name().to_owned();
    drop(outer);
    let left = Inventory::of(engine, Some("label=bottle.test=outer"));
    let gone = |line: &String| !line.contains(&name);
    assert!(left.networks.iter().all(gone), "{left:#?}");
}
