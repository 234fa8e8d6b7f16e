//! What goes wrong in a fleet file's Azure without any fault: capacity, quota, generalized VMs, locks, plans.

use serde::Deserialize;

/// Why a VM can't be started from deallocated: Azure's codes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum StartFailure {
    AllocationFailed,
    ZonalAllocationFailed,
    OverconstrainedAllocationRequest,
    OverconstrainedZonalAllocationRequest,
    SkuNotAvailable,
    /// Shows as `OperationNotAllowed`.
    QuotaExceeded,
}

impl StartFailure {
    /// `error.code`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::AllocationFailed => "AllocationFailed",
            Self::ZonalAllocationFailed => "ZonalAllocationFailed",
            Self::OverconstrainedAllocationRequest => "OverconstrainedAllocationRequest",
            Self::OverconstrainedZonalAllocationRequest => "OverconstrainedZonalAllocationRequest",
            Self::SkuNotAvailable => "SkuNotAvailable",
            Self::QuotaExceeded => "OperationNotAllowed",
        }
    }

    /// `error.message`, for a VM of this size in this region.
    pub(crate) fn message(self, size: &str, location: &str) -> String {
        let advice = "Read more about improving likelihood of allocation success at https://aka.ms/allocation-guidance";
        match self {
            Self::AllocationFailed => format!(
                "Allocation failed. We do not have sufficient capacity for the requested VM size in this region. {advice}"
            ),
            Self::ZonalAllocationFailed => format!(
                "Allocation failed. We do not have sufficient capacity for the requested VM size in this zone. {advice}"
            ),
            Self::OverconstrainedAllocationRequest => format!(
                "Allocation failed. VM(s) with the following constraints cannot be allocated, because the condition is \
                 too restrictive. Please remove some constraints and try again. Constraints applied are: VM Size {size}"
            ),
            Self::OverconstrainedZonalAllocationRequest => format!(
                "Allocation failed. VM(s) with the following constraints cannot be allocated, because the condition is \
                 too restrictive. Please remove some constraints and try again. Constraints applied are: Availability \
                 Zone, VM Size {size}"
            ),
            Self::SkuNotAvailable => format!(
                "The requested VM size '{size}' is currently not available in location '{location}'. Please try another \
                 size or deploy to a different location or different zone. See https://aka.ms/azureskunotavailable for details."
            ),
            Self::QuotaExceeded => format!(
                "Operation could not be completed as it results in exceeding approved Total Regional Cores quota. \
                 Additional details - Deployment Model: Resource Manager, Location: {location}, Current Limit: 10, \
                 Current Usage: 10, Additional Required: 2, (Minimum) New Limit Required: 12. Setup Alerts when Quota \
                 reaches threshold. Learn more at https://aka.ms/quotamonitoringalerting"
            ),
        }
    }
}

/// The Defender for Servers plan of a subscription.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(crate) enum DefenderPlan {
    Free,
    P1,
    /// The one that has JIT.
    #[default]
    P2,
}

/// A management lock on a VM.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Nothing that changes the VM is let through.
    ReadOnly,
    CanNotDelete,
}
