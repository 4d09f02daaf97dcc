//! The picture for a browser: columns from the gateway to the stores.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Graph, Kind, Node};

const WIDTH: usize = 180;
const HEIGHT: usize = 48;
const GAP_X: usize = 90;
const GAP_Y: usize = 24;
const MARGIN: usize = 16;

/// Where a node is.
#[derive(Clone, Copy)]
struct Place {
    x: usize,
    y: usize,
}

impl Graph {
    /// Returns the picture as SVG (<https://www.w3.org/TR/SVG11/>).
    #[must_use]
    pub fn svg(&self) -> String {
        let places = self.places();
        let right = places.values().map(|place| place.x + WIDTH).max().unwrap_or_default() + MARGIN;
        let bottom = places.values().map(|place| place.y + HEIGHT).max().unwrap_or_default() + MARGIN;
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {right} {bottom}\" width=\"{right}\" height=\"{bottom}\" \
             font-family=\"sans-serif\" font-size=\"13\" text-anchor=\"middle\">\n\
             <defs><marker id=\"end\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
             <path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n"
        );
        for edge in &self.edges {
            let (Some(from), Some(to)) = (places.get(edge.from.as_str()), places.get(edge.to.as_str()))
            else {
                continue;
            };
            let (x1, y1) = (from.x + WIDTH, from.y + HEIGHT / 2);
            let (x2, y2) = (to.x, to.y + HEIGHT / 2);
            let bend = GAP_X / 2;
            let _ = writeln!(
                text,
                "<path d=\"M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}\" fill=\"none\" stroke=\"#555\" marker-end=\"url(#end)\"/>",
                x1 + bend,
                x2.saturating_sub(bend),
            );
            if let Some(label) = &edge.label {
                let _ = writeln!(
                    text,
                    "<text x=\"{}\" y=\"{}\" fill=\"#555\">{}</text>",
                    x1.midpoint(x2),
                    y1.midpoint(y2) - 4,
                    escaped(label)
                );
            }
        }
        for node in &self.nodes {
            let Some(place) = places.get(node.id.as_str()) else { continue };
            draw(&mut text, node, *place);
        }
        text.push_str("</svg>\n");
        text
    }

    /// Returns the place of each node: each stands to the right of all that lead to it, as far as they go round in no circle.
    fn places(&self) -> BTreeMap<&str, Place> {
        let mut columns: BTreeMap<&str, usize> =
            self.nodes.iter().map(|node| (node.id.as_str(), 0)).collect();
        for _ in 0..self.nodes.len().min(8) {
            for edge in &self.edges {
                let after = columns.get(edge.from.as_str()).map_or(0, |column| column + 1);
                if let Some(column) = columns.get_mut(edge.to.as_str()) {
                    *column = after.max(*column).min(self.nodes.len());
                }
            }
        }
        let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
        let mut places = BTreeMap::new();
        for node in &self.nodes {
            let column = columns.get(node.id.as_str()).copied().unwrap_or_default();
            let row = rows.entry(column).or_default();
            let place = Place { x: MARGIN + column * (WIDTH + GAP_X), y: MARGIN + *row * (HEIGHT + GAP_Y) };
            *row += 1;
            places.insert(node.id.as_str(), place);
        }
        places
    }
}

fn draw(text: &mut String, node: &Node, Place { x, y }: Place) {
    let (round, fill) = match node.kind {
        Kind::Addon => (0, "#eee"),
        Kind::Gateway => (24, "#dbeafe"),
        Kind::Service => (6, "#dcfce7"),
        Kind::Store => (12, "#fef3c7"),
    };
    let _ = writeln!(
        text,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"{round}\" fill=\"{fill}\" stroke=\"#555\"/>"
    );
    let first = y + HEIGHT / 2 + 5 - (node.lines.len() - 1) * 9;
    for (number, line) in node.lines.iter().enumerate() {
        let _ = writeln!(
            text,
            "<text x=\"{}\" y=\"{}\">{}</text>",
            x + WIDTH / 2,
            first + number * 18,
            escaped(line)
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
