// The form's way to a profile, and back.

import type { FavouriteView } from './bindings/FavouriteView';
import type { Profile } from './bindings/Profile';
import type { Protocol } from './bindings/Protocol';
import { words } from './words';

/** What is typed in the form for a favourite. An empty text stands for what holds without it. */
interface Draft {
  vm: string;
  name: string;
  protocol: Protocol;
  port: string;
  user: string;
  access: string;
  account: string;
  tenant: string;
  cloud: string;
  folder: string;
  note: string;
}

/** As long as is asked for where a profile does not say. */
const USUAL_ACCESS = '2h';

export const emptyDraft: Draft = {
  vm: '',
  name: '',
  protocol: 'ssh',
  port: '',
  user: '',
  access: USUAL_ACCESS,
  account: '',
  tenant: '',
  cloud: '',
  folder: '',
  note: '',
};

export const defaultPorts: Record<Protocol, number> = { ssh: 22, rdp: 3389 };

/** As the settings have them. */
const accessLabels: Record<string, string> = {
  '30m': '30 minutes',
  '1h': '1 hour',
  '2h': '2 hours',
  '3h': '3 hours',
  '8h': '8 hours',
  '1d': '24 hours',
};

/** The lengths to choose from, with the one that is chosen. */
export function accessChoices(chosen: string): { value: string; label: string }[] {
  const values = Object.keys(accessLabels);
  return [...values, ...(values.includes(chosen) ? [] : [chosen])].map((value) => ({
    value,
    label: accessLabels[value] ?? value,
  }));
}

const VM_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute\/virtualMachines\/([^/]+)$/i;
// Names ending in “.ajar” are how ssh is told of favourites.
const NAME = /^(?!.*\.ajar$)[a-z0-9][a-z0-9._-]{0,63}$/i;

type Hints = Partial<Record<'vm' | 'name' | 'port', string>>;

/** What the engine would refuse about a draft. The engine has the last word. */
export function hintsFor(draft: Draft): Hints {
  const port = Number(draft.port);
  return {
    ...(VM_ID.test(draft.vm.trim()) ? {} : { vm: words.vmIdWrong }),
    ...(NAME.test(draft.name.trim()) ? {} : { name: words.nameWrong }),
    ...(draft.port.trim() === '' || (Number.isInteger(port) && port >= 1 && port <= 65535)
      ? {}
      : { port: words.portWrong }),
  };
}

/** The VM's own name, if it can be a favourite's. */
export function nameFrom(vm: string): string {
  const name = VM_ID.exec(vm.trim())?.[1] ?? '';
  return NAME.test(name) ? name : '';
}

/** What a favourite says itself. */
export const writtenOf = ({ profile, written }: FavouriteView): Profile => written ?? profile;

/** A favourite as the form shows it: what it says itself. */
export function draftOf(favourite: FavouriteView): Draft {
  const { name, protocol, profile } = favourite;
  const written = writtenOf(favourite);
  return {
    vm: written.vm,
    name,
    protocol,
    port: written.port == null ? '' : String(written.port),
    user: written.user ?? '',
    access: profile.for ?? USUAL_ACCESS,
    account: written.account ?? '',
    tenant: written.tenant ?? '',
    cloud: written.cloud ?? '',
    folder: written.folder ?? '',
    note: written.note ?? '',
  };
}

/** The profile that a draft means. What the form does not show, and what holds without being written, stays as it was. */
export function profileFrom(draft: Draft, before?: FavouriteView): Profile {
  const known = before && writtenOf(before);
  const text = (typed: string) => typed.trim() || null;
  const keepsProtocol = before && draft.protocol === before.protocol;
  const keepsAccess = before && draft.access === (before.profile.for ?? USUAL_ACCESS);
  const { for: knownAccess, ...others } = known ?? {};
  const access = keepsAccess ? knownAccess : draft.access;
  return {
    ...others,
    vm: draft.vm.trim(),
    protocol: keepsProtocol ? (known?.protocol ?? null) : draft.protocol,
    port: draft.port.trim() === '' ? null : Number(draft.port),
    user: text(draft.user),
    ...(access === undefined ? {} : { for: access }),
    account: text(draft.account),
    tenant: text(draft.tenant),
    cloud: text(draft.cloud),
    folder: text(draft.folder),
    note: text(draft.note),
  };
}

/** The folders that favourites lie in. */
export function foldersOf(favourites: FavouriteView[]): string[] {
  return [...new Set(favourites.flatMap(({ profile }) => profile.folder ?? []))];
}
