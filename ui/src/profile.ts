// The form's way to a profile, and back.

import type { AddressChoice } from './bindings/AddressChoice';
import type { AfterUse } from './bindings/AfterUse';
import type { Colour } from './bindings/Colour';
import type { FavouriteView } from './bindings/FavouriteView';
import type { Inheritable } from './bindings/Inheritable';
import type { Profile } from './bindings/Profile';
import type { Protocol } from './bindings/Protocol';
import type { Snapshot } from './bindings/Snapshot';
import { folderNames } from './folders';
import { words } from './words';

/** What is typed in the form for a favourite. An empty text stands for what holds without it. */
export interface Draft {
  vm: string;
  name: string;
  protocol: '' | Protocol;
  port: string;
  user: string;
  access: string;
  renewUpTo: string;
  afterUse: '' | AfterUse;
  account: string;
  tenant: string;
  cloud: string;
  folder: string;
  note: string;
  colour: '' | Colour;
  start: YesOrNo;
  identityFile: string;
  knownHostsFile: string;
  justification: string;
  askJustification: YesOrNo;
  address: '' | AddressChoice;
  source: string;
  client: string;
  /** One a line. */
  clientArguments: string;
  /** One a line. */
  forwards: string;
  /** Of which of them it says that there are none, whatever it would inherit. */
  none: NoneOf[];
  rdpFile: string;
  gateway: string;
  multimon: YesOrNo;
  entraLogin: YesOrNo;
  forwardAgent: YesOrNo;
}

/** What can be said to be none. */
export type NoneOf = 'justification' | 'clientArguments' | 'forwards';

type YesOrNo = '' | 'yes' | 'no';

export const emptyDraft: Draft = {
  vm: '',
  name: '',
  protocol: '',
  port: '',
  user: '',
  access: '',
  renewUpTo: '',
  afterUse: '',
  account: '',
  tenant: '',
  cloud: '',
  folder: '',
  note: '',
  colour: '',
  start: '',
  identityFile: '',
  knownHostsFile: '',
  justification: '',
  askJustification: '',
  address: '',
  source: '',
  client: '',
  clientArguments: '',
  forwards: '',
  none: [],
  rdpFile: '',
  gateway: '',
  multimon: '',
  entraLogin: '',
  forwardAgent: '',
};

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
  return [...values, ...(chosen === '' || values.includes(chosen) ? [] : [chosen])].map((value) => ({
    value,
    label: accessLabels[value] ?? value,
  }));
}

const VM_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute\/virtualMachines\/([^/]+)$/i;
// Names ending in “.ajar” are how ssh is told of favourites.
const NAME = /^(?!.*\.ajar$)[a-z0-9][a-z0-9._-]{0,63}$/i;

/** Whether a text can be what a network is called. */
export const isNetworkName = (text: string) => /^(?!automatic$)[a-z][a-z0-9._-]{0,63}$/i.test(text);

/** Whether a text can be a team's name. */
export const isTeamName = (text: string) => /^[a-z0-9][a-z0-9_-]{0,31}$/i.test(text);

/** Whether a text can be where a team's file is: a whole path, or an https address without a user's name. */
export const isTeamPlace = (text: string) => /^(\/|[a-z]:[\\/]|\\\\)/i.test(text) || /^https:\/\/[^\s/?#@]+([/?#]\S*)?$/i.test(text);

export type Hints = Partial<Record<'vm' | 'name' | 'port' | 'source' | 'forwards', string>>;

/** Whether a text is the IPv4 address of one machine, which others can see. */
export function isMachine(text: string): boolean {
  const numbers = text.replace(/\/32$/, '').split('.');
  if (numbers.length !== 4 || !numbers.every((number) => /^(0|[1-9]\d{0,2})$/.test(number) && Number(number) <= 255)) return false;
  const [first, second] = numbers.map(Number) as [number, number];
  return first !== 0 && first !== 127 && first < 224 && !(first === 169 && second === 254);
}

const PORT = String.raw`(?:[1-9]\d{0,3}|[1-5]\d{4}|6(?:[0-4]\d{3}|5(?:[0-4]\d{2}|5(?:[0-2]\d|3[0-5]))))`;
const HOST = String.raw`(?:\[[\dA-Fa-f:.]+\]|[\dA-Za-z][\w.-]{0,254})`;
const LISTEN = `(?:(?:\\*|${HOST}):)?${PORT}`;
/** A port that ssh can forward, such as “L 8080:localhost:80”. */
const FORWARD = new RegExp(`^(?:[LR] +${LISTEN}:${HOST}:${PORT}|D +${LISTEN})$`);

const linesOf = (text: string) => text.split('\n').map((line) => line.trim()).filter((line) => line !== '');

/** What the engine would refuse about a draft. The engine has the last word. */
export function hintsFor(draft: Draft): Hints {
  const port = Number(draft.port);
  const source = draft.source.trim();
  const wrongForward = linesOf(draft.forwards).find((line) => !FORWARD.test(line));
  return {
    ...(VM_ID.test(draft.vm.trim()) ? {} : { vm: words.vmIdWrong }),
    ...(NAME.test(draft.name.trim()) ? {} : { name: words.nameWrong }),
    ...(draft.port.trim() === '' || (Number.isInteger(port) && port >= 1 && port <= 65535)
      ? draft.protocol === 'port' && draft.port.trim() === ''
        ? { port: words.portUnsaid }
        : {}
      : { port: words.portWrong }),
    ...(source === '' || source === 'automatic' || isNetworkName(source) || isMachine(source) ? {} : { source: words.sourceWrong(source) }),
    ...(wrongForward === undefined ? {} : { forwards: words.forwardsWrong(wrongForward) }),
  };
}

/** Whether it is a VM's resource id. */
export const isVmId = (text: string) => VM_ID.test(text.trim());

/** The VM's own name, if it can be a favourite's. */
export function nameFrom(vm: string): string {
  const name = VM_ID.exec(vm.trim())?.[1] ?? '';
  return NAME.test(name) ? name : '';
}

/** What is known of a favourite when its form is opened. */
export type Known = Pick<FavouriteView, 'name' | 'protocol' | 'profile' | 'written'>;

/** What a favourite says itself. */
export const writtenOf = ({ profile, written }: Known): Profile => written ?? profile;

/** A favourite as the form shows it: what it says itself. */
export function draftOf(favourite: Known): Draft {
  const { name, protocol } = favourite;
  const written = writtenOf(favourite);
  return {
    vm: written.vm,
    name,
    // Who says a port says by it what is spoken there.
    protocol: written.protocol ?? (written.port == null ? '' : protocol),
    port: written.port == null ? '' : String(written.port),
    user: written.user ?? '',
    access: written.for ?? '',
    renewUpTo: written.renew_up_to ?? '',
    afterUse: written.after_use ?? '',
    account: written.account ?? '',
    tenant: written.tenant ?? '',
    cloud: written.cloud ?? '',
    folder: written.folder ?? '',
    note: written.note ?? '',
    colour: written.colour ?? '',
    start: yesOrNo(written.start),
    identityFile: written.identity_file ?? '',
    knownHostsFile: written.known_hosts_file ?? '',
    justification: written.justification ?? '',
    askJustification: yesOrNo(written.ask_justification),
    address: written.address ?? '',
    source: written.source ?? '',
    client: written.client ?? '',
    clientArguments: (written.client_arguments ?? []).join('\n'),
    forwards: (written.forwards ?? []).join('\n'),
    none: [
      ...(written.justification?.trim() === '' ? ['justification' as const] : []),
      ...(written.client_arguments?.length === 0 ? ['clientArguments' as const] : []),
      ...(written.forwards?.length === 0 ? ['forwards' as const] : []),
    ],
    rdpFile: written.rdp_file ?? '',
    gateway: written.gateway ?? '',
    multimon: yesOrNo(written.multimon),
    entraLogin: yesOrNo(written.entra_login),
    forwardAgent: yesOrNo(written.forward_agent),
  };
}

function yesOrNo(said: boolean | null | undefined): YesOrNo {
  if (said == null) return '';
  return said ? 'yes' : 'no';
}

const isSo = (said: YesOrNo) => (said === '' ? null : said === 'yes');

/** The profile that a draft means. What holds without being written is not, and what stays the same stays as it was. */
export function profileFrom(draft: Draft, before?: Known): Profile {
  const text = (typed: string) => typed.trim() || null;
  const known = before && draftOf(before);
  const saidBefore = before && writtenOf(before);
  // A port alone tells the protocol: another port, or none, would tell another than the form shows.
  const keepsProtocol = known?.protocol === draft.protocol && known.port === draft.port.trim();
  const isNone = (what: NoneOf) => draft.none.includes(what);
  const stays = (what: NoneOf) => known !== undefined && !known.none.includes(what) && known[what] === draft[what];
  const forwards = linesOf(draft.forwards);
  const words = draft.clientArguments.split('\n').filter((word) => word !== '');
  const said = {
    protocol: keepsProtocol ? saidBefore?.protocol : draft.protocol || null,
    port: draft.port.trim() === '' ? null : Number(draft.port),
    user: text(draft.user),
    for: text(draft.access),
    renew_up_to: text(draft.renewUpTo),
    after_use: draft.afterUse || null,
    account: text(draft.account),
    tenant: text(draft.tenant),
    cloud: text(draft.cloud),
    folder: text(draft.folder),
    note: text(draft.note),
    colour: draft.colour || null,
    start: isSo(draft.start),
    identity_file: text(draft.identityFile),
    known_hosts_file: text(draft.knownHostsFile),
    justification: isNone('justification') ? '' : stays('justification') ? saidBefore?.justification : text(draft.justification),
    ask_justification: isSo(draft.askJustification),
    address: draft.address || null,
    source: text(draft.source),
    client: text(draft.client),
    client_arguments: isNone('clientArguments') ? [] : stays('clientArguments') ? saidBefore?.client_arguments : words.length > 0 ? words : null,
    forwards: isNone('forwards') ? [] : stays('forwards') ? saidBefore?.forwards : forwards.length > 0 ? forwards : null,
    rdp_file: known?.rdpFile === draft.rdpFile ? saidBefore?.rdp_file : text(draft.rdpFile),
    gateway: known?.gateway === draft.gateway ? saidBefore?.gateway : text(draft.gateway),
    multimon: isSo(draft.multimon),
    entra_login: isSo(draft.entraLogin),
    forward_agent: isSo(draft.forwardAgent),
  };
  const written = Object.entries(said).filter(([, value]) => value != null);
  return { ...Object.fromEntries(written), vm: draft.vm.trim() };
}

/**
 * What a draft says apart from which VM it is about: what a favourite could inherit, too. What is wrong is not said:
 * that of which there is no question would not be told either.
 */
export function inheritableFrom(draft: Draft, before?: Known): Inheritable {
  const wrong = hintsFor(draft);
  const right = { ...draft, port: wrong.port ? '' : draft.port, source: wrong.source ? '' : draft.source, forwards: wrong.forwards ? '' : draft.forwards };
  const { vm: _vm, folder: _folder, note: _note, ...said } = profileFrom(right, before);
  return said;
}

/** What a port stands for by custom, as the engine has it. */
function spokenOn(port: number): Protocol {
  if (port === 22 || port === 2222) return 'ssh';
  return port === 3389 ? 'rdp' : 'port';
}

/** What is said of many, as the form takes it: as if it were of one. */
export function asKnown(said: Inheritable): Known {
  const protocol = said.protocol ?? (said.port == null ? 'ssh' : spokenOn(said.port));
  return { name: '', protocol, profile: { vm: '', ...said } };
}

/** What a draft is opened with: where it says nothing what it inherits, as `told` by the engine once that is known. */
export function protocolOf(draft: Draft, told: string | undefined, before?: Known): Protocol {
  const inherited = (['ssh', 'rdp', 'port'] as const).find((protocol) => told?.startsWith(words.protocol(protocol)));
  return draft.protocol || (inherited ?? before?.protocol ?? 'ssh');
}

/** The folders that favourites lie in. */
export function foldersOf(favourites: FavouriteView[]): string[] {
  return [...new Set(favourites.flatMap(({ profile }) => profile.folder ?? []))];
}

/** All folders: those that favourites lie in with those around them, and those that hand something down. */
export function allFolders({ favourites, settings }: Snapshot): string[] {
  const around = (path: string) => path.split('/').map((_, at, names) => names.slice(0, at + 1).join('/'));
  const lainIn = foldersOf(favourites).flatMap((folder) => around(folderNames(folder).join('/')));
  return [...new Set([...settings.folders.map(({ path }) => path), ...lainIn])].filter((path) => path !== '');
}

/** What is said, in one line, such as “User: azureuser · Access for: 2h”. */
export function saidInWords(said: Inheritable): string {
  const labels: Record<string, string> = { ...words.fieldNames, ...words.fields };
  const told = (value: unknown) => {
    if (typeof value === 'boolean') return value ? 'yes' : 'no';
    return Array.isArray(value) ? value.join(' ') : String(value);
  };
  return Object.entries(said)
    .filter(([, value]) => value != null)
    .map(([key, value]) => `${labels[key] ?? key}: ${told(value)}`)
    .join(' · ');
}
