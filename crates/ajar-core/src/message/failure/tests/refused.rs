//! What Entra has against who is signed in to a tool, and against applications.

use super::*;
use crate::account::{AZ, AZD};

const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

const FABRIKAM: &str = "fabrikam.example";

fn by_az(reason: SignInReason, tenant: Option<&str>) -> Failure {
    Failure::NotSignedIn {
        detail: "AADSTS700082: The refresh token has expired due to inactivity.".into(),
        reason: Some(reason),
        others: Box::default(),
        tenant: tenant.map(Into::into),
        cloud: None,
        here: None,
    }
}

fn by_azd(reason: SignInReason, tenant: Option<&str>) -> Failure {
    let detail = "AADSTS700082: The refresh token has expired due to inactivity.".into();
    Failure::NotSignedInToAzd { detail, reason: Some(reason), tenant: tenant.map(Into::into), cloud: None }
}

fn application(account: &str, proof: Proof, flaw: PrincipalFlaw) -> Failure {
    let (account, client_id) = (account.into(), "2b1d94c8".into());
    Failure::PrincipalRefused { account, client_id, proof, flaw, detail: "AADSTS7000112: It is disabled.".into() }
}

/// Those that have words of their own.
pub(super) fn by_entra() -> Vec<Failure> {
    let of_az = [SignInReason::Expired, SignInReason::Revoked, SignInReason::PasswordChanged];
    let of_az = of_az.map(|reason| by_az(reason, None));
    let of_azd = [(SignInReason::Expired, None), (SignInReason::Mfa, Some(FABRIKAM)), (SignInReason::Claims, None)];
    let of_azd = of_azd.map(|(reason, tenant)| by_azd(reason, tenant));
    let without_azd = Failure::NotSignedInToAzd {
        detail: crate::failure::NO_AZURE_DEVELOPER_CLI.into(),
        reason: None,
        tenant: Some(FABRIKAM.into()),
        cloud: None,
    };
    let azd_elsewhere = Failure::NotSignedInToAzd {
        detail: "AADSTS500011: The resource principal was not found in the tenant.".into(),
        reason: None,
        tenant: Some(FABRIKAM.into()),
        cloud: Some("AzureUSGovernment".into()),
    };
    let unagreed = Failure::ConsentMissing {
        client_id: AZURE_CLI.into(),
        tenant: FABRIKAM.into(),
        url: format!("https://login.microsoftonline.com/{FABRIKAM}/adminconsent?client_id={AZURE_CLI}"),
        tool: Some(TokenTool::AzureCli),
    };
    let tenant = || Some(FABRIKAM.to_owned());
    let whoever = [
        Failure::ConditionalAccess { account: AZ.into(), number: 53_003, device_code: false, tenant: None },
        Failure::ConditionalAccess { account: AZD.into(), number: 53_000, device_code: false, tenant: tenant() },
        Failure::AccountDisabled { account: AZ.into(), tenant: None },
        Failure::NotInTenant {
            account: AZ.into(),
            tenant: FABRIKAM.into(),
            reason: TenantReason::NoGuest,
            tool: Some(TokenTool::AzureCli),
        },
        Failure::NotInTenant {
            account: AZD.into(),
            tenant: FABRIKAM.into(),
            reason: TenantReason::NoGuest,
            tool: Some(TokenTool::AzureDeveloperCli),
        },
    ];
    let flaws = [PrincipalFlaw::Expired, PrincipalFlaw::Unknown, PrincipalFlaw::Disabled, PrincipalFlaw::Consent];
    let of_robot = flaws.map(|flaw| application("robot", Proof::Secret, flaw));
    let of_environment = flaws.map(|flaw| application(crate::account::ENVIRONMENT, Proof::Certificate, flaw));
    let applications = of_robot.into_iter().chain(of_environment);
    of_az
        .into_iter()
        .chain(of_azd)
        .chain([without_azd, azd_elsewhere, unagreed])
        .chain(whoever)
        .chain(applications)
        .collect()
}

#[test]
fn only_where_a_secret_is_what_is_wrong_another_one_is_to_be_brought() {
    for (flaw, wants_secret) in [
        (PrincipalFlaw::Proof, true),
        (PrincipalFlaw::Expired, true),
        (PrincipalFlaw::Unknown, false),
        (PrincipalFlaw::Disabled, false),
        (PrincipalFlaw::Consent, false),
        (PrincipalFlaw::Other, false),
    ] {
        for account in ["robot", crate::account::ENVIRONMENT] {
            let action = said(application(account, Proof::Secret, flaw)).action;
            assert_eq!(action.to_lowercase().contains("secret"), wants_secret, "{action}");
        }
    }
}

#[test]
fn whatever_entra_has_against_who_is_signed_in_to_a_tool_is_met_there_in_the_tenant_that_has_it() {
    let action = |failure| said(failure).action;
    for reason in SIGN_IN_REASONS {
        assert_eq!(action(by_az(reason, None)), "Run “az login”; then try again.");
        assert_eq!(action(by_az(reason, Some("t1"))), "Run “az login --tenant t1”; then try again.");
        let azd = action(by_azd(reason, Some("t1")));
        assert!(azd.starts_with("Run “azd auth login --tenant-id t1”, or"), "{azd}");
    }
    let others = ["work".to_owned()].into();
    let (detail, reason) = ("AADSTS700082: It is so.".to_owned(), Some(SignInReason::Expired));
    let beside = action(Failure::NotSignedIn { detail, reason, others, tenant: None, cloud: None, here: None });
    assert!(beside.starts_with("Run “az login”, or have it act as an account of yours"), "{beside}");
    let not_there = |account: &str, tenant: &str, tool| {
        action(Failure::NotInTenant {
            account: account.into(),
            tenant: tenant.into(),
            reason: TenantReason::NoGuest,
            tool,
        })
    };
    let (az, azd) = (Some(TokenTool::AzureCli), Some(TokenTool::AzureDeveloperCli));
    for name in [AZ, "work"] {
        assert!(not_there(name, "t1", az).contains("(“az login --tenant t1”)"), "{}", not_there(name, "t1", az));
        assert!(
            not_there(name, "t1", azd).contains("(“azd auth login --tenant-id t1”)"),
            "{}",
            not_there(name, "t1", azd)
        );
    }
    assert!(
        !not_there(AZ, "organizations", az).contains("az login") && !not_there("work", "t1", None).contains("az login")
    );
    let tool = Some(TokenTool::AzureCli);
    let unassigned =
        Failure::NotInTenant { account: "work".into(), tenant: "t1".into(), reason: TenantReason::NotAssigned, tool };
    assert_eq!(said(unassigned).title, "work may not use the application that the Azure CLI signs in with.");
}
