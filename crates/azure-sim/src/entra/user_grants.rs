//! Tokens for users: an authorization code, a device code or a refresh token is exchanged for them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::entra::client::Client;
use crate::entra::directory::{Account, Directory, Membership};
use crate::entra::endpoint::{Ask, issued, token_json};
use crate::entra::grants::SignIn;
use crate::entra::random_text;
use crate::entra::refusal::Refusal;
use crate::entra::resource::{self, Wanted};
use crate::entra::signing::SigningKey;
use crate::entra::token::{ClientProof, Issued, Subject};
use crate::fleet::TenantSpec;

/// A code may be exchanged for what was agreed to, and for less.
pub(super) fn authorization_code(ask: &Ask<'_>, tenant: Option<&TenantSpec>) -> Result<Value, Refusal> {
    let (client, proof) = client(ask)?;
    let text = ask.required("code")?;
    let (redirect_uri, verifier) = (ask.field("redirect_uri"), ask.field("code_verifier"));
    let code = ask.world.entra.grants().redeem_code(text, client.id(), redirect_uri, verifier, ask.now)?;
    if tenant.is_some_and(|tenant| tenant.id != code.sign_in.tenant) {
        let description = "The provided Authorization Code is intended to use against other tenant, thus rejected. \
                           OAuth2 Authorization Code must be redeemed against same tenant it was acquired for.";
        return Err(Refusal::invalid_grant(700_005, description));
    }
    let wanted = match ask.wanted()? {
        nothing if nothing == Wanted::default() => Wanted::of_scope(&code.scope)?,
        // What is about the user is agreed to on the page.
        wanted => {
            let agreed = Wanted::of_scope(&code.scope)?;
            Wanted {
                openid: wanted.openid || agreed.openid,
                offline_access: wanted.offline_access || agreed.offline_access,
                ..wanted
            }
        }
    };
    let exchange = Exchange { client, proof, sign_in: code.sign_in.clone(), wanted, nonce: code.nonce.clone() };
    exchange.answer(ask, code.sign_in.tenant)
}

pub(super) fn device_code(ask: &Ask<'_>, tenant: Option<&TenantSpec>) -> Result<Value, Refusal> {
    let (client, proof) = client(ask)?;
    let text = ask.field("device_code").or(ask.field("code")).ok_or_else(|| Refusal::missing("device_code"))?;
    let (sign_in, scope) = ask.world.entra.grants().poll_device(text, client.id(), ask.now)?;
    let wanted = if scope.contains('/') || scope.is_empty() || !ask.v1 {
        Wanted::of_scope(&scope)?
    } else {
        Wanted::of_resource(&scope)
    };
    let home = tenant.map_or(sign_in.tenant, |tenant| tenant.id);
    Exchange { client, proof, sign_in, wanted, nonce: None }.answer(ask, home)
}

/// A refresh token is good for every tenant that knows the user.
pub(super) fn refresh_token(ask: &Ask<'_>, tenant: Option<&TenantSpec>) -> Result<Value, Refusal> {
    let (client, proof) = client(ask)?;
    let text = ask.required("refresh_token")?;
    let sign_in = ask.world.entra.grants().redeem_refresh(text, client.id(), ask.now)?;
    let wanted = Wanted { offline_access: true, openid: true, ..ask.wanted()? };
    let tenant = tenant.map_or(sign_in.tenant, |tenant| tenant.id);
    Exchange { client, proof, sign_in, wanted, nonce: None }.answer(ask, tenant)
}

fn client<'a>(ask: &Ask<'a>) -> Result<(Client<'a>, ClientProof), Refusal> {
    let id = ask.required("client_id")?;
    let client = Client::find(&ask.world.entra.directory, id);
    let client = client.ok_or_else(|| Refusal::unknown_application(id, ask.authority))?;
    Ok((client, client.prove(ask)?))
}

/// A grant that is good, about to become tokens.
struct Exchange<'a> {
    client: Client<'a>,
    proof: ClientProof,
    sign_in: SignIn,
    wanted: Wanted,
    nonce: Option<String>,
}

impl Exchange<'_> {
    fn answer(&self, ask: &Ask<'_>, tenant: uuid::Uuid) -> Result<Value, Refusal> {
        let entra = &ask.world.entra;
        let account = entra.directory.accounts.iter().find(|account| account.id == self.sign_in.account);
        let account = account.ok_or_else(|| Refusal::invalid_grant(50_034, "The user account does not exist."))?;
        self.still_good(ask, account, tenant)?;
        let membership = account.in_tenant(tenant).ok_or_else(|| {
            let tenant = entra.directory.tenant_of_id(tenant).map_or(ask.authority, |tenant| &tenant.name);
            no_such_guest(account, tenant, self.client)
        })?;
        let tenant_name = entra.directory.tenant_of_id(tenant).map(|tenant| tenant.name.as_str()).unwrap_or_default();
        let audience = match &self.wanted.audience {
            Some(audience) => resource::known(ask.world, audience, tenant_name)?,
            // Who asks for nothing but the user gets what tells of the user.
            None => resource::GRAPH_ID.to_owned(),
        };
        let subject = Subject {
            account,
            membership,
            client: self.client.id(),
            proof: self.proof,
            audience,
            cp1: ask.cp1(),
            mfa: self.sign_in.mfa,
            address: ask.world.look(|cloud, _| cloud.public_ip),
            not_before: entra.conditions().tokens_from(account.id),
        };
        let token = issued(ask, &subject)?;
        let mut body = token_json(ask, &token, &subject);
        body["scope"] = self.scope(&subject).into();
        if self.wanted.offline_access {
            body["refresh_token"] = entra.grants().add_refresh(self.sign_in.clone(), ask.now).into();
            if Directory::in_family(self.client.id()) {
                body["foci"] = "1".into();
            }
        }
        if self.wanted.openid {
            body["id_token"] = self.id_token(ask, &subject, &token)?.into();
        }
        if ask.field("client_info").is_some() {
            body["client_info"] = client_info(account).into();
        }
        Ok(body)
    }

    /// Whether nothing has come up since the sign-in.
    fn still_good(&self, ask: &Ask<'_>, account: &Account, tenant: uuid::Uuid) -> Result<(), Refusal> {
        let conditions = ask.world.entra.conditions();
        let valid_from = conditions.valid_from(account.id);
        if self.sign_in.at < valid_from {
            let shown = |seconds| {
                chrono::DateTime::from_timestamp(seconds, 0)
                    .map(|at| at.format("%FT%T.0000000Z").to_string())
                    .unwrap_or_default()
            };
            let description = format!(
                "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have \
                 changed or reset their password. The grant was issued on '{}' and the TokensValidFrom date (before which \
                 tokens are not valid) for this user is '{}'.",
                shown(self.sign_in.at),
                shown(valid_from)
            );
            return Err(Refusal::invalid_grant(50_173, description).suberror("bad_token"));
        }
        match conditions.demand(account.id, tenant) {
            Some(demanded) if !self.sign_in.meets(demanded, tenant) => {
                Err(demanded.demand.refusal(&account.label(), &self.client.id().to_string(), self.client.name()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What the access token may be used for: the permission that stands behind `.default`, and what was asked for.
    fn scope(&self, subject: &Subject<'_>) -> String {
        if self.wanted.audience.is_none() {
            return "openid profile email".to_owned();
        }
        let about_resource = |scope: &&String| scope.contains('/');
        let asked = self.wanted.scopes.iter().filter(about_resource).map(String::as_str);
        let permission = format!("{}/user_impersonation", subject.audience);
        let mut all = vec![permission.as_str()];
        all.extend(asked.filter(|scope| **scope != permission));
        all.join(" ")
    }

    fn id_token(&self, ask: &Ask<'_>, subject: &Subject<'_>, token: &Issued) -> Result<String, Refusal> {
        let account = subject.account;
        let Membership { tenant, object_id } = subject.membership;
        let base = &ask.world.base;
        let issuer = if ask.v1 { format!("{base}/{tenant}/") } else { format!("{base}/{tenant}/v2.0") };
        let mut claims = json!({
            "ver": if ask.v1 { "1.0" } else { "2.0" },
            "iss": issuer,
            "aud": subject.client,
            "iat": token.not_before.timestamp(),
            "nbf": token.not_before.timestamp(),
            "exp": token.expires.timestamp(),
            "auth_time": self.sign_in.at,
            "name": account.display_name(),
            "oid": object_id,
            "preferred_username": account.label(),
            "sub": object_id,
            "tid": tenant,
            "uti": random_text(),
        });
        if ask.v1 {
            claims["upn"] = account.label().into();
            claims["unique_name"] = account.label().into();
        }
        if let Some(nonce) = &self.nonce {
            claims["nonce"] = nonce.clone().into();
        }
        let key = SigningKey::of_this_process();
        key.and_then(|key| key.sign(&claims))
            .map_err(|error| Refusal::new("temporarily_unavailable", 90_033, error.to_string()))
    }
}

/// Who the account is at home, for clients that keep several: base64url of `{"uid", "utid"}`.
pub(super) fn client_info(account: &Account) -> String {
    URL_SAFE_NO_PAD.encode(json!({ "uid": account.id, "utid": account.home() }).to_string())
}

/// AADSTS50020: the user is no guest of the tenant.
pub(super) fn no_such_guest(account: &Account, tenant: &str, client: Client<'_>) -> Refusal {
    let description = format!(
        "User account '{}' from identity provider '{}' does not exist in tenant '{tenant}' and cannot access the \
         application '{}'({}) in that tenant. The account needs to be added as an external user in the tenant first. \
         Sign out and sign in again with a different account.",
        account.label(),
        account.home(),
        client.id(),
        client.name()
    );
    Refusal::invalid_grant(50_020, description)
}
