//! Choices that are each one word, in `config.toml` as on the command line.

/// Has a choice be read and written by its words; any other text is told of by `$refusal`.
macro_rules! by_word {
    ($choice:ident: $($value:ident $word:literal),+; $refusal:expr) => {
        impl $choice {
            const ALL: &[Self] = &[$(Self::$value),+];
        }

        impl From<$choice> for &'static str {
            fn from(choice: $choice) -> Self {
                match choice {
                    $($choice::$value => $word,)+
                }
            }
        }

        impl std::fmt::Display for $choice {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str((*self).into())
            }
        }

        impl std::str::FromStr for $choice {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                let known = Self::ALL.iter().copied().find(|known| <&str>::from(*known) == text);
                known.ok_or_else(|| $refusal(text))
            }
        }

        impl TryFrom<String> for $choice {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }
    };
}

pub(super) use by_word;
