//! Named switches for what is not known of the real Azure: each open question can be answered either way.

use serde_json::{Map, Value};

/// A question that can be answered either way.
#[derive(Debug)]
pub(crate) struct Switch {
    pub(crate) name: &'static str,
    /// The first one is the default.
    pub(crate) values: &'static [&'static str],
    doc: &'static str,
}

impl Switch {
    /// What it decides, in a sentence.
    pub(crate) fn meaning(&self) -> &'static str {
        self.doc.trim()
    }
}

macro_rules! switches {
    ($($(#[doc = $doc:literal])+ $name:literal => $field:ident: $type:ident {
        $first:literal => $default:ident $(, $value:literal => $variant:ident)* $(,)?
    })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            pub(crate) enum $type {
                #[default]
                $default,
                $($variant,)*
            }
        )+

        /// The present answers.
        #[derive(Clone, Debug, Default)]
        pub(crate) struct Switches {
            $($(#[doc = $doc])+ pub(crate) $field: $type,)+
        }

        impl Switches {
            /// Every switch.
            pub(crate) const ALL: &[Switch] =
                &[$(Switch { name: $name, values: &[$first, $($value),*], doc: concat!($($doc),+) }),+];

            /// Sets one switch; the error lists what there is to choose from.
            pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
                match (name, value) {
                    $(($name, $first) => self.$field = $type::$default,
                    $(($name, $value) => self.$field = $type::$variant,)*)+
                    _ => return Err(Self::complaint(name, value)),
                }
                Ok(())
            }

            /// `{name: value}` of all switches.
            pub(crate) fn to_json(&self) -> Value {
                let mut all = Map::new();
                $(all.insert($name.to_owned(), match self.$field {
                    $type::$default => $first,
                    $($type::$variant => $value,)*
                }.into());)+
                Value::Object(all)
            }
        }
    };
}

switches! {
    /// Whether *initiate* works while the VM is in any state but running.
    "initiateOnDeallocated" => initiate_on_deallocated: InitiateOnDeallocated { "allow" => Allow, "refuse" => Refuse }
    /// Which earlier requests a newer one revokes: those for the same VM and port, only those that also name the same
    /// source, or only those that also come from the same requestor.
    "newerRequestReplaces" => newer_request_replaces: NewerRequestReplaces {
        "vm-port" => VmPort, "source" => Source, "requestor" => Requestor,
    }
    /// The status in the 202 of *initiate*, and until the rule is in force.
    "initiateStatus" => initiate_status: InitiateStatus { "Initiating" => Initiating, "Initiated" => Initiated }
    /// Whether a failed allocation shows in the operation or at once as a 409.
    "allocationFailed" => allocation_failed: AllocationFailed { "async" => Async, "sync" => Sync }
    /// Whether a request may name a part of the policy's address prefix, or only the whole.
    "subnetOfPolicyPrefix" => subnet_of_policy_prefix: SubnetOfPolicyPrefix { "accept" => Accept, "refuse" => Refuse }
    /// Whether the rule of a replaced request stays until the newer one's is in force.
    "replacementGap" => replacement_gap: ReplacementGap { "none" => None, "gap" => Gap }
    /// Which forms of the end of the window *initiate* takes.
    "initiateBody" => initiate_body: InitiateBody {
        "both" => Both, "endTimeUtc" => EndTimeUtc, "duration" => Duration,
    }
    /// Whether *initiate* takes the plural `allowedSourceAddressPrefixes` that the portal is reported to send.
    "initiateSourcePrefixes" => initiate_source_prefixes: InitiateSourcePrefixes {
        "accept" => Accept, "refuse" => Refuse,
    }
    /// The error code of a request that is no subset of its policy.
    "notSubsetCode" => not_subset_code: NotSubsetCode {
        "BadRequest" => BadRequest, "InvalidInitiateInput" => InvalidInitiateInput,
    }
    /// The action that the list of a whole subscription's policies asks for.
    "subscriptionListAction" => subscription_list_action: SubscriptionListAction {
        "locations" => Locations, "plain" => Plain,
    }
    /// The error code of a request whose source is an IPv6 address.
    "ipv6Code" => ipv6_code: Ipv6Code { "BadRequest" => BadRequest, "InvalidInitiateInput" => InvalidInitiateInput }
    /// Whose address *initiate* opens for when it names no source: the client's, or that of a proxy (198.51.100.200)
    /// through which its calls to Azure leave the house.
    "omittedSource" => omitted_source: OmittedSource { "client" => Client, "proxy" => Proxy }
    /// How far back a policy's `requests` reach: seven days as in the portal, or to what is in force.
    "requestHistory" => request_history: RequestHistory { "sevenDays" => SevenDays, "inForce" => InForce }
    /// How the ids of VMs are spelt in policies and requests.
    "policyIdCasing" => policy_id_casing: PolicyIdCasing {
        "asWritten" => AsWritten, "lower" => Lower, "upper" => Upper,
    }
    /// The shortest window that *initiate* grants.
    "shortestDuration" => shortest_duration: ShortestDuration { "none" => None, "PT5M" => FiveMinutes }
    /// How long Resource Graph is behind the resource providers with power states and addresses.
    "resourceGraphLag" => resource_graph_lag: ResourceGraphLag {
        "minute" => Minute, "none" => None, "hour" => Hour,
    }
    /// Whether Resource Graph lets a user ask 15 queries in 5 s and no more.
    "resourceGraphQuota" => resource_graph_quota: ResourceGraphQuota { "15" => Fifteen, "none" => None }
    /// Whether the resource manager refuses requests beyond what it takes of a principal in a subscription (250 reads, and
    /// 25 more a second; 200 writes and 200 deletes, and 10 more a second), or only tells how many are left.
    "rateLimits" => rate_limits: RateLimits { "tell" => Tell, "enforce" => Enforce }
    /// How many members a page of a list has at most. Azure does not say.
    "pageSize" => page_size: PageSize { "1000" => Thousand, "100" => Hundred, "10" => Ten, "2" => Two }
    /// How long reads of JIT policies show them as they were before a write, *initiate* included: 0 s, 10 s or 60 s, divided by
    /// `--speed`.
    "policyLag" => policy_lag: PolicyLag { "none" => None, "seconds" => Seconds, "minute" => Minute }
    /// Whether *initiate* takes an `endTimeUtc` that passed within the last five minutes. The window is over at once, and so are
    /// those that it replaces.
    "nearPastEnd" => near_past_end: NearPastEnd { "refuse" => Refuse, "accept" => Accept }
    /// From when a policy's maximum counts for a request that replaces one still open: from the newer request, so that access
    /// can be extended for ever, or from the first of them.
    "extensionLimit" => extension_limit: ExtensionLimit { "newestRequest" => Newest, "firstRequest" => First }
    /// What a request has as its requestor when a service principal or a managed identity made it. Of users it is the user
    /// principal name.
    "applicationRequestor" => application_requestor: ApplicationRequestor {
        "clientId" => ClientId, "objectId" => ObjectId, "displayName" => DisplayName,
    }
    /// What happens to open windows when their policy, or their VM's part of it, is removed.
    "openWindowsOnDelete" => open_windows_on_delete: OpenWindowsOnDelete { "close" => Close, "leave" => Leave }
    /// What a PUT does to windows of VMs and ports that stay in the policy, when its `requests` don't name them.
    "putRequests" => put_requests: PutRequests { "keep" => Keep, "dropUnlisted" => DropUnlisted }
    /// Whether a policy may name a VM that does not exist.
    "putUnknownVm" => put_unknown_vm: PutUnknownVm { "refuse" => Refuse, "accept" => Accept }
    /// Where JIT puts its deny rule: at the end of the user rules, or before those that allow the port.
    "denyRulePriority" => deny_rule_priority: DenyRulePriority { "lowest" => Lowest, "aboveAllow" => AboveAllow }
    /// Whether JIT takes VMs without network security group and Azure Firewall.
    "jitWithoutGroup" => jit_without_group: JitWithoutGroup { "refuse" => Refuse, "accept" => Accept }
    /// Whose address network security groups see behind an Azure Firewall.
    "firewallSource" => firewall_source: FirewallSource { "client" => Client, "firewall" => Firewall }
    /// Whether IP flow verify answers at once or as a long-running operation.
    "ipFlowVerifyAnswer" => ip_flow_verify_answer: IpFlowVerifyAnswer { "200" => Ok, "202" => Accepted }
    /// What is answered when something else is under way on the VM; with `preempt` that fails, and the newer goes on.
    "conflictingOperation" => conflicting_operation: ConflictingOperation {
        "OperationNotAllowed" => NotAllowed, "Conflict" => Conflict, "AnotherOperationInProgress" => AnotherInProgress,
        "preempt" => Preempt,
    }
    /// Whether the instance view tells the power state in the first seconds after a start or deallocation was accepted.
    "powerStateAfterWrite" => power_state_after_write: PowerStateAfterWrite { "present" => Present, "absent" => Absent }
    /// What *initiate* answers where the subscription lacks Defender for Servers Plan 2: 400, 409 or 202.
    "planMissing" => plan_missing: PlanMissing { "BadRequest" => BadRequest, "Conflict" => Conflict, "accept" => Accept }
    /// Whether a client that comes from another address than before gets the claims challenge of continuous access
    /// evaluation, if it understands it. In Azure this hangs on the conditional access policies of its tenant.
    "addressChange" => address_change: AddressChange { "ignored" => Ignored, "challenge" => Challenge }
    /// The error code of a PUT that makes no sense; with `InternalServerError` its status is 500.
    "invalidPolicyCode" => invalid_policy_code: InvalidPolicyCode {
        "BadRequest" => BadRequest, "InternalServerError" => InternalServerError,
    }
}

impl Switches {
    fn complaint(name: &str, value: &str) -> String {
        if let Some(switch) = Self::ALL.iter().find(|switch| switch.name == name) {
            return format!("switch '{name}' has no value '{value}'; it takes {}", switch.values.join(", "));
        }
        let names: Vec<_> = Self::ALL.iter().map(|switch| switch.name).collect();
        format!("there is no switch '{name}'; there are {}", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_every_switch_can_be_set_and_is_shown() {
        for switch in Switches::ALL {
            assert_eq!(Switches::default().to_json()[switch.name], switch.values[0]);
            assert!(switch.meaning().ends_with('.'), "{}", switch.name);
            for value in switch.values {
                let mut switches = Switches::default();
                switches.set(switch.name, value).unwrap();
                assert_eq!(switches.to_json()[switch.name], *value);
            }
        }
    }

    #[test]
    fn an_unknown_switch_is_answered_with_the_names_of_all() {
        let complaint = Switches::default().set("nonsense", "x").unwrap_err();
        assert!(complaint.contains("initiateBody"), "{complaint}");
    }
}
