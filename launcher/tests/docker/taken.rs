//! A name that somebody else's network has.

use launcher::docker::{Kind, NetworkSpec};

use crate::rig::Rig;

fn spec(name: &str, labels: &[(&str, &str)], sealed: bool) -> NetworkSpec {
    let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    NetworkSpec {
        name: name.to_owned(),
        labels: labels.iter().map(own).collect(),
        sealed,
    }
}

/// The ids of the networks of that name.
fn ids(rig: &Rig, name: &str) -> Vec<String> {
    let filter = format!("name=^{name}$");
    let list = [
        "network",
        "ls",
        "--no-trunc",
        "--quiet",
        "--filter",
        &filter,
    ];
    rig.engine.lines(&list)
}

#[test]
fn a_network_is_ours_by_its_labels_and_not_by_its_name() {
    let Some(rig) = Rig::new() else { return };
    let name = format!("bottle-test-taken-{}", std::process::id());
    // Part of a name is not the name.
    let longer = format!("{name}-longer");
    let make = |spec: NetworkSpec| rig.block_on(rig.docker.create_network(&spec));
    let of = |launcher| [("bottle.test", "taken"), ("bottle.launcher", launcher)];
    make(spec(&longer, &of("one"), false)).expect("made");
    make(spec(&name, &of("one"), false)).expect("made");
    let first = ids(&rig, &name);
    assert_eq!(first.len(), 1, "{first:?}");
    make(spec(&name, &of("one"), false)).expect("made already");
    assert_eq!(ids(&rig, &name), first);
    for other in [spec(&name, &of("two"), true), spec(&name, &[], true)] {
        let refused = make(other).expect_err("it is somebody else's");
        let told = refused.to_string();
        assert!(
            told.contains(&name) && told.contains("somebody else's"),
            "{told}"
        );
        assert_eq!(ids(&rig, &name), first);
    }
    for name in [&name, &longer] {
        let removed = rig.block_on(rig.docker.remove(Kind::Network, name));
        removed.expect("removed");
        assert_eq!(ids(&rig, name), [""; 0]);
    }
}
