//! One slot for each distinct token reference, in order of appearance.

use super::Slot;
use crate::manifest::{Route, TokenRef};

/// The slots of these routes.
pub(super) fn slots(routes: &[Route]) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::new();
    for route in routes {
        if let Some(slot) = slots.iter_mut().find(|slot| slot.source == route.token_ref) {
            slot.routes.push(route.path.clone());
        } else {
            slots.push(Slot {
                name: format!("CRED_PROXY_TOKEN_{}", slots.len()),
                source: route.token_ref.clone(),
                routes: vec![route.path.clone()],
            });
        }
    }
    slots
}

/// The name of the slot in which this token is.
pub(super) fn name_of<'s>(slots: &'s [Slot], source: &TokenRef) -> &'s str {
    slots
        .iter()
        .find(|slot| slot.source == *source)
        .map_or("", |slot| slot.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::route;

    #[test]
    fn equal_references_share_a_slot_in_order_of_appearance() {
        let variable = |name: &str| TokenRef::Variable(name.to_owned());
        let file = TokenRef::File("A".to_owned());
        let routes: Vec<Route> = [
            ("/b/", variable("B")),
            ("/a/", variable("A")),
            ("/b2/", variable("B")),
            ("/f/", file.clone()),
        ]
        .into_iter()
        .map(|(path, token_ref)| Route {
            token_ref,
            ..route(path, "https://x.example")
        })
        .collect();
        let slots = slots(&routes);
        let told: Vec<(&str, Vec<&str>)> = slots
            .iter()
            .map(|slot| {
                let routes = slot.routes.iter().map(String::as_str).collect();
                (slot.name.as_str(), routes)
            })
            .collect();
        assert_eq!(
            told,
            [
                ("CRED_PROXY_TOKEN_0", vec!["/b/", "/b2/"]),
                ("CRED_PROXY_TOKEN_1", vec!["/a/"]),
                // A file of the same name is another place.
                ("CRED_PROXY_TOKEN_2", vec!["/f/"]),
            ]
        );
        assert_eq!(name_of(&slots, &file), "CRED_PROXY_TOKEN_2");
    }
}
