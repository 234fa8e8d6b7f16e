// The window's own words. What happened to a VM, and why, is said by the engine.

import type { FavouriteState } from './bindings/FavouriteState';
import type { Protocol } from './bindings/Protocol';
import type { StepStatus } from './bindings/StepStatus';

const protocols: Record<Protocol, string> = { ssh: 'SSH', rdp: 'RDP' };

/** What a favourite can be marked as. What is not known has no mark. */
export type KnownState = Exclude<FavouriteState, 'unknown'>;

const states: Record<KnownState, string> = {
  connecting: 'Connecting',
  open: 'Open',
  ending: 'Ending soon',
  failed: 'Not opened',
  closed: 'Locked',
};

const stepStatuses: Record<StepStatus, string> = {
  waiting: 'waiting',
  running: 'under way',
  done: 'done',
  skipped: 'not needed',
  failed: 'failed',
};

/** A failure in two or three words, by its stable name. */
const failureChips: Record<string, string> = {
  notSignedIn: 'Not signed in',
  principalRefused: 'Not signed in',
  certificateUnfit: 'Not signed in',
  claimsRequired: 'Sign in anew',
  signInRequired: 'Sign in anew',
  conditionalAccess: 'Sign-in blocked',
  consentMissing: 'No consent yet',
  notInTenant: 'Not in the tenant',
  clientUnknown: 'Sign-in not set up',
  noClientId: 'Sign-in not set up',
  accountDisabled: 'Account disabled',
  signInDeclined: 'Not signed in',
  signInTimedOut: 'Not signed in',
  clockSkew: 'Clock is off',
  interactionRequired: 'Sign in anew',
  accessDenied: 'No right to ask',
  noPolicy: 'No JIT policy',
  notInPolicy: 'Port not allowed',
  sourceNotAllowed: 'Address not allowed',
  requestRefused: 'Refused',
  rangeRefused: 'Refused',
  requestConflict: 'Azure is busy',
  requestUnanswered: 'No answer',
  accessRevoked: 'Taken back',
  sourceUncertain: 'Which address?',
  sourceUnknown: 'Address unknown',
  vmNotFound: 'VM not found',
  vmNotRunning: 'Not running',
  powerStateUnknown: 'State unknown',
  allocationFailed: 'No capacity',
  startFailed: 'Did not start',
  noPublicAddress: 'No public address',
  portSilent: 'No answer',
  firewallShut: 'No answer',
  portRefused: 'Port refuses',
  portStranger: 'Wrong answer',
  clientNotFound: 'No client',
  clientFailed: 'No client',
  throttled: 'Asked to wait',
  unreachable: 'Unreachable',
  timedOut: 'Took too long',
};

const clouds: Record<string, string> = {
  public: 'Azure',
  usgov: 'Azure US Government',
  china: 'Azure China',
};

export const words = {
  // Header
  find: 'Find a VM',
  findHint: navigator.platform.startsWith('Mac') ? '⌘ K' : 'Ctrl K',
  clearHint: 'Esc',
  enterHint: 'Enter',

  // Sections
  openNow: 'Open now',
  connecting: 'Connecting',
  couldNotOpen: 'Couldn’t open',
  favourites: 'Favourites',
  found: (found: number, all: number) => `${found} of ${all} favourites`,
  nothingFound: (query: string) => `No favourite matches “${query}”.`,
  nothingFoundHint: 'Names, resource groups and states are searched.',

  // Rows
  openedIn: (time: string) => `Opened in ${time}.`,
  protocol: (protocol: Protocol) => protocols[protocol],
  state: (state: KnownState) => states[state],
  until: (time: string) => `until ${time}`,
  openUntil: (time: string) => `open until ${time}`,
  openedBy: (who: string) => `opened by ${who}`,
  endingSoon: 'ends within a quarter of an hour',
  closedToNew: 'closed to new connections; yours stays until you leave it',
  at: (time: string) => `at ${time}`,
  stepStatus: (status: StepStatus) => stepStatuses[status],
  chip: (code: string) => failureChips[code] ?? 'Not opened',

  // Acts. With the VM's name for the ear, which does not see what a button stands beside.
  connect: 'Connect',
  connectTo: (name: string) => `Connect to ${name}`,
  connectFrom: (name: string, address: string) => `Connect to ${name} from ${address}`,
  cancel: 'Cancel',
  cancelOf: (name: string) => `Cancel ${name}`,
  dismiss: 'Dismiss',
  dismissOf: (name: string) => `Dismiss ${name}`,
  tryAgain: 'Try again',
  tryAgainOf: (name: string) => `Try again to open ${name}`,
  details: 'Details',
  detailsOf: (name: string) => `Details of ${name}`,
  copy: 'Copy',
  copyDetailsOf: (name: string) => `Copy the details of ${name}`,
  copied: 'Copied',
  readMore: 'Read more',
  readMoreOf: (name: string) => `Read more about ${name}`,
  more: (name: string) => `More for ${name}`,
  copyResourceId: 'Copy resource ID',
  remove: 'Remove',
  removed: (name: string) => `Removed ${name}`,
  undo: 'Undo',
  close: 'Close',
  refresh: 'Look for open windows again',

  // Adding
  add: 'Add',
  addVm: 'Add a VM',
  addTitle: 'Add a favourite',
  vmId: 'VM resource ID',
  vmIdHint: 'Azure portal: the VM’s Overview, “JSON View”, copy the resource ID.',
  vmIdExample: '/subscriptions/…/virtualMachines/web-01',
  vmIdWrong: 'This is no VM’s resource ID: it ends in /providers/Microsoft.Compute/virtualMachines/NAME.',
  name: 'Name',
  nameWrong: 'Letters, digits, “-”, “_” and “.”, at most 64, beginning with a letter or digit, not ending in “.ajar”.',
  opensWith: 'Opens with',
  port: 'Port',
  portWrong: 'A whole number from 1 to 65535.',
  user: 'User',
  optional: 'optional',
  access: 'Access for',
  accessHint: 'A shorter limit in the VM’s policy wins.',

  // Empty
  emptyTitle: 'Open a locked-down VM in one click.',
  emptyText:
    'Add one by its resource ID. Ajar asks Azure for access from your address, starts the VM if need be, and opens your client.',
  emptyTry: 'To try it without Azure:',
  emptyCommand: 'ajar --demo',

  // Footer
  azure: 'Azure',
  otherAjar: 'Another Ajar',
  settings: 'Settings',
  cloud: (name: string, demo: boolean) => (demo ? 'Demo' : (clouds[name] ?? name)),
  favouriteCount: (count: number) => (count === 1 ? '1 favourite' : `${count} favourites`),

  // The engine itself
  engineSilent: 'Ajar’s engine does not answer.',
  engineSilentAction: 'Close this window and open it again from the tray.',
};
