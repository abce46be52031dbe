//! The spaces published with this crate, as the text of their YAML files (`spaces/presets/<name>.yaml`).
//! Whoever reads YAML turns one into a [`crate::Space`].

/// Name and text of every preset.
pub const PRESETS: &[(&str, &str)] = &[
    ("digits", include_str!("../presets/digits.yaml")),
    ("digits_tfhe", include_str!("../presets/digits_tfhe.yaml")),
    ("inception", include_str!("../presets/inception.yaml")),
    ("mobilenet", include_str!("../presets/mobilenet.yaml")),
    ("resnet", include_str!("../presets/resnet.yaml")),
    ("squeezenet", include_str!("../presets/squeezenet.yaml")),
    ("squeezenet28", include_str!("../presets/squeezenet28.yaml")),
    ("tiny28", include_str!("../presets/tiny28.yaml")),
    ("vgg", include_str!("../presets/vgg.yaml")),
];

/// The text of the preset of this name.
pub fn find(name: &str) -> Option<&'static str> {
    let preset = PRESETS.iter().find(|(known, _)| *known == name);
    preset.map(|(_, text)| *text)
}
