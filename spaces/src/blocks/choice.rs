//! Turns the list of blocks into the enum that a space file holds.
//!
//! A choice is written `fire: {squeeze: 4, expand: [8, 16]}`, or `skip` alone where no knob must be given.
//! This is serde's external tagging, done by hand because YAML readers expect `!tags` for derived enums
//! and because the value's own deserializer keeps the line and column of an error.

/// Defines `Choice` with a variant for each kind of block.
macro_rules! blocks {
    ($($kind:literal => $variant:ident($options:ty),)*) => {
        /// A kind of block and the values of its knobs, as a space file holds it.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Choice {
            $(
                #[doc = concat!("`", $kind, "`")]
                $variant($options),
            )*
        }

        /// The words for the kinds of blocks, in the order of the list.
        pub const KINDS: &[&str] = &[$($kind),*];

        impl Choice {
            /// The word for the kind of block.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Choice::$variant(_) => $kind,)*
                }
            }
        }

        impl Options for Choice {
            fn blocks(&self, activation: &List<Activation>) -> Result<Vec<Arc<dyn Block>>, String> {
                match self {
                    $(Choice::$variant(options) => options.blocks(activation),)*
                }
            }
        }

        impl schemars::JsonSchema for Choice {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                "Block".into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut alone = Vec::new();
                let mut kinds = serde_json::Map::new();
                $(
                    let none = serde_json::Map::new().into();
                    if serde_json::from_value::<$options>(none).is_ok() {
                        alone.push($kind);
                    }
                    kinds.insert($kind.to_owned(), generator.subschema_for::<$options>().to_value());
                )*
                schemars::json_schema!({ "anyOf": [
                    { "type": "string", "enum": alone },
                    {
                        "type": "object",
                        "properties": kinds,
                        "additionalProperties": false,
                        "minProperties": 1,
                        "maxProperties": 1,
                    },
                ] })
            }
        }

        impl serde::Serialize for Choice {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Choice::$variant(options) => serializer.collect_map([($kind, options)]),)*
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for Choice {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(ChoiceVisitor)
            }
        }

        struct ChoiceVisitor;

        impl<'de> serde::de::Visitor<'de> for ChoiceVisitor {
            type Value = Choice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "one block with its knobs, as `conv: {{width: 8}}` (blocks: {})", KINDS.join(", "))
            }

            fn visit_str<E: serde::de::Error>(self, kind: &str) -> Result<Choice, E> {
                use serde::de::value::MapDeserializer;
                let none = || MapDeserializer::new(std::iter::empty::<(&str, &str)>());
                match kind {
                    $($kind => serde::Deserialize::deserialize(none()).map(Choice::$variant),)*
                    _ => Err(E::unknown_variant(kind, KINDS)),
                }
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Choice, A::Error> {
                use serde::de::Error;
                let Some(kind) = map.next_key::<String>()? else {
                    return Err(A::Error::invalid_length(0, &self));
                };
                let choice = match kind.as_str() {
                    $($kind => Choice::$variant(map.next_value()?),)*
                    _ => return Err(A::Error::unknown_variant(&kind, KINDS)),
                };
                match map.next_key::<String>()? {
                    None => Ok(choice),
                    Some(second) => Err(A::Error::custom(format_args!(
                        "one option names two blocks, `{kind}` and `{second}`; begin the second with `- `"
                    ))),
                }
            }
        }
    };
}

pub(super) use blocks;
