import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import type { FailureView } from './bindings/FailureView';
import { dependsOnAccount, partAtRight, remedyOf } from './failure';
import { account, failure } from './fixtures/build';
import { accessDenied, signInRequired, sourceUncertain, unknownAccount } from './fixtures/snapshots';

const wanting = (code: string, parts: Partial<FailureView> = {}) => failure(code, { wantsSignIn: true, ...parts });

/** What there is to do about a failure, as ajar-core says it; of several of that name the one that speaks of `about`. */
function actionInCore(code: string, about = ''): string {
  const folder = '../crates/ajar-core/src/message/failure/snapshots';
  const told = readFileSync(`${folder}/ajar_core__message__failure__tests__every_failure_in_words.snap`, 'utf8');
  const actions = [...told.matchAll(new RegExp(`^${code}\\n(?:  [^→].*\\n)+  → (.*)$`, 'gm'))].map(([, action]) => action ?? '');
  return actions.find((action) => action.includes(about)) ?? '';
}

test('the missing right is set apart from the sentence that names it', () => {
  expect(partAtRight(accessDenied.message)).toEqual({
    before: 'It lacks the right',
    right: 'Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action',
    after: 'on the resource group rg-finance.',
  });
});

test('a sentence goes on after the right', () => {
  expect(partAtRight('Without Microsoft.Compute/virtualMachines/read nothing is known.').after).toBe(
    'nothing is known.',
  );
});

test('a message that names no right stays whole', () => {
  expect(partAtRight('Nothing was opened.')).toEqual({ before: 'Nothing was opened.', right: null, after: '' });
});

test('what helps most depends on the failure and on who acts', () => {
  const own = account('ada');
  const az = account('az', { method: 'az' });
  const application = account('app', { method: 'service-principal' });
  const wantsReason = { ...sourceUncertain, code: 'reasonWanted', choices: ['Deploy'] };
  expect(remedyOf(wantsReason, own)).toEqual({ kind: 'reason', proposed: 'Deploy' });
  expect(remedyOf(sourceUncertain, own)).toEqual({ kind: 'choose', addresses: ['198.51.100.20', '203.0.113.7'] });
  expect(remedyOf(accessDenied, own)).toEqual({ kind: 'administrator' });
  expect(remedyOf(signInRequired, own)).toEqual({ kind: 'signIn', method: undefined });
  expect(remedyOf(wanting('notSignedIn'), az)).toEqual({ kind: 'signIn', method: undefined });
  // A person can sign in; that helps no application with a secret.
  expect(remedyOf(wanting('principalRefused'), application)).toEqual({ kind: 'again' });
  // Many organisations forbid codes alone.
  expect(remedyOf(wanting('conditionalAccess'), own)).toEqual({ kind: 'signIn', method: 'browser' });
  // An account that is gone is signed in to anew.
  expect(remedyOf(unknownAccount, undefined)).toEqual({ kind: 'signIn', method: undefined });
  expect(remedyOf(failure('portSilent'), own)).toEqual({ kind: 'again' });
});

test('a session of the Azure CLI is renewed by the command that Azure wants', () => {
  const command =
    'az login --tenant "contoso.example" --claims-challenge "eyJhY2Nlc3NfdG9rZW4iOnt9fQ==" --scope "https://management.azure.com/.default"';
  const challenge = wanting('claimsRequired', { action: actionInCore('claimsRequired') });
  expect(remedyOf(challenge, account('az', { method: 'az' }))).toEqual({ kind: 'command', command });
  expect(remedyOf(challenge, account('ada'))).toEqual({ kind: 'signIn', method: undefined });
});

test('a tenant that refuses what the Azure CLI has is signed in to by its own command', () => {
  const action = actionInCore('notSignedIn', '--tenant');
  const command = 'az login --tenant fabrikam.example';
  const refused = wanting('notSignedIn', { action });
  expect(remedyOf(refused, account('az', { method: 'az' }))).toEqual({ kind: 'command', command });
});

test('a cloud that is not the active one of the Azure CLI is made that before anybody signs in', () => {
  const refused = wanting('notSignedIn', { action: actionInCore('notSignedIn', 'az cloud set') });
  const command = 'az cloud set --name AzureUSGovernment && az login';
  expect(remedyOf(refused, account('az', { method: 'az' }))).toEqual({ kind: 'command', command });
});

test('where “az login” alone helps, the window signs in', () => {
  const action = actionInCore('notSignedIn', 'Run “az login”,');
  expect(action).toContain('sign in with your browser');
  expect(remedyOf(wanting('notSignedIn', { action }), account('az', { method: 'az' }))).toEqual({ kind: 'signIn', method: undefined });
});

test('another account is a way out where rights or sign-ins are in the way', () => {
  const codes = ['accessDenied', 'notInTenant', 'otherTenant', 'portSilent'].map((code) => failure(code));
  const told = [...codes, signInRequired, unknownAccount].filter(dependsOnAccount);
  expect(told.map(({ code }) => code)).toEqual([
    'accessDenied',
    'notInTenant',
    'otherTenant',
    'signInRequired',
    'unknownAccount',
  ]);
});
