//! Who there is: tenants, accounts and applications, as the fleet file has them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::announce::{AnnounceAccount, AnnounceTenant};
use crate::entra::certificate::Certificate;
use crate::entra::refusal::Refusal;
use crate::fleet::{AccountKind, AccountSpec, ApplicationSpec, Fleet, SERVICE_PRINCIPAL, TenantSpec, derived};

/// Applications of Microsoft's own that every tenant knows: Azure CLI, Azure PowerShell, Visual Studio Code.
const FIRST_PARTY: [(u128, &str); 3] = [
    (0x04b0_7795_8ddb_461a_bbee_02f9_e1bf_7b46, "Microsoft Azure CLI"),
    (0x1950_a258_227b_4e31_a9cf_7174_9594_5fc2, "Microsoft Azure PowerShell"),
    (0xaebc_6443_996d_45c2_90f0_388f_f96f_aa56, "Visual Studio Code"),
];

/// Tenants that stand for whichever is the user's own.
pub(crate) const ALIASES: [&str; 2] = ["common", "organizations"];

/// An account as one tenant knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) tenant: Uuid,
    /// Guests have another one than at home.
    pub(crate) object_id: Uuid,
}

/// A user, a service principal or a managed identity.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) spec: AccountSpec,
    /// At home. Rights and conditions are kept by it.
    pub(crate) id: Uuid,
    /// Home first.
    pub(crate) memberships: Vec<Membership>,
    pub(crate) client_secret: Option<String>,
    /// Whose keys may sign for it.
    pub(crate) certificates: Vec<Certificate>,
}

impl Account {
    pub(crate) fn kind(&self) -> AccountKind {
        self.spec.kind
    }

    /// The user principal name of users, the client id of all others: what Azure calls the account by.
    pub(crate) fn label(&self) -> String {
        match (&self.spec.upn, self.spec.client_id) {
            (Some(upn), _) => upn.clone(),
            (None, client) => client.unwrap_or(self.id).to_string(),
        }
    }

    /// For people.
    pub(crate) fn display_name(&self) -> &str {
        self.spec.display_name.as_deref().unwrap_or(&self.spec.name)
    }

    pub(crate) fn home(&self) -> Uuid {
        self.memberships[0].tenant
    }

    pub(crate) fn in_tenant(&self, tenant: Uuid) -> Option<Membership> {
        self.memberships.iter().find(|membership| membership.tenant == tenant).copied()
    }

    /// The account as it appears in one of its tenants.
    pub(crate) fn caller(&self, membership: Membership) -> Caller {
        Caller {
            tenant: membership.tenant,
            object_id: membership.object_id,
            account: self.id,
            name: self.label(),
            display_name: self.display_name().to_owned(),
            is_user: self.kind() == AccountKind::User,
            tenants: self.memberships.iter().map(|membership| membership.tenant).collect(),
        }
    }

    pub(crate) fn is_client(&self, client: &str) -> bool {
        self.spec.client_id.is_some_and(|id| is_uuid(client, id))
    }

    pub(crate) fn secret_expired(&self, now: DateTime<Utc>) -> bool {
        self.spec.secret_expires.is_some_and(|expires| expires <= now)
    }

    /// Whether `text` is its name, user principal name, client id or object id somewhere.
    pub(crate) fn is(&self, text: &str) -> bool {
        text.eq_ignore_ascii_case(&self.spec.name)
            || self.spec.upn.as_ref().is_some_and(|upn| upn.eq_ignore_ascii_case(text))
            || self.is_client(text)
            || self.memberships.iter().any(|membership| is_uuid(text, membership.object_id))
    }
}

fn is_uuid(text: &str, id: Uuid) -> bool {
    Uuid::parse_str(text).is_ok_and(|parsed| parsed == id)
}

/// Who is behind a request to Azure Resource Manager.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The tenant that issued the token: nothing of other tenants is seen with it.
    pub(crate) tenant: Uuid,
    /// In that tenant.
    pub(crate) object_id: Uuid,
    /// By which rights are kept: the object id at home.
    pub(crate) account: Uuid,
    /// User principal name or client id.
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) is_user: bool,
    /// All tenants that know the account, home first.
    pub(crate) tenants: Vec<Uuid>,
}

/// All of it. Does not change while the simulator runs.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) tenants: Vec<TenantSpec>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) applications: Vec<ApplicationSpec>,
    by_object: HashMap<(Uuid, Uuid), usize>,
}

impl Directory {
    /// `certificates` are by account; `secret` makes the secrets of those service principals that have been given none.
    pub(crate) fn new(fleet: &Fleet, certificates: &HashMap<String, Certificate>, secret: impl Fn() -> String) -> Self {
        let tenants = fleet.tenants.clone();
        let accounts: Vec<Account> =
            fleet.accounts.iter().map(|spec| account(spec, &tenants, certificates, &secret)).collect();
        let mut by_object = HashMap::new();
        for (index, account) in accounts.iter().enumerate() {
            for membership in &account.memberships {
                by_object.insert((membership.tenant, membership.object_id), index);
            }
        }
        let first_party = FIRST_PARTY.map(|(id, name)| ApplicationSpec::public(Uuid::from_u128(id), name));
        let applications = fleet.applications.iter().cloned().chain(first_party).collect();
        Self { tenants, accounts, applications, by_object }
    }

    /// By id, domain or name.
    pub(crate) fn tenant(&self, text: &str) -> Option<&TenantSpec> {
        self.tenants.iter().find(|tenant| tenant.is(text))
    }

    /// The tenant that the first part of an authority's path names; `None` where any will do.
    pub(crate) fn authority(&self, text: &str) -> Result<Option<&TenantSpec>, Refusal> {
        if ALIASES.iter().any(|alias| alias.eq_ignore_ascii_case(text)) {
            return Ok(None);
        }
        if text.eq_ignore_ascii_case("adfs") {
            return Ok(self.tenants.first());
        }
        self.tenant(text).map(Some).ok_or_else(|| Refusal::unknown_tenant(text))
    }

    pub(crate) fn tenant_of_id(&self, id: Uuid) -> Option<&TenantSpec> {
        self.tenants.iter().find(|tenant| tenant.id == id)
    }

    /// By name, user principal name, client id or object id.
    pub(crate) fn account(&self, text: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.is(text))
    }

    pub(crate) fn of_object(&self, tenant: Uuid, object: Uuid) -> Option<&Account> {
        self.by_object.get(&(tenant, object)).map(|index| &self.accounts[*index])
    }

    /// The service principal whose client id this is.
    pub(crate) fn service_principal(&self, client: &str) -> Option<&Account> {
        let fits = |account: &&Account| account.kind() == AccountKind::ServicePrincipal && account.is_client(client);
        self.accounts.iter().find(fits)
    }

    /// The application without a secret whose client id this is.
    pub(crate) fn application(&self, client: &str) -> Option<&ApplicationSpec> {
        self.applications.iter().find(|application| is_uuid(client, application.client_id))
    }

    /// Whether the client is one of Microsoft's own, which are a family: what one was given the others may renew.
    pub(crate) fn in_family(client: Uuid) -> bool {
        FIRST_PARTY.iter().any(|(id, _)| Uuid::from_u128(*id) == client)
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter().filter(|account| account.kind() == AccountKind::User)
    }

    pub(crate) fn managed_identities(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter().filter(|account| account.kind() == AccountKind::ManagedIdentity)
    }

    /// The service principal that every fleet has.
    pub(crate) fn app(&self) -> &Account {
        let app = self.accounts.iter().find(|account| account.spec.name == SERVICE_PRINCIPAL);
        app.unwrap_or(&self.accounts[0])
    }

    /// What the announcement says of the tenants.
    pub(crate) fn announce_tenants(&self) -> Vec<AnnounceTenant> {
        let one = |tenant: &TenantSpec| AnnounceTenant {
            id: tenant.id,
            name: tenant.name.clone(),
            domain: tenant.domain.clone(),
        };
        self.tenants.iter().map(one).collect()
    }

    /// What the announcement says of the accounts.
    pub(crate) fn announce_accounts(&self) -> Vec<AnnounceAccount> {
        let one = |account: &Account| AnnounceAccount {
            name: account.spec.name.clone(),
            kind: match account.kind() {
                AccountKind::User => "user",
                AccountKind::ServicePrincipal => "servicePrincipal",
                AccountKind::ManagedIdentity => "managedIdentity",
            },
            user_principal_name: account.spec.upn.clone(),
            client_id: account.spec.client_id,
            client_secret: account.client_secret.clone(),
            object_id: account.id,
            tenants: account.memberships.iter().map(|membership| membership.tenant).collect(),
        };
        self.accounts.iter().map(one).collect()
    }
}

fn account(
    spec: &AccountSpec,
    tenants: &[TenantSpec],
    certificates: &HashMap<String, Certificate>,
    secret: &impl Fn() -> String,
) -> Account {
    let id = spec.object_id.unwrap_or_default();
    let named = |wanted: &str| tenants.iter().find(|tenant| tenant.is(wanted));
    let home = spec.tenant.as_deref().and_then(named).unwrap_or(&tenants[0]);
    let mut memberships = vec![Membership { tenant: home.id, object_id: id }];
    for tenant in spec.guest_in.iter().filter_map(|wanted| named(wanted)).filter(|tenant| tenant.id != home.id) {
        let object_id = derived("guest", &id.to_string(), &tenant.domain);
        memberships.push(Membership { tenant: tenant.id, object_id });
    }
    let client_secret = match (&spec.secret, spec.kind, &spec.certificate) {
        (Some(secret), _, _) => Some(secret.0.clone()),
        (None, AccountKind::ServicePrincipal, None) => Some(secret()),
        _ => None,
    };
    let certificates = certificates.get(&spec.name).cloned().into_iter().collect();
    Account { spec: spec.clone(), id, memberships, client_secret, certificates }
}
