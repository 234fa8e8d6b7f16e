import { expect, test } from 'vitest';

import { accountOf, detailOf, firstChoice, initials, isGuid, isOwn, othersFor, somebodyIsSignedIn, waitsForSignIn, wantingSignIn } from './accounts';
import type { AzView } from './bindings/AzView';
import { account, favourite, snapshot, vmId } from './fixtures/build';
import * as states from './fixtures/snapshots';

const NOW = Date.parse('2026-11-22T15:00:00Z');

test('a favourite acts as the account that it names in any case, else as the default', () => {
  const { accounts } = states.accounts(NOW);
  const named = favourite('web', { profile: { vm: vmId('web'), account: 'GRACE-gov' } });
  expect(accountOf(named, accounts)?.name).toBe('grace-gov');
  expect(accountOf(favourite('web'), accounts)?.name).toBe('ada');
});

test('another account is offered where it is of the same cloud', () => {
  const { accounts } = states.accounts(NOW);
  const names = (cloud?: string) =>
    othersFor(favourite('web', { profile: { vm: vmId('web'), cloud: cloud ?? null } }), accounts).map(({ name }) => name);
  expect(names()).toEqual(['grace-gov', 'konrad', 'az']);
  expect(names('usgov')).toEqual(['grace-gov', 'az']);
});

test('initials are those of the user name', () => {
  const of = (username: string | null) => initials(account('x', { username }));
  expect([of('ada.lovelace@contoso.example'), of('ada@contoso.example'), of('a-b_c@d'), of(null), of('@')]).toEqual([
    'AL',
    'A',
    'AC',
    '',
    '',
  ]);
});

test('nobody is signed in until an account is, or the Azure CLI has told of one', () => {
  const az = account('az', { method: 'az', state: 'elsewhere' });
  const own = (state: 'signedIn' | 'needsSignIn') => account('ada', { state });
  const user = { user: 'ada', tenantId: 't', cloud: 'public', subscriptions: 1, isDefault: true, account: null };
  const somebody = (az: AzView, ...accounts: ReturnType<typeof account>[]) =>
    somebodyIsSignedIn(snapshot({ accounts, signInWays: { clientId: null, az } }));
  expect(somebody({ kind: 'unread' }, az)).toBe('unknown');
  expect(somebody({ kind: 'missing' }, az)).toBe(false);
  expect(somebody({ kind: 'read', accounts: [] }, az, own('needsSignIn'))).toBe(false);
  expect(somebody({ kind: 'read', accounts: [user] }, az)).toBe(true);
  expect(somebody({ kind: 'missing' }, own('signedIn'))).toBe(true);
  // azd tells nobody who is signed in to it; it counts until it refuses a token.
  const azd = (state: 'elsewhere' | 'needsSignIn') => account('azd', { method: 'azd', state, isDefault: true });
  expect(somebody({ kind: 'missing' }, azd('elsewhere'))).toBe(true);
  expect(somebody({ kind: 'missing' }, azd('needsSignIn'))).toBe(false);
  expect(somebody({ kind: 'missing' }, account('environment', { method: 'service-principal', state: 'elsewhere' }))).toBe(true);
});

test('who has to sign in matters where favourites act as that account', () => {
  const accounts = [account('a', { state: 'needsSignIn' }), account('b', { state: 'needsSignIn', favourites: 1 })];
  expect(wantingSignIn(snapshot({ accounts })).map(({ name }) => name)).toEqual(['b']);
});

test('a new favourite names an account at first where none acts for it all the same', () => {
  const [ada, grace] = [account('ada'), account('grace', { isDefault: true })];
  expect(firstChoice({ accounts: [ada, grace] })).toBe('');
  expect(firstChoice({ accounts: [ada] })).toBe('ada');
  expect(firstChoice({ accounts: [] })).toBe('');
});

test('an application is named by a GUID', () => {
  expect(isGuid(' 6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01 ')).toBe(true);
  expect(isGuid('{6F1C22D0-0D3E-4A5B-9C77-8F2E51B90A01}')).toBe(true);
  expect(isGuid('contoso.example')).toBe(false);
});

test('accounts of the settings can be forgotten, those that are there without them cannot', () => {
  const names = ['ada', 'az', 'AZD', 'environment', 'robot'];
  expect(names.filter((name) => isOwn(account(name)))).toEqual(['ada', 'robot']);
});

test('a row tells whom it acts as where that is not a matter of course, and the tenant that it names', () => {
  const ada = account('ada', { isDefault: true, favourites: 1 });
  const grace = account('grace', { favourites: 1, state: 'needsSignIn' });
  const plain = favourite('web-01');
  const named = favourite('db', { profile: { vm: '', account: 'GRACE', tenant: '7c1f0a52-6f0e-4c2b-9d57-31aa5e6b1c01' } });
  const gone = favourite('lab', { profile: { vm: '', account: 'bob', tenant: 'contoso.example' } });
  expect(detailOf(plain, [ada])).toBe('rg-demo');
  expect(detailOf(plain, [ada, grace])).toBe('ada · rg-demo');
  expect(detailOf(named, [ada, grace])).toBe('grace · 7c1f0a52… · rg-demo');
  expect(detailOf(gone, [ada])).toBe('bob · contoso.example · rg-demo');
  const noted = favourite('web', { profile: { vm: vmId('web'), note: 'the front' } });
  expect(detailOf(noted, [ada])).toBe('rg-demo · the front');
  expect([plain, named, gone].map((one) => waitsForSignIn(one, [ada, grace]))).toEqual([false, true, true]);
});
