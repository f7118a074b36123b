//! The plots, as SVG.

use std::fmt::Write;

use super::peer::Peer;
use super::report::figure;
use super::row::{Bound, Row};

const WIDTH: f64 = 860.0;
const FONT: &str = "font-family=\"sans-serif\"";

/// A panel for each row, a bar for each peer: the median, a line over the spread of the
/// rounds, and a dashed line at each bound of the goal.
pub fn bars(title: &str, rows: &[&Row]) -> String {
    const LABEL: f64 = 90.0;
    const BAR: f64 = 18.0;
    const ROOM: f64 = WIDTH - LABEL - 90.0;
    let mut body = String::new();
    let mut top = 44.0;
    for row in rows {
        let _ = writeln!(
            body,
            "{}",
            text(10.0, top, 13, &format!("{}, {}", row.work, row.unit))
        );
        top += 8.0;
        let spreads = Peer::ALL.into_iter().filter_map(|peer| row.spread(peer));
        let bounds: Vec<f64> = row
            .goal
            .iter()
            .filter_map(|&bound| height(row, bound))
            .collect();
        let most = spreads.map(|(_, most)| most).chain(bounds.iter().copied());
        let scale = ROOM / most.fold(f64::MIN_POSITIVE, f64::max);
        let first = top;
        for peer in Peer::ALL {
            let (Some(median), Some((least, most))) = (row.median(peer), row.spread(peer)) else {
                continue;
            };
            let middle = top + BAR / 2.0;
            let _ = writeln!(
                body,
                "{}<rect x=\"{LABEL}\" y=\"{}\" width=\"{:.1}\" height=\"{}\" fill=\"{}\"/>\
                 <path d=\"M{:.1} {middle}H{:.1}\" stroke=\"#222\"/>{}",
                text(10.0, middle + 4.0, 12, peer.name()),
                top + 2.0,
                (median * scale).max(0.0),
                BAR - 4.0,
                color(peer),
                LABEL + least.max(0.0) * scale,
                LABEL + most.max(0.0) * scale,
                text(
                    LABEL + most.max(0.0) * scale + 6.0,
                    middle + 4.0,
                    12,
                    &figure(median)
                ),
            );
            top += BAR;
        }
        for bound in bounds {
            let x = LABEL + bound * scale;
            let _ = writeln!(
                body,
                "<path d=\"M{x:.1} {first}V{top}\" stroke=\"#c00\" stroke-dasharray=\"4 3\"/>"
            );
        }
        top += 24.0;
    }
    let legend = "bar: median; line: spread of the rounds; dashed: goal of cred-proxy";
    page(top, title, legend, &body)
}

/// Where a bound lies, by the medians.
fn height(row: &Row, bound: Bound) -> Option<f64> {
    match bound {
        Bound::AtMost(most) => Some(most),
        Bound::Times(times, peer) => row.median(peer).map(|median| median * times),
    }
}

/// A panel for each thing that grows (`N connections`, `N routes`) and each figure, a line
/// for each peer. Memory grows by factors, so its axis is logarithmic; that of time begins at
/// nothing, since a cut axis makes noise look like a finding.
pub fn lines(title: &str, rows: &[&Row]) -> String {
    const PANEL: f64 = 210.0;
    let mut panels: Vec<(String, Vec<(f64, &Row)>)> = Vec::new();
    for &row in rows {
        let Some((count, what)) = row.work.split_once(' ') else {
            continue;
        };
        let Ok(count) = count.parse() else {
            continue;
        };
        let name = format!(
            "{what}, {}, against {}",
            row.unit,
            what.split(':').next().unwrap_or(what)
        );
        match panels.iter_mut().find(|(other, _)| *other == name) {
            Some((_, points)) => points.push((count, row)),
            None => panels.push((name, vec![(count, row)])),
        }
    }
    let mut body = String::new();
    for (n, (name, points)) in panels.iter().enumerate() {
        let left = 10.0 + (n % 2) as f64 * WIDTH / 2.0;
        let top = 50.0 + (n / 2) as f64 * (PANEL + 60.0);
        let _ = writeln!(body, "{}", text(left, top, 13, name));
        panel(
            &mut body,
            (left + 40.0, top + 10.0),
            (WIDTH / 2.0 - 130.0, PANEL),
            points,
        );
    }
    let height = 50.0 + panels.len().div_ceil(2) as f64 * (PANEL + 60.0);
    page(
        height,
        title,
        "medians; time from zero, all else logarithmic",
        &body,
    )
}

fn panel(
    body: &mut String,
    (left, top): (f64, f64),
    (width, height): (f64, f64),
    points: &[(f64, &Row)],
) {
    let medians = points
        .iter()
        .flat_map(|(_, row)| Peer::ALL.map(|peer| row.median(peer)));
    let values: Vec<f64> = medians.flatten().filter(|&value| value > 0.0).collect();
    let axis = |values: &[f64]| {
        let least = values.iter().copied().fold(f64::MAX, f64::min);
        let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        (least.ln(), (most.ln() - least.ln()).max(f64::EPSILON))
    };
    let counts: Vec<f64> = points.iter().map(|&(count, _)| count).collect();
    let ((x0, dx), (y0, dy)) = (axis(&counts), axis(&values));
    let most = (y0 + dy).exp();
    let of_time = points.iter().all(|(_, row)| row.unit == "µs");
    let x = |count: f64| left + (count.ln() - x0) / dx * width;
    let y = |value: f64| {
        let share = if of_time {
            value / most
        } else {
            (value.ln() - y0) / dy
        };
        top + height - share * height
    };
    let bottom = top + height;
    let _ = writeln!(
        body,
        "<path d=\"M{left} {top}V{bottom}h{width}\" fill=\"none\" stroke=\"#888\"/>"
    );
    for &count in &counts {
        let _ = writeln!(
            body,
            "{}",
            text(x(count) - 8.0, bottom + 16.0, 11, &count.to_string())
        );
    }
    for value in [if of_time { 0.0 } else { y0.exp() }, most] {
        let _ = writeln!(
            body,
            "{}",
            text(left - 38.0, y(value) + 4.0, 11, &figure(value))
        );
    }
    // Names stand where the lines end; those that would cover another move down.
    let mut names: Vec<(f64, Peer)> = Vec::new();
    for peer in Peer::ALL {
        let known = points
            .iter()
            .filter_map(|(count, row)| Some((*count, row.median(peer)?)));
        let known: Vec<(f64, f64)> = known.filter(|&(_, value)| value > 0.0).collect();
        let Some(&(_, last)) = known.last() else {
            continue;
        };
        let path = known
            .iter()
            .map(|&(count, value)| format!("{:.1},{:.1} ", x(count), y(value)));
        let path: String = path.collect();
        let color = color(peer);
        let _ = writeln!(
            body,
            "<polyline points=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>"
        );
        names.push((y(last) + 4.0, peer));
    }
    names.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let mut free = f64::MIN;
    for (wanted, peer) in names {
        let at = wanted.max(free);
        let _ = writeln!(
            body,
            "<text x=\"{:.1}\" y=\"{at:.1}\" {FONT} font-size=\"12\" fill=\"{}\">{}</text>",
            left + width + 6.0,
            color(peer),
            peer.name()
        );
        free = at + 13.0;
    }
}

fn page(height: f64, title: &str, legend: &str, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{}\n{}\n{body}</svg>\n",
        text(10.0, 16.0, 10, title),
        text(10.0, 28.0, 10, legend),
    )
}

fn text(x: f64, y: f64, size: u32, words: &str) -> String {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {FONT} font-size=\"{size}\">{words}</text>")
}

fn color(peer: Peer) -> &'static str {
    match peer {
        Peer::CredProxy => "#0b6e4f",
        Peer::Relay => "#8d99ae",
        Peer::Nginx => "#d98e04",
        Peer::Haproxy => "#3a6ea5",
        Peer::Hyper => "#a23e48",
        Peer::Direct => "#bbbbbb",
    }
}
