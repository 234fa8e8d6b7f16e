// What of a snapshot stands where in the window.

import type { AttemptView } from './bindings/AttemptView';
import type { FailureView } from './bindings/FailureView';
import type { FavouriteView } from './bindings/FavouriteView';
import type { FoundVm } from './bindings/FoundVm';
import type { RecentView } from './bindings/RecentView';
import type { Snapshot } from './bindings/Snapshot';
import type { WindowView } from './bindings/WindowView';
import { durationText } from './countdown';
import { words } from './words';

export interface OpenWindow {
  window: WindowView;
  /** What the attempt that opened it wants known, such as a shortened duration. */
  notes: string[];
  /** Whether a favourite leads to that port still; without one nobody knows how to open it, or for how long. */
  canConnect: boolean;
}

export interface FailedAttempt {
  attempt: AttemptView;
  failure: FailureView;
}

interface EndedAttempt {
  attempt: AttemptView;
  /** What there is to say about it. */
  text: string;
}

export interface Sections {
  open: OpenWindow[];
  connecting: AttemptView[];
  failed: FailedAttempt[];
  /** Ended without trouble and without a window that tells of it. */
  ended: EndedAttempt[];
  favourites: FavouriteView[];
}

export function sectionsOf(snapshot: Snapshot): Sections {
  const sections: Sections = { open: [], connecting: [], failed: [], ended: [], favourites: snapshot.favourites };
  const isUnderWay = (window: WindowView) => snapshot.attempts.some((one) => one.outcome === null && !one.extends && isOf(window, one));
  // Granted is not yet open: what is still being opened stands under "Connecting" alone.
  for (const window of snapshot.windows.filter((window) => !isUnderWay(window))) {
    const attempt = snapshot.attempts.find(
      (attempt) => hasOpened(attempt) && isOf(window, attempt),
    );
    const canConnect = snapshot.favourites.some((favourite) => leadsTo(favourite, window));
    sections.open.push({ window, notes: attempt?.notes ?? [], canConnect });
  }
  for (const attempt of snapshot.attempts) {
    const { outcome } = attempt;
    if (outcome === null) {
      sections.connecting.push(attempt);
    } else if (outcome.kind === 'failed') {
      sections.failed.push({ attempt, failure: outcome });
    } else if (outcome.kind === 'cancelled') {
      sections.ended.push({ attempt, text: sentences(outcome.title, outcome.message) });
    } else if (!snapshot.windows.some((window) => isOf(window, attempt))) {
      const done = outcome.kind === 'extended' ? attempt.headline : words.openedIn(durationText(outcome.elapsedMs));
      sections.ended.push({ attempt, text: sentences(done, ...attempt.notes) });
    }
  }
  return sections;
}

function hasOpened({ outcome }: AttemptView): boolean {
  return outcome?.kind === 'connected' || outcome?.kind === 'extended';
}

/** Whether more time is what was wanted, and can be wanted again: what is not open has to be opened first. */
export function wantsMoreTime({ attempt, failure }: FailedAttempt): boolean {
  return attempt.extends && failure.code !== 'notOpen';
}

/** Whether both are the same VM: each cloud has resource ids of its own. */
export function isSameVm(one: { cloud: string; vm: string }, other: { cloud: string; vm: string }): boolean {
  return one.cloud === other.cloud && one.vm.toLowerCase() === other.vm.toLowerCase();
}

/** Whether a window is for what an attempt opened. */
function isOf(window: WindowView, attempt: AttemptView): boolean {
  return window.port === attempt.port && isSameVm(window, attempt);
}

/** A window that has lost its favourite has the name of its VM, which may be another favourite's. */
function leadsTo(favourite: FavouriteView, window: WindowView): boolean {
  return favourite.name === window.name && favourite.port === window.port && isSameVm(favourite, window);
}

function sentences(...texts: string[]): string {
  return texts.filter(Boolean).join(' ');
}

/** The name of a row that arrows can reach: a favourite may stand in two sections. */
export type RowKey = `${'window' | 'favourite' | 'recent' | 'vm' | 'opening'}:${string}`;

export const windowKey = ({ name, cloud, vm, port, source }: WindowView): RowKey => `window:${name}:${port}:${source}:${cloud}${vm}`;
export const favouriteKey = ({ name }: Pick<FavouriteView, 'name'>): RowKey => `favourite:${name}`;
export const recentKey = ({ opens: { name }, port }: RecentView): RowKey => `recent:${name}:${port}`;
export const vmKey = ({ viewpoint, vm }: FoundVm): RowKey => `vm:${viewpoint.cloud}${vm.id.toLowerCase()}`;
export const openingKey = (place: number): RowKey => `opening:${place}`;

/** A VM's own name. */
export const vmName = (id: string) => id.slice(id.lastIndexOf('/') + 1);
