//! Images that pile up, and the cleanup that offers to remove them.

use serde_json::{Value, json};

use crate::small::Small;

/// An image of nothing, with this label.
fn import(small: &Small, name: &str, label: &str) {
    // The end of an archive, and nothing before it.
    small.import(name, &format!("LABEL {label}"), &[0; 1024]);
}

fn images(small: &Small) -> Vec<String> {
    let list = ["images", "--format", "{{.Repository}}:{{.Tag}}"];
    let mut all = small.engine.lines(&list);
    all.sort();
    all
}

/// What the template's image is called now.
fn of_template(small: &Small) -> String {
    let words = ["start", "claude", "--dry-run", "--format", "json"];
    let plan = small.host.run(&words);
    assert_eq!(plan.code(), 0, "{plan:#?}");
    let plan: Value = serde_json::from_str(&plan.stdout).expect("JSON");
    assert_eq!(plan["image"]["built_if_missing"], true, "{plan:#}");
    plan["image"]["name"].as_str().expect("a name").to_owned()
}

#[test]
fn images_of_other_versions_are_offered_and_removed_unless_something_needs_them() {
    let Some(small) = Small::new("docker: old images") else {
        return;
    };
    small.manifest(json!({ "workdir": "none" }));
    // Those of the present version, and a bottle that leaves them behind.
    let started = small.host.agent_does(&["true"]);
    assert_eq!(started.code(), 0, "{started:#?}");
    import(&small, &of_template(&small), "bottle.content=template");
    let present = images(&small);
    assert!(present.len() >= 4, "{present:?}");

    let old = [
        "bottle/cred-proxy:old",
        "bottle/bottle:old",
        "bottle-claude:old",
    ];
    for name in old {
        import(&small, name, "bottle.content=old");
    }
    let kept = ["bottle/cred-proxy:used", "bottle/theirs:1"];
    import(&small, kept[0], "bottle.content=used");
    import(&small, kept[1], "somebody=else");
    let user = small.engine.ask(&["create", kept[0], "/nothing"]);

    let unasked = small.host.run(&["cleanup"]);
    assert_eq!(unasked.code(), 2, "{unasked:#?}");
    for name in old {
        let line = format!("image {name}, 0 MiB");
        assert!(unasked.stderr.contains(&line), "{unasked:#?}");
        assert!(images(&small).contains(&name.to_owned()));
    }
    let stays = |told: &str| {
        for name in present.iter().map(String::as_str).chain(kept) {
            assert!(!told.contains(name), "{name}: {told}");
        }
    };
    stays(&unasked.stderr);
    // Images are of no bottle: who names one means that alone.
    let named = small.host.run(&["cleanup", "a-22222", "--yes"]);
    assert_eq!(named.code(), 0, "{named:#?}");
    let all = present.len() + old.len() + kept.len();
    assert_eq!(images(&small).len(), all);

    let cleaned = small.host.run(&["cleanup", "--yes"]);
    assert_eq!(cleaned.code(), 0, "{cleaned:#?}");
    stays(&cleaned.stderr);
    let mut left = present.clone();
    left.extend(kept.map(str::to_owned));
    left.sort();
    assert_eq!(images(&small), left);
    let again = small.host.run(&["cleanup", "--yes"]);
    assert!(
        again.stderr.contains("nothing is left behind"),
        "{again:#?}"
    );

    small.engine.ask(&["rm", &user]);
    small.engine.ask(&["rmi", kept[0], kept[1]]);
}
