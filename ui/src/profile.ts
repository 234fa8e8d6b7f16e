// The form's way to a profile.

import type { Profile } from './bindings/Profile';
import type { Protocol } from './bindings/Protocol';
import { words } from './words';

/** What is typed in the form for a new favourite. */
export interface Draft {
  vm: string;
  name: string;
  protocol: Protocol;
  port: string;
  user: string;
  access: string;
}

export const emptyDraft: Draft = { vm: '', name: '', protocol: 'ssh', port: '', user: '', access: 'PT2H' };

export const defaultPorts: Record<Protocol, number> = { ssh: 22, rdp: 3389 };

export const accessChoices: { value: string; label: string }[] = [
  { value: 'PT30M', label: '30 minutes' },
  { value: 'PT1H', label: '1 hour' },
  { value: 'PT2H', label: '2 hours' },
  { value: 'PT3H', label: '3 hours' },
  { value: 'PT8H', label: '8 hours' },
  { value: 'PT24H', label: '24 hours' },
];

const VM_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute\/virtualMachines\/([^/]+)$/i;
// Names ending in “.ajar” are how ssh is told of favourites.
const NAME = /^(?!.*\.ajar$)[a-z0-9][a-z0-9._-]{0,63}$/i;

export type Hints = Partial<Record<'vm' | 'name' | 'port', string>>;

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

export function profileFrom(draft: Draft): Profile {
  return {
    vm: draft.vm.trim(),
    protocol: draft.protocol,
    port: draft.port.trim() === '' ? null : Number(draft.port),
    user: draft.user.trim() || null,
    for: draft.access,
  };
}

