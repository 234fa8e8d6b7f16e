// What a screen reader is told when the state changes. The ticking of a countdown is not told.

import type { AttemptView } from './bindings/AttemptView';
import type { DeallocationView } from './bindings/DeallocationView';
import type { SignInView } from './bindings/SignInView';
import type { Snapshot } from './bindings/Snapshot';
import type { WindowView } from './bindings/WindowView';
import { clockText, durationText } from './countdown';
import { windowKey } from './sections';
import { words } from './words';

export function announcement(before: Snapshot | null, after: Snapshot, now: number): string {
  if (before === null) return '';
  const told: string[] = [];
  for (const attempt of after.attempts) {
    const earlier = before.attempts.find(({ number }) => number === attempt.number);
    const text = lineOf(attempt);
    if (!earlier || lineOf(earlier) !== text) told.push(`${attempt.name}: ${text}`);
  }
  for (const one of after.deallocations) {
    const earlier = before.deallocations.find(({ number }) => number === one.number);
    const text = restOf(one);
    if (!earlier || restOf(earlier) !== text) told.push(`${one.name}: ${text}`);
  }
  for (const one of after.afterUse) {
    const earlier = before.afterUse.find(({ cloud, vm }) => cloud === one.cloud && vm === one.vm);
    if (earlier?.deallocatesAt !== one.deallocatesAt) told.push(`${one.name}: ${one.text}`);
  }
  for (const window of after.windows) {
    const earlier = before.windows.find((known) => windowKey(known) === windowKey(window));
    if (!earlier) told.push(`${window.name}: ${words.openUntil(clockText(window.endTimeUtc, now))}`);
    else if (window.ending && !earlier.ending) told.push(`${window.name}: ${words.endingSoon}`);
    if (window.leftBehind && window.leftBehind.text !== earlier?.leftBehind?.text) {
      told.push(`${window.name}: ${window.leftBehind.text}`);
    }
  }
  for (const window of before.windows) {
    // One whose favourite was removed goes on under its VM's name.
    const goesOn = ({ cloud, vm, port, endTimeUtc }: WindowView) =>
      cloud === window.cloud && vm === window.vm && port === window.port && endTimeUtc === window.endTimeUtc;
    const gone = !after.windows.some((known) => windowKey(known) === windowKey(window) || goesOn(known));
    const early = after.closed.find(({ name, port }) => name === window.name && port === window.port);
    if (gone) told.push(`${window.name}: ${early?.text ?? words.closedToNew}`);
  }
  const signIn = signInLine(after.signIn, now);
  if (signIn && signIn !== signInLine(before.signIn, now)) told.push(signIn);
  return told.join('. ');
}

function signInLine(signIn: SignInView | null, now: number): string {
  const stage = signIn?.stage;
  switch (stage?.kind) {
    case 'beginning':
      return words.signInBeginning;
    case 'browser':
      return words.signInBrowser;
    case 'deviceCode':
      return `${words.signInCode} ${[...stage.userCode].join(' ')}. ${words.signInCodeWhere(clockText(stage.expiresAt, now))} ${stage.url}`;
    case 'done':
      return words.signedInAs(stage.username ?? stage.name);
    case 'failed':
      return stage.failure.title;
    case undefined:
      return '';
  }
}

function restOf({ headline, outcome }: DeallocationView): string {
  if (outcome === null) return headline;
  return outcome.kind === 'deallocated' ? outcome.text : outcome.title;
}

function lineOf({ headline, outcome }: AttemptView): string {
  if (!outcome || outcome.kind === 'extended') return headline;
  return outcome.kind === 'connected' ? words.openedIn(durationText(outcome.elapsedMs)) : outcome.title;
}
