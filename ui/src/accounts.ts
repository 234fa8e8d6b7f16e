// Whom favourites act as, and what signing in takes.

import type { AccountName } from './bindings/AccountName';
import type { AccountView } from './bindings/AccountView';
import type { AzAccountView } from './bindings/AzAccountView';
import type { FavouriteView } from './bindings/FavouriteView';
import type { ProfileName } from './bindings/ProfileName';
import type { SignInMethod } from './bindings/SignInMethod';
import type { Snapshot } from './bindings/Snapshot';
import type { Problem } from './engine';

/** Two names that differ only in case are the same account. */
const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();

export function accountNamed(accounts: AccountView[], name: AccountName): AccountView | undefined {
  return accounts.find((account) => same(account.name, name));
}

/** The account that a favourite acts as, if it is there. */
export function accountOf({ account }: FavouriteView, accounts: AccountView[]): AccountView | undefined {
  return account ? accountNamed(accounts, account) : undefined;
}

/** The account that acts for favourites that name none; none where the one that is to is not there. */
export function usualAccount(accounts: AccountView[]): AccountView | undefined {
  return accounts.find(({ isDefault }) => isDefault);
}

/** What a new favourite names at first: no account where one acts for it all the same. */
export function firstChoice({ accounts }: Pick<Snapshot, 'accounts'>): AccountName | '' {
  return usualAccount(accounts) ? '' : (accounts[0]?.name ?? '');
}

/** The account that a favourite names and that is not there any more, if so. */
export function goneAccount({ profile }: FavouriteView, accounts: AccountView[]): AccountName | null {
  return profile.account && !accountNamed(accounts, profile.account) ? profile.account : null;
}

/** Whether a favourite cannot be opened before somebody has signed in, as far as is known. */
export function waitsForSignIn(favourite: FavouriteView, accounts: AccountView[]): boolean {
  return goneAccount(favourite, accounts) !== null || favourite.waitsForSignIn;
}

/** A GUID says little: its beginning tells one from another. */
const brief = (tenant: string) => (isGuid(tenant) ? `${tenant.slice(0, 8)}…` : tenant);

/** The line under a favourite's name: before what is known of its VM whom it acts as and where, if that is not a matter of course; behind it what was noted. */
export function detailOf(favourite: FavouriteView, accounts: AccountView[]): string {
  const acting = accounts.filter(({ favourites }) => favourites > 0);
  const { account, tenant } = favourite.profile;
  const named = accountOf(favourite, accounts)?.name ?? account;
  const isTold = acting.length > 1 || goneAccount(favourite, accounts) !== null;
  const { note } = favourite.profile;
  return [
    ...(isTold && named ? [named] : []),
    ...(tenant ? [brief(tenant)] : []),
    favourite.detail,
    ...(note ? [note] : []),
  ].join(' · ');
}

/** Those that a favourite could act as instead, once they are signed in. */
export function othersFor(favourite: FavouriteView, accounts: AccountView[]): AccountView[] {
  const acting = accountOf(favourite, accounts);
  const cloud = favourite.profile.cloud ?? null;
  return accounts.filter((account) => account !== acting && (!cloud || !account.cloud || account.cloud === cloud));
}

/** Whether somebody signs in to it in the window. */
export const isInteractive = (method: SignInMethod) => method === 'browser' || method === 'device-code';

/** The accounts that are there without settings. */
const BUILT_IN = ['environment', 'az', 'azd'];

/** Whether it is one of the settings, which can be forgotten, or could be. */
export const isOwn = ({ name }: Pick<AccountView, 'name'>) => !BUILT_IN.some((builtIn) => same(name, builtIn));

/** Whoever is signed in to the Azure CLI, as far as it has told. */
export function azAccounts(snapshot: Snapshot): AzAccountView[] {
  const { az } = snapshot.signInWays;
  return az.kind === 'read' ? az.accounts : [];
}

/** Whether somebody is signed in to anything that favourites could act as; unknown until the Azure CLI has told. */
export function somebodyIsSignedIn(snapshot: Snapshot): boolean | 'unknown' {
  const others = snapshot.accounts.filter(({ method }) => method !== 'az');
  if (others.some(({ state }) => state !== 'needsSignIn') || azAccounts(snapshot).length > 0) return true;
  return snapshot.signInWays.az.kind === 'unread' ? 'unknown' : false;
}

/** The accounts that favourites act as and that were refused a token. */
export function wantingSignIn(snapshot: Snapshot): AccountView[] {
  return snapshot.accounts.filter(({ state, favourites }) => state === 'needsSignIn' && favourites > 0);
}

/** The clouds to choose from, the usual one first. */
export function cloudChoices({ host, settings }: Pick<Snapshot, 'host' | 'settings'>): string[] {
  return [...new Set([host.cloud, 'public', 'usgov', 'china', ...settings.clouds.map(({ name }) => name)])];
}

/** One or two letters for a person, by the user name: `ada.lovelace@contoso.example` is `AL`. */
export function initials(account: AccountView | undefined): string {
  const name = account?.username?.split('@')[0] ?? '';
  const parts = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  return [parts[0], parts.length > 1 ? parts.at(-1) : undefined].map((part) => part?.[0] ?? '').join('').toUpperCase();
}

/** What a sign-in is to be about; the rest is found out or asked for. */
export interface SignInAim {
  account?: AccountName | undefined;
  /** How; else as the account does, else in the browser. */
  method?: SignInMethod | undefined;
  then?: ProfileName | undefined;
  /** Where, if the favourite says so, or an earlier try. */
  cloud?: string | undefined;
  tenant?: string | undefined;
  /** Why another application is to be named first. */
  applicationProblem?: Problem | undefined;
}

const ACCOUNT_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

export const isAccountName = (text: string) => ACCOUNT_NAME.test(text.trim());

/** As Azure shows it, and as some copy it. */
const GUID = /^\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$/i;

export const isGuid = (text: string) => GUID.test(text.trim());
