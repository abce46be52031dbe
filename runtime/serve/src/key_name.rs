//! What names keys.

use crate::tenants::Tenant;

/// The keys of a tenant, used for an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyName {
    pub(crate) tenant: Tenant,
    /// The id of the artifact, 64 hexadecimal digits.
    pub(crate) artifact: String,
    /// What its keys depend on, 64 hexadecimal digits.
    pub(crate) binding: String,
    /// BLAKE3 of the evaluation key file as the client sends it.
    pub(crate) hash: blake3::Hash,
}

impl KeyName {
    /// Whether both name the same keys, for whichever artifacts.
    pub(crate) fn is_same(&self, other: &KeyName) -> bool {
        let keys = |name: &KeyName| (name.tenant.clone(), name.binding.clone(), name.hash);
        keys(self) == keys(other)
    }
}
