//! An artifact of an earlier training, whose schedule and keys are to be kept.

use std::path::{Path, PathBuf};

use hemet_runtime::KeyBinding;
use hemet_runtime::door::Model;
use hemet_schedule::{FittedNumbers, Scheme as SchemeId};

use crate::error::Error;
use crate::schemes;

/// The earlier artifact.
pub(super) struct Earlier {
    path: PathBuf,
    binding: KeyBinding,
    numbers: Option<FittedNumbers>,
}

impl Earlier {
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let model = schemes::open(path)?;
        let spec = model.spec()?;
        let numbers = model.manifest().fitted.clone();
        // Keys of TFHE depend on no weight.
        if spec.scheme() == SchemeId::Ckks && numbers.is_none() {
            let why = "it does not say what its scales were fitted to, as it is of an earlier version; compile its network again";
            return Err(Error::file(path, why));
        }
        Ok(Self {
            path: path.to_owned(),
            binding: spec.facts().binding,
            numbers,
        })
    }

    pub(super) fn numbers(&self) -> Option<&FittedNumbers> {
        self.numbers.as_ref()
    }

    /// Refuses a network that needs other keys.
    pub(super) fn check_keys(&self, model: &dyn Model) -> Result<(), Error> {
        let binding = model.spec()?.facts().binding;
        match binding == self.binding {
            true => Ok(()),
            false => Err(Error::file(
                &self.path,
                format!(
                    "its key binding is {}, that of this compilation {binding}: the network, --security, --share-results, \
                     --key-memory or the cost table (--costs) is another; compile without --like, and let clients make new keys",
                    self.binding
                ),
            )),
        }
    }
}
