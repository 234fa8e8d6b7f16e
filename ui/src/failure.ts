// What a failure says, and what helps against it.

import { isInteractive } from './accounts';
import type { AccountView } from './bindings/AccountView';
import type { FailureView } from './bindings/FailureView';
import type { SignInMethod } from './bindings/SignInMethod';

/** A message around the name of an Azure right, which is set apart: it is long, and there to be copied. */
interface Parted {
  before: string;
  right: string | null;
  after: string;
}

export function partAtRight(message: string): Parted {
  const right = /\bMicrosoft\.[A-Za-z]+(?:\/[A-Za-z]+)+\/(?:action|read|write|delete)\b/.exec(message);
  if (!right) return { before: message, right: null, after: '' };
  const after = message.slice(right.index + right[0].length);
  return { before: message.slice(0, right.index).trim(), right: right[0], after: after.trim() };
}

/** What helps most against a failure of a favourite. */
export type Remedy =
  | { kind: 'again' }
  | { kind: 'choose'; addresses: string[] }
  | { kind: 'reason'; proposed: string }
  | { kind: 'signIn'; method: SignInMethod | undefined }
  | { kind: 'command'; command: string }
  | { kind: 'administrator' };

/** Whether a failure is no error but a question: nothing was opened, and the user can tell which way is right. */
export function isQuestion({ code }: FailureView): boolean {
  return code === 'sourceUncertain' || code === 'reasonWanted';
}

/** `account` is the one that the favourite acts as. */
export function remedyOf({ code, choices, action, wantsSignIn }: FailureView, account: AccountView | undefined): Remedy {
  if (code === 'sourceUncertain' && choices.length > 0) return { kind: 'choose', addresses: choices };
  if (code === 'reasonWanted') return { kind: 'reason', proposed: choices[0] ?? '' };
  if (code === 'accessDenied' || code === 'policyUnseen') return { kind: 'administrator' };
  if (!wantsSignIn) return { kind: 'again' };
  // A session of the Azure CLI is renewed there, and Azure has said how.
  const isOfAz = account?.method === 'az' && (code === 'claimsRequired' || code === 'notSignedIn');
  const command = isOfAz ? azCommandIn(action) : null;
  if (command !== null) return { kind: 'command', command };
  // A person can sign in; that helps no application and no machine.
  if (account && !isInteractive(account.method) && !['az', 'azd'].includes(account.method)) return { kind: 'again' };
  return { kind: 'signIn', method: code === 'conditionalAccess' ? 'browser' : undefined };
}

/** What an action has somebody run to sign in to the Azure CLI, as one line; null where “az login” alone is enough. */
function azCommandIn(action: string): string | null {
  const [, cloud, login = ''] = /(?:“(az cloud set [^”;]+)”, then )?“(az login\b[^”;]*)”/.exec(action) ?? [];
  if (cloud !== undefined) return `${cloud} && ${login}`;
  return login.includes('--') ? login : null;
}

/** Failures that are no want of a sign-in, and where another account may be let through all the same. */
const OTHERS_MAY = [
  'accessDenied',
  'denyAssigned',
  'policyUnseen',
  'notInTenant',
  'otherTenant',
  'accountDisabled',
  'vmNotFound',
  'otherCloudsAccount',
  'noAccountInCloud',
];

/** Whether another account may be let through where this one is not. */
export function dependsOnAccount({ code, wantsSignIn }: FailureView): boolean {
  return wantsSignIn || OTHERS_MAY.includes(code);
}

/** What there is to do, in words for where a button does it. */
export function actionOf({ action, actionInWindow }: Pick<FailureView, 'action'> & Partial<FailureView>): string {
  return actionInWindow ?? action;
}
