//! The text form of a LayerGraph: one line a layer, with its shape and inputs.
//!
//! ```text
//! hemet-graph 1
//! input: 1x8x8 = input()
//! stem.conv: 8x8x8 = conv(input) out=8 kernel=3 stride=1 padding=1 groups=1
//! stem.norm: 8x8x8 = affine(stem.conv)
//! stem.act: 8x8x8 = poly(stem.norm) degree=2 per_channel
//! pool: 8x4x4 = average_pool(stem.act) kernel=2 stride=2
//! head: 10x1x1 = dense(pool) out=10 bias
//! ```
//! Numbers of a window that differ for rows and columns are written as `1x7`; `dilation=` stands where it is not 1,
//! `taps=cross` and `seen=0.5` where a convolution does not have all its entries, `circulant=4` where weights
//! of blocks are circulant. A
//! `sparse` layer lists the input elements of its rows as runs: `from=0(3*784)(1*3)` is 0, 3, 6, … then 1, 4, 7, …;
//! `lengths=` where rows have not one entry. Sums and concatenations list their inputs: `add(a, b)`, `concat(a, b,
//! c)`. `#` begins a comment. The output is the last layer, and every other layer must be read by one.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::layer::window::{padding_text, pair_text, parse_padding, parse_pair};
use crate::layer::{
    Affine, AveragePool, Clear, Conv, Dense, Entries, MAX_SPARSE_ENTRIES, Poly, Seen, Sparse,
    Structure, Taps, Window, runs,
};
use crate::{Error, Layer, LayerGraph, NodeId, Shape};

/// The first line; a file of another version is refused by name.
const HEADER: &str = "hemet-graph 1";

impl fmt::Display for LayerGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        for (id, node) in self.nodes() {
            let inputs = self.inputs(id);
            let names: Vec<&str> = inputs.iter().map(|i| self.node(*i).name.as_str()).collect();
            let (kind, names) = (node.layer.kind(), names.join(", "));
            write!(f, "{}: {} = {kind}({names})", node.name, node.shape)?;
            write_attributes(f, &node.layer)?;
            writeln!(f)?;
        }
        Ok(())
    }
}

fn write_attributes(f: &mut fmt::Formatter<'_>, layer: &Layer) -> fmt::Result {
    let flag = |set: bool, word: &'static str| if set { word } else { "" };
    match layer {
        Layer::Conv(c) => {
            write!(f, " out={}", c.out_channels)?;
            write_window(f, &c.window, true)?;
            write!(f, " groups={}", c.groups)?;
            let Structure {
                taps,
                seen,
                circulant,
            } = c.structure;
            if taps != Taps::Square {
                write!(f, " taps={taps}")?;
            }
            if seen != Seen::ALL {
                write!(f, " seen={seen}")?;
            }
            write_circulant(f, circulant)?;
            write!(f, "{}", flag(c.bias, " bias"))
        }
        Layer::Dense(d) => {
            write!(f, " out={}", d.out_features)?;
            write_circulant(f, d.circulant)?;
            write!(f, "{}", flag(d.bias, " bias"))
        }
        Layer::AveragePool(p) => {
            write_window(f, &p.window, p.window.is_padded())?;
            write!(f, "{}", flag(p.counts_padding, " counts_padding"))
        }
        Layer::Sparse(s) => {
            if s.entries.lengths().iter().any(|length| *length != 1) {
                write!(f, " lengths={}", runs::to_text(s.entries.lengths()))?;
            }
            if !s.entries.is_empty() {
                write!(f, " from={}", runs::to_text(s.entries.columns()))?;
            }
            let (weights, bias) = (flag(s.weights, " weights"), flag(s.bias, " bias"));
            write!(f, "{weights}{bias}")
        }
        Layer::Poly(p) => write!(
            f,
            " degree={}{}",
            p.degree,
            flag(p.per_channel, " per_channel")
        ),
        Layer::Clear(Clear::Relu { slope, cap }) => {
            if *slope != 0.0 {
                write!(f, " slope={slope}")?;
            }
            match cap.is_finite() {
                true => write!(f, " cap={cap}"),
                false => Ok(()),
            }
        }
        Layer::Clear(Clear::MaxPool(window)) => write_window(f, window, window.is_padded()),
        Layer::Input(_) | Layer::Affine(_) | Layer::Add | Layer::Concat => Ok(()),
    }
}

fn write_circulant(f: &mut fmt::Formatter<'_>, circulant: usize) -> fmt::Result {
    match circulant {
        1 => Ok(()),
        side => write!(f, " circulant={side}"),
    }
}

fn write_window(f: &mut fmt::Formatter<'_>, window: &Window, with_padding: bool) -> fmt::Result {
    let (kernel, stride) = (pair_text(window.kernel), pair_text(window.stride));
    write!(f, " kernel={kernel} stride={stride}")?;
    if with_padding {
        write!(f, " padding={}", padding_text(window.padding))?;
    }
    match window.dilation {
        [1, 1] => Ok(()),
        dilation => write!(f, " dilation={}", pair_text(dilation)),
    }
}

impl LayerGraph {
    /// Reads the text form; what `to_string` writes is read back equal.
    ///
    /// # Errors
    /// The first line that is not understood or that gives no layer, by its number.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.split('#').next().unwrap_or("").trim()))
            .filter(|(_, line)| !line.is_empty());
        let (number, header) = lines.next().unwrap_or((1, ""));
        if header != HEADER {
            let why = format!("the first line is `{header}`, this version reads `{HEADER}`");
            return Err(refuse(number, why));
        }
        let mut graph: Option<LayerGraph> = None;
        let mut numbers = Vec::new();
        for (number, line) in lines {
            let parsed = Line::parse(line).map_err(|why| refuse(number, why))?;
            add_line(&mut graph, &parsed).map_err(|why| refuse(number, why))?;
            numbers.push(number);
        }
        let graph = graph.ok_or_else(|| refuse(number, "there are no layers".into()))?;
        if let Some(id) = graph.unread() {
            let name = &graph.node(id).name;
            let why = format!("layer `{name}` is read by none and is not the last; remove it");
            return Err(refuse(numbers[id.index()], why));
        }
        Ok(graph)
    }
}

impl FromStr for LayerGraph {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

fn refuse(line: usize, why: String) -> Error {
    Error::GraphText { line, why }
}

fn add_line(graph: &mut Option<LayerGraph>, line: &Line<'_>) -> Result<(), String> {
    let layer = line.layer()?;
    let Some(graph) = graph else {
        let is_input = matches!(layer, Layer::Input(_)) && line.inputs.is_empty();
        if line.name != "input" || !is_input {
            return Err("the first layer must be `input: CxHxW = input()`".into());
        }
        *graph = Some(LayerGraph::new(line.shape).map_err(|error| error.to_string())?);
        return Ok(());
    };
    let find = |name: &&str| -> Result<NodeId, String> {
        graph
            .find(name)
            .ok_or_else(|| format!("it reads `{name}`, no layer above has this name"))
    };
    let inputs = line
        .inputs
        .iter()
        .map(find)
        .collect::<Result<Vec<_>, _>>()?;
    let id = graph
        .add(line.name, layer, &inputs)
        .map_err(|error| error.to_string())?;
    let found = graph.node(id).shape;
    match found == line.shape {
        true => Ok(()),
        false => Err(format!(
            "layer `{}` gives {found}, the text says {}",
            line.name, line.shape
        )),
    }
}

/// A line in its parts.
struct Line<'a> {
    name: &'a str,
    shape: Shape,
    kind: &'a str,
    inputs: Vec<&'a str>,
    attributes: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Result<Self, String> {
        const FORM: &str = "a layer is written `name: CxHxW = kind(inputs) attributes`";
        let split = |text: &'a str, at: &str| -> Result<(&'a str, &'a str), String> {
            let (left, right) = text
                .split_once(at)
                .ok_or_else(|| format!("`{at}` is missing; {FORM}"))?;
            Ok((left.trim(), right.trim()))
        };
        let (name, rest) = split(line, ":")?;
        let (shape, rest) = split(rest, "=")?;
        let (kind, rest) = split(rest, "(")?;
        let (inputs, attributes) = split(rest, ")")?;
        Ok(Self {
            name,
            shape: parse_shape(shape)?,
            kind,
            inputs: match inputs.is_empty() {
                true => Vec::new(),
                false => inputs.split(',').map(str::trim).collect(),
            },
            attributes: attributes.split_whitespace().collect(),
        })
    }

    fn layer(&self) -> Result<Layer, String> {
        let mut rest = self.attributes.clone();
        let layer = match self.kind {
            "input" => Layer::Input(self.shape),
            "conv" => Layer::Conv(Conv {
                out_channels: number(&mut rest, "out")?,
                window: window(&mut rest)?,
                groups: number(&mut rest, "groups")?,
                bias: flag(&mut rest, "bias"),
                structure: Structure {
                    taps: parsed(&mut rest, "taps")?,
                    seen: parsed(&mut rest, "seen")?,
                    circulant: circulant(&mut rest)?,
                },
            }),
            "dense" => Layer::Dense(Dense {
                out_features: number(&mut rest, "out")?,
                bias: flag(&mut rest, "bias"),
                circulant: circulant(&mut rest)?,
            }),
            "affine" => Layer::Affine(Affine),
            "average_pool" => Layer::AveragePool(AveragePool {
                window: window(&mut rest)?,
                counts_padding: flag(&mut rest, "counts_padding"),
            }),
            "sparse" => Layer::Sparse(self.sparse(&mut rest)?),
            "poly" => Layer::Poly(Poly {
                degree: number(&mut rest, "degree")?,
                per_channel: flag(&mut rest, "per_channel"),
            }),
            "relu" => Layer::Clear(Clear::Relu {
                slope: or(&mut rest, "slope", 0.0)?,
                cap: or(&mut rest, "cap", f32::INFINITY)?,
            }),
            "max_pool" => Layer::Clear(Clear::MaxPool(window(&mut rest)?)),
            "add" => Layer::Add,
            "concat" => Layer::Concat,
            kind => {
                return Err(format!(
                    "no layer is called `{kind}`; layers: input, conv, dense, affine, average_pool, \
                     sparse, poly, relu, max_pool, add, concat"
                ));
            }
        };
        match rest.first() {
            None => Ok(layer),
            Some(word) => Err(format!("`{}` has no attribute `{word}`", self.kind)),
        }
    }
}

impl Line<'_> {
    fn sparse(&self, attributes: &mut Vec<&str>) -> Result<Sparse, String> {
        let rows = [self.shape.channels, self.shape.height, self.shape.width];
        let rows = rows
            .iter()
            .try_fold(1usize, |n, extent| n.checked_mul(*extent));
        let rows = rows
            .filter(|rows| *rows <= MAX_SPARSE_ENTRIES)
            .ok_or_else(|| {
                format!(
                    "its output {} has more than {MAX_SPARSE_ENTRIES} elements",
                    self.shape
                )
            })?;
        let numbers = |text: Option<String>, name: &str, most: usize| match text {
            None => Ok(None),
            Some(text) => runs::parse(&text, most)
                .map(Some)
                .map_err(|why| format!("`{name}=`: {why}")),
        };
        let lengths = numbers(text(attributes, "lengths"), "lengths", rows)?;
        let columns = numbers(text(attributes, "from"), "from", MAX_SPARSE_ENTRIES)?;
        let lengths = lengths.unwrap_or_else(|| vec![1; rows]);
        Ok(Sparse {
            output: self.shape,
            entries: Arc::new(Entries::new(lengths, columns.unwrap_or_default())?),
            weights: flag(attributes, "weights"),
            bias: flag(attributes, "bias"),
        })
    }
}

/// Takes `kernel=`, `stride=` and, where they are given, `padding=` and `dilation=` out of the attributes.
fn window(attributes: &mut Vec<&str>) -> Result<Window, String> {
    let mut pair = |name: &str, default: Option<[usize; 2]>| match (text(attributes, name), default)
    {
        (Some(text), _) => parse_pair(&text)
            .ok_or_else(|| format!("`{name}={text}` is not a whole number, nor two as 1x7")),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(format!("attribute `{name}=` is missing")),
    };
    Ok(Window {
        kernel: pair("kernel", None)?,
        stride: pair("stride", None)?,
        dilation: pair("dilation", Some([1; 2]))?,
        padding: match text(attributes, "padding") {
            None => [0; 4],
            Some(text) => parse_padding(&text).ok_or_else(|| {
                format!(
                    "`padding={text}` is not a whole number, nor two as 0x3, nor four as 0x0x1x1"
                )
            })?,
        },
    })
}

fn parse_shape(text: &str) -> Result<Shape, String> {
    let numbers: Option<Vec<usize>> = text.split('x').map(|n| n.parse().ok()).collect();
    match numbers.as_deref() {
        Some([channels, height, width]) => Ok(Shape::new(*channels, *height, *width)),
        _ => Err(format!(
            "`{text}` is no shape; write channels, height and width as 8x16x16"
        )),
    }
}

/// Takes `name=<text>` out of the attributes.
fn text(attributes: &mut Vec<&str>, name: &str) -> Option<String> {
    let value = |word: &&str| {
        word.strip_prefix(name)?
            .strip_prefix('=')
            .map(str::to_owned)
    };
    let position = attributes.iter().position(|word| value(word).is_some())?;
    value(&attributes.remove(position))
}

/// Takes `circulant=<number>` out of the attributes; 1 where it is not there.
fn circulant(attributes: &mut Vec<&str>) -> Result<usize, String> {
    match attributes.iter().any(|word| word.starts_with("circulant=")) {
        true => number(attributes, "circulant"),
        false => Ok(1),
    }
}

/// Takes `name=<word>` out of the attributes, or the usual one where it is not there.
fn parsed<T: FromStr<Err = String> + Default>(
    attributes: &mut Vec<&str>,
    name: &str,
) -> Result<T, String> {
    text(attributes, name).map_or_else(|| Ok(T::default()), |text| text.parse())
}

/// Takes `name=<number>` out of the attributes.
fn number(attributes: &mut Vec<&str>, name: &str) -> Result<usize, String> {
    let text = text(attributes, name).ok_or_else(|| format!("attribute `{name}=` is missing"))?;
    text.parse()
        .map_err(|_| format!("`{name}={text}` is not a whole number"))
}

/// Takes `name=<number>` out of the attributes, or the usual one where it is not there.
fn or(attributes: &mut Vec<&str>, name: &str, usual: f32) -> Result<f32, String> {
    let read = |text: String| {
        let number = text.parse();
        number.map_err(|_| format!("`{name}={text}` is not a number"))
    };
    text(attributes, name).map_or(Ok(usual), read)
}

/// Takes the word `name` out of the attributes and tells whether it was there.
fn flag(attributes: &mut Vec<&str>, name: &str) -> bool {
    let position = attributes.iter().position(|word| *word == name);
    position
        .map(|position| attributes.remove(position))
        .is_some()
}
