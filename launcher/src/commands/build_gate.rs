//! `bottle build-gate`.

use super::backend::host_path;
use super::{block_on, connect, progress};
use crate::args::BuildGate;
use crate::bottle::exit_code::NOT_STARTED;
use crate::bottle::{GivenScanner, gate_image_spec};
use crate::host::scanner;
use crate::progress::Progress;

/// Builds the image of the git gate.
pub(super) fn run(args: &BuildGate) -> u8 {
    block_on(async {
        let mut progress = progress();
        let built = build(args, &mut progress).await;
        progress.done();
        match built {
            Ok(scanner) => {
                let image = &args.image;
                progress.tell(&format!(
                    "the image {image} is built; it scans with {scanner}"
                ));
                0
            }
            Err(sentence) => {
                progress.tell(&sentence);
                NOT_STARTED
            }
        }
    })
}

/// Gives what scans in the image.
async fn build(args: &BuildGate, progress: &mut Progress) -> Result<String, String> {
    let found = match &args.scanner {
        Some(named) => Some(scanner::find(Some(named), &host_path())?),
        None => None,
    };
    let given = found.as_ref().map(|found| GivenScanner {
        program: &found.program,
        version: &found.version,
    });
    let spec = gate_image_spec(&args.image, &args.base, given.as_ref());
    let spec = spec.map_err(|error| error.to_string())?;
    let scanner = crate::bottle::scanner_of(&spec);
    let docker = connect().await.map_err(|error| error.to_string())?;
    progress.step(&format!("building the image {}", args.image));
    let mut line = |line: &str| progress.detail(line);
    let built = docker.build_image(spec, &mut line).await;
    built.map(|()| scanner).map_err(|error| error.to_string())
}
