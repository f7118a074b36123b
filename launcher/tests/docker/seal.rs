//! The probe sees a network that is not sealed, and one that is.

use launcher::docker::{ContainerSpec, ImageSpec, Kind, NetworkSpec};

use crate::rig::{Rig, text};

const IMAGE: &str = "bottle-test/probe:1";

fn build(rig: &Rig) {
    let mut context = tar::Builder::new(Vec::new());
    // A program has holes, and the engine does not read sparse archives.
    context.sparse(false);
    let dockerfile = b"FROM scratch\nCOPY bottle /bottle\n";
    let mut header = tar::Header::new_gnu();
    header.set_size(dockerfile.len() as u64);
    header.set_mode(0o644);
    context
        .append_data(&mut header, "Dockerfile", &dockerfile[..])
        .expect("added");
    let bottle = env!("CARGO_BIN_EXE_bottle");
    context
        .append_path_with_name(bottle, "bottle")
        .expect("added");
    let image = ImageSpec {
        tag: IMAGE.to_owned(),
        labels: Vec::new(),
        context: context.into_inner().expect("an archive"),
    };
    rig.block_on(rig.docker.build_image(image, &mut |_| ()))
        .expect("the image");
}

/// What the probe says on a network, and its exit code.
fn probed(rig: &Rig, name: &str, sealed: bool) -> (i64, String) {
    let docker = &rig.docker;
    let network = NetworkSpec {
        name: name.to_owned(),
        labels: Vec::new(),
        sealed,
    };
    rig.block_on(async {
        docker.create_network(&network).await?;
        let gateway = docker.network_addresses(name).await?.gateway;
        let spec = ContainerSpec {
            name: name.to_owned(),
            image: IMAGE.to_owned(),
            command: ["/bottle", "probe", "--patience-ms=600"]
                .map(str::to_owned)
                .into(),
            network: Some(name.to_owned()),
            processes: 64,
            // It refuses at once, and lets the container end.
            resolvers: vec![gateway],
            ..ContainerSpec::default()
        };
        let mut spec = spec;
        spec.command.push(format!("--gateway={gateway}"));
        docker.create_container(&spec).await?;
        let mut attached = docker.attach(name, false, false).await?;
        docker.start_container(name).await?;
        let mut words = Vec::new();
        while let Some(output) = attached.output.next().await? {
            words.extend_from_slice(&output.octets);
        }
        let code = docker.wait_container(name).await?;
        docker.remove(Kind::Container, name).await?;
        docker.remove(Kind::Network, name).await?;
        Ok::<_, launcher::docker::DockerError>((code, text(&words)))
    })
    .expect("a probe")
}

#[test]
fn an_internal_network_without_a_host_is_sealed_and_an_ordinary_one_is_not() {
    let Some(rig) = Rig::new() else { return };
    build(&rig);
    let own = std::process::id();
    let (code, words) = probed(&rig, &format!("bottle-test-open-{own}"), false);
    assert_eq!(code, 3, "{words}");
    assert!(
        words.contains("answers") || words.contains("takes connections"),
        "{words}"
    );
    assert!(!words.contains("sealed"), "{words}");
    let (code, words) = probed(&rig, &format!("bottle-test-sealed-{own}"), true);
    let mut lines: Vec<&str> = words.lines().collect();
    assert_eq!((code, lines.pop()), (0, Some("sealed")), "{words}");
    assert!(
        lines.iter().all(|line| line.starts_with("note: ")),
        "{words}"
    );
}
