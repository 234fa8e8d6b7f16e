//! What helps where Azure refuses: its code tells, or its message where the code stands for many things.

/// The next step, if Azure says what is in the way. `None` where it does not, or nothing is known to help.
pub(crate) fn next_step(azure_code: &str, azure_message: &str) -> Option<&'static str> {
    let is = |code: &str| azure_code.eq_ignore_ascii_case(code);
    let message = azure_message.to_ascii_lowercase();
    let says = |words: &str| message.contains(words);
    if is("ScopeLocked") {
        Some("Ask whoever locked it to take the lock away, then try again.")
    } else if is("ReadOnlyDisabledSubscription") {
        Some(
            "Ask the owner of the subscription to have it enabled again: it may have no credit left, or have reached its limit.",
        )
    } else if is("MissingSubscriptionRegistration") && !says("microsoft.security") {
        Some("Ask an owner of the subscription to register the resource provider that Azure names, then try again.")
    } else if is("MissingSubscriptionRegistration") {
        Some(
            "Have Defender for Servers Plan 2 enabled on the subscription, which registers the provider that Azure misses, then \
             try again.",
        )
    } else if is("RequestDisallowedByPolicy") {
        Some("Ask whoever made the rule in Azure Policy for an exemption, then try again.")
    } else if says("defender for servers") {
        Some("Have Defender for Servers Plan 2, which just-in-time access is a part of, enabled on the subscription.")
    } else if says("missing nsg") {
        Some("Associate a network security group with the VM’s network interface or its subnet, then try again.")
    } else if is("QuotaExceeded") || says("quota") {
        Some("Ask for a larger quota of cores in the VM’s region, or deallocate other VMs there; then try again.")
    } else if says("generalized") {
        Some(
            "Make a new VM from it, which is all a generalized one is for, and give the favourite that VM’s resource ID.",
        )
    } else if says("marked for deletion") {
        Some("Check the resource ID in the favourite: this VM is about to be gone.")
    } else if is_busy(azure_code, azure_message) {
        Some("Wait until what else is being done has ended, then try again.")
    } else {
        None
    }
}

/// Whether Azure says that something else is under way.
fn is_busy(azure_code: &str, azure_message: &str) -> bool {
    ["AnotherOperationInProgress", "RetryableErrorDueToAnotherOperation"]
        .iter()
        .any(|code| azure_code.eq_ignore_ascii_case(code))
        || azure_message.to_ascii_lowercase().contains("in progress")
}

/// Whether waiting is what helps against a conflict: always, unless Azure says that something else is in the way.
pub(super) fn passes(azure_code: &str, azure_message: &str) -> bool {
    is_busy(azure_code, azure_message) || next_step(azure_code, azure_message).is_none()
}
