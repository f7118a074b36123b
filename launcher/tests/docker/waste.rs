//! Images that pile up, and the cleanup that offers to remove them.

use crate::rig::{IMAGE, Rig, text};

/// An image with this label, or another where none is said.
fn import(rig: &Rig, name: &str, label: &str) {
    let change = format!("LABEL {label}");
    // The end of an archive, and nothing before it.
    let archive = [0; 1024];
    let import = ["import", "--change", &change, "-", name];
    let imported = rig.engine.docker(&import).run_with(&archive);
    assert_eq!(imported.code(), 0, "{imported:#?}");
}

fn images(rig: &Rig) -> Vec<String> {
    let list = ["images", "--format", "{{.Repository}}:{{.Tag}}"];
    let mut all = rig.engine.lines(&list);
    all.sort();
    all
}

#[test]
fn images_of_other_versions_are_offered_and_removed_unless_something_needs_them() {
    let Some(rig) = Rig::small() else { return };
    // Those of the present version, and a bottle that leaves them behind.
    let words = [
        "plan",
        "--image",
        IMAGE,
        "--upstream",
        "https://127.0.0.1:9",
    ];
    let started = rig
        .installed(&[&words[..], &["--", "true"]].concat())
        .output();
    let started = started.expect("its end");
    assert!(started.status.success(), "{}", text(&started.stderr));
    let present = images(&rig);
    assert!(present.len() >= 3, "{present:?}");

    let old = ["bottle/cred-proxy:old", "bottle/bottle:old"];
    for name in old {
        import(&rig, name, "bottle.content=old");
    }
    let kept = ["bottle/cred-proxy:used", "bottle/theirs:1"];
    import(&rig, kept[0], "bottle.content=used");
    import(&rig, kept[1], "somebody=else");
    let user = rig.engine.ask(&["create", kept[0], "/nothing"]);

    let unasked = rig.installed(&["cleanup"]).output().expect("its end");
    let told = text(&unasked.stderr);
    assert_eq!(unasked.status.code(), Some(2), "{told}");
    for name in old {
        assert!(told.contains(&format!("image {name}, 0 MiB")), "{told}");
        assert!(images(&rig).contains(&name.to_owned()));
    }
    let stays = |told: &str| {
        for name in present.iter().map(String::as_str).chain(kept) {
            assert!(!told.contains(name), "{name}: {told}");
        }
    };
    stays(&told);
    // Images are of no bottle: who names one means that alone.
    let named = rig.installed(&["cleanup", "a-22222", "--yes"]).output();
    assert!(named.expect("its end").status.success());
    assert_eq!(images(&rig).len(), present.len() + old.len() + kept.len());

    let cleaned = rig
        .installed(&["cleanup", "--yes"])
        .output()
        .expect("its end");
    let told = text(&cleaned.stderr);
    assert_eq!(cleaned.status.code(), Some(0), "{told}");
    stays(&told);
    let mut left = present.clone();
    left.extend(kept.map(str::to_owned));
    left.sort();
    assert_eq!(images(&rig), left);
    let again = rig
        .installed(&["cleanup", "--yes"])
        .output()
        .expect("its end");
    assert!(text(&again.stderr).contains("nothing is left behind"));

    rig.engine.ask(&["rm", &user]);
    rig.engine.ask(&["rmi", kept[0], kept[1]]);
}
