//! Images that launchers made, of programs or by a template's Dockerfile, and that no start of this one would use.

use super::image::Program;
use super::label;
use super::{Failure, Programs};
use crate::docker::{Docker, LabelledImage};
use crate::manifest::Template;
use crate::plan::{AgentImage, PROXY_HOST};

/// Images that could go.
#[derive(Clone, Debug, Default)]
pub struct OldImages(Vec<LabelledImage>);

impl OldImages {
    /// Looks for images that a launcher made, of which no container is made, and which are not
    /// those of `programs` or of this launcher's templates.
    ///
    /// # Errors
    ///
    /// Docker's.
    pub async fn of(docker: &Docker, programs: &Programs) -> Result<Self, Failure> {
        let mut images = docker.labelled_images(label::CONTENT).await?;
        let current = current(programs);
        images.retain(|image| {
            let is_current = image.names.iter().any(|name| current.contains(name));
            !image.is_used && !is_current
        });
        Ok(Self(images))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A line each: what it is called, and what it takes.
    pub fn lines(&self) -> Vec<String> {
        let line = |image: &LabelledImage| {
            let mebibytes = image.size.div_ceil(1 << 20);
            format!("image {}, {mebibytes} MiB", called(image).join(" "))
        };
        self.0.iter().map(line).collect()
    }

    /// Removes them. Gives what could not be removed, a sentence each.
    pub async fn remove(&self, docker: &Docker) -> Vec<String> {
        let mut failures = Vec::new();
        for name in self.0.iter().flat_map(called) {
            let removed = docker.remove_image(name).await;
            failures.extend(removed.err().map(|error| error.to_string()));
        }
        failures
    }
}

/// The names of an image; of one that has none, its id.
fn called(image: &LabelledImage) -> Vec<&str> {
    match image.names.is_empty() {
        true => vec![&image.id],
        false => image.names.iter().map(String::as_str).collect(),
    }
}

/// The names of the images that a start would use. A program that is not there has none.
fn current(programs: &Programs) -> Vec<String> {
    let authorities = super::certificates::of_host();
    let of = [
        (&programs.launcher, "bottle", Vec::new()),
        (&programs.engine, PROXY_HOST, authorities),
    ];
    let tag = of.map(|(path, name, certificates)| Program::read(path, name, certificates));
    let tags = tag.into_iter().flatten().map(|program| program.tag());
    let templates = Template::ALL.map(|template| AgentImage::of(template).name);
    tags.chain(templates).collect()
}
