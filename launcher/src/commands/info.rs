//! `bottle info`: what a start of an agent would do.

use super::prepare::prepare;
use super::{backend, block_on, gate, print, progress};
use crate::args::Info;
use crate::bottle::exit_code::USAGE;
use crate::plan::Preview;

/// Shows the plan of an agent as people read it. Nothing is created or asked for.
pub(super) fn run(args: &Info) -> u8 {
    match prepare(&args.agent, &args.manifest, None) {
        Ok(prepared) => block_on(async {
            let chosen = backend::choose(args.backend.backend).await;
            let gate = prepared.plan.gate.as_ref();
            let scanner = gate::scanner(gate, chosen.backend, &args.gate).await;
            let preview = Preview {
                plan: &prepared.plan,
                backend: chosen.name(),
                remark: chosen.remark.as_deref(),
                gate_scanner: gate::text(&scanner),
            };
            print(&preview.people());
            0
        }),
        Err(sentences) => {
            let mut progress = progress();
            sentences
                .iter()
                .for_each(|sentence| progress.tell(sentence));
            USAGE
        }
    }
}
