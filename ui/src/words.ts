// The window's own words. What happened to a VM, and why, is said by the engine.

import type { ActivityResult } from './bindings/ActivityResult';
import type { AccountState } from './bindings/AccountState';
import type { CheckState } from './bindings/CheckState';
import type { Colour } from './bindings/Colour';
import type { FavouriteState } from './bindings/FavouriteState';
import type { HistoryFormat } from './bindings/HistoryFormat';
import type { OnConflict } from './bindings/OnConflict';
import type { OnNewAddress } from './bindings/OnNewAddress';
import type { Protocol } from './bindings/Protocol';
import type { SignInMethod } from './bindings/SignInMethod';
import type { StepStatus } from './bindings/StepStatus';

const protocols: Record<Protocol, string> = { ssh: 'SSH', rdp: 'RDP', port: 'Port' };

/** What a favourite can be marked as. What is not known has no mark. */
export type KnownState = Exclude<FavouriteState, 'unknown'>;

const states: Record<KnownState, string> = {
  deallocating: 'Deallocating',
  connecting: 'Connecting',
  open: 'Open',
  ending: 'Ending soon',
  failed: 'Not opened',
  closed: 'Locked',
};

const activityResults: Record<ActivityResult, string> = { started: 'begun', accepted: 'accepted', succeeded: 'done', failed: 'failed' };

const checkStates: Record<CheckState, string> = {
  passed: 'as it should be',
  noted: 'worth knowing',
  failed: 'in the way',
  unknown: 'not known',
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
  otherTenant: 'Another tenant',
  clientUnknown: 'Sign-in not set up',
  noClientId: 'Sign-in not set up',
  accountDisabled: 'Account disabled',
  signInDeclined: 'Not signed in',
  signInTimedOut: 'Not signed in',
  signInNotCompleted: 'Not signed in',
  clockSkew: 'Clock is off',
  interactionRequired: 'Sign in anew',
  keychainUnavailable: 'No keychain',
  tokenRefused: 'Token refused',
  toolTokenRefused: 'Token refused',
  tokenToolFailed: 'No token',
  unknownAccount: 'No such account',
  accessDenied: 'No right to ask',
  denyAssigned: 'Denied',
  policyUnseen: 'No right to read',
  noPolicy: 'No JIT policy',
  notInPolicy: 'Port not allowed',
  sourceNotAllowed: 'Address not allowed',
  requestRefused: 'Refused',
  rangeRefused: 'Refused',
  requestConflict: 'Azure is busy',
  requestUnanswered: 'No answer',
  accessRevoked: 'Taken back',
  sourceUncertain: 'Which address?',
  reasonWanted: 'Why?',
  sourceUnknown: 'Address unknown',
  vmNotFound: 'VM not found',
  vmNotRunning: 'Not running',
  powerStateUnknown: 'State unknown',
  allocationFailed: 'No capacity',
  startFailed: 'Did not start',
  startUnseen: 'Did not start',
  beingDeallocated: 'Coming to rest',
  noPublicAddress: 'No public address',
  portSilent: 'No answer',
  firewallShut: 'No answer',
  portRefused: 'Port refuses',
  portStranger: 'Wrong answer',
  clientNotFound: 'No client',
  clientFailed: 'No client',
  throttled: 'Asked to wait',
  unavailable: 'Asked to wait',
  unreachable: 'Unreachable',
  timedOut: 'Took too long',
};

const signInMethods: Record<SignInMethod, string> = {
  browser: 'Browser',
  'device-code': 'Device code',
  'service-principal': 'Service principal',
  'managed-identity': 'Managed identity',
  'workload-identity': 'Workload identity',
  az: 'Azure CLI',
  azd: 'Azure Developer CLI',
};

const accountStates: Record<AccountState, string> = {
  signedIn: 'Signed in',
  needsSignIn: 'Sign in again',
  disabled: 'Disabled',
  blocked: 'Blocked by its organisation',
  wantsConsent: 'Waits for consent',
  wantsAssignment: 'Waits to be assigned',
  refused: 'Refused by Azure',
  elsewhere: 'Not kept by Ajar',
};

const clouds: Record<string, string> = {
  public: 'Azure',
  usgov: 'Azure US Government',
  china: 'Azure China',
};

const formats: Record<HistoryFormat, string> = { csv: 'CSV', json: 'JSON' };

const number = (count: number) => count.toLocaleString('en');

export const words = {
  // Header
  find: 'Find a VM',
  findHint: navigator.platform.startsWith('Mac') ? '⌘ K' : 'Ctrl K',
  clearHint: 'Esc',
  enterHint: 'Enter',

  // Sections
  openNow: 'Open now',
  connecting: 'Connecting',
  deallocating: 'Deallocating',
  couldNotOpen: 'Couldn’t open',
  couldNotExtend: 'Couldn’t extend',
  favourites: 'Favourites',
  recents: 'Opened lately',
  found: (found: number, all: number) => `${found} of ${all} favourites`,
  foundVms: (found: number, all: number) => `${number(found)} of ${all === 1 ? '1 VM' : `${number(all)} VMs`}`,
  nothingFound: (query: string) => `No favourite and no VM matches “${query}”.`,
  nothing: 'none',
  /** Whoever inherits some may want none. */
  noneOf: {
    justification: 'Give no reason, whatever is inherited',
    clientArguments: 'Give no arguments, whatever is inherited',
    forwards: 'Forward nothing, whatever is inherited',
  },
  nothingFoundHint: 'Names, notes, resource groups, subscriptions, tags and addresses are searched.',
  readingVms: (count: number) =>
    count === 0 ? 'Reading the VMs of your accounts…' : `Reading the VMs of your accounts… ${number(count)} so far`,
  asOf: (time: string) => `as of ${time}`,
  notAllVms: 'Not all VMs are known',

  // Rows
  openedIn: (time: string) => `Opened in ${time}.`,
  protocol: (protocol: Protocol) => protocols[protocol],
  protocolChoice: (protocol: Protocol) => (protocol === 'port' ? 'Port only' : protocols[protocol]),
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
  /** What opens it is started or, where a port alone is, nothing. */
  opens: (protocol: Protocol, name?: string): string => {
    if (protocol === 'port') return name === undefined ? 'Open' : `Open the port of ${name}`;
    return name === undefined ? words.connect : words.connectTo(name);
  },
  atPort: (port: number) => `Port ${port}`,
  connectTo: (name: string) => `Connect to ${name}`,
  connectFrom: (name: string, address: string) => `Connect to ${name} from ${address}`,
  extend: 'Extend',
  fromHere: 'Open from here',
  fromHereOf: (name: string) => `Open from here: ${name}`,
  pick: 'Select',
  unpick: 'Deselect',
  pickHint: 'Space',
  isPicked: 'Selected',
  pickedCount: (count: number) => `${count} selected`,
  connectAll: 'Connect all',
  connectAllOf: (folder: string) => `Connect all of ${folder}`,
  extendAll: 'Extend all',
  extendAllOf: (folder: string) => `Extend all of ${folder}`,
  extendOf: (name: string) => `Extend ${name}`,
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
  edit: 'Edit',
  editHint: 'F2',
  copyResourceId: 'Copy resource ID',
  remove: 'Remove',
  changed: (name: string) => `Changed ${name}`,
  removed: (name: string) => `Removed ${name}`,
  makeFavourite: (name: string) => `Make ${name} a favourite`,
  isFavourite: (name: string) => `${name} is a favourite`,
  undo: 'Undo',
  close: 'Close',
  refresh: 'Look for open windows and VMs again',

  // Looking at the whole way
  troubleshoot: 'Troubleshoot…',
  troubleshootTitle: (name: string) => `The way to ${name}`,
  lookingAtTheWay: 'Looking at it, and changing nothing…',
  lookAgain: 'Look again',
  checkState: (state: CheckState) => checkStates[state],

  // Azure’s Activity Log
  activity: 'Who was there…',
  activityTitle: (name: string) => `Who opened or changed ${name}`,
  askingAzure: 'Asking Azure’s Activity Log…',
  askAgain: 'Ask again',
  byAjarHere: 'by Ajar here',
  activityResult: (result: ActivityResult) => activityResults[result],

  // Deallocating
  deallocate: 'Deallocate…',
  deallocateTitle: (names: string[]) => (names.length === 1 ? `Deallocate ${names[0]}?` : `Deallocate ${names.length} VMs?`),
  deallocateText: (count: number) =>
    `Sessions there end at once. ${count === 1 ? 'Its' : 'Their'} memory and temporary disk are lost, and a dynamic public address may be another one after the next start. What Azure has begun cannot be called back.`,
  deallocateWindow: 'An access window stays open in Azure until its end; nothing answers behind it while the VM rests.',
  openToOthers: (name: string, who: string, until: string) => `${name} is open until ${until} to somebody else: ${who}.`,
  deallocateNow: 'Deallocate',
  leaveRunning: 'Leave running',
  notUsed: 'Not used any more',
  later: 'Ask in an hour',
  deallocateOf: (name: string) => `Deallocate ${name}`,
  laterOf: (name: string) => `Ask about ${name} in an hour`,
  leaveRunningOf: (name: string) => `Leave ${name} running`,
  startedByAjar: (hours: number) =>
    `started by Ajar ${hours === 0 ? 'less than an hour' : hours === 1 ? '1 hour' : `${hours} hours`} ago`,

  // Adding
  add: 'Add',
  addVm: 'Add a VM',
  addTitle: 'Add a favourite',
  editTitle: (name: string) => `Edit ${name}`,
  save: 'Save',
  vmId: 'VM resource ID',
  vmIdHint: 'Azure portal: the VM’s Overview, “JSON View”, copy the resource ID.',
  vmIdExample: '/subscriptions/…/virtualMachines/web-01',
  vmIdWrong: 'This is no VM’s resource ID: it ends in /providers/Microsoft.Compute/virtualMachines/NAME.',
  name: 'Name',
  nameWrong: 'Letters, digits, “-”, “_” and “.”, at most 64, beginning with a letter or digit, not ending in “.ajar”.',
  opensWith: 'Opens with',
  inherit: 'As inherited',
  inheritOf: (what: string) => `${what}: as inherited`,
  port: 'Port',
  portUnsaid: 'Say which port: nothing stands for one',
  portWrong: 'A whole number from 1 to 65535.',
  user: 'User',
  optional: 'optional',
  folder: 'Folder',
  folderExample: 'Team/Prod',
  note: 'Note',
  none: 'none',
  asInherited: 'as usual',
  moreOfFavourite: 'More',
  fields: {
    renew_up_to: 'Renew while connected, up to',
    after_use: 'After use, with a VM that Ajar started',
    start: 'Start the VM where it rests',
    ask_justification: 'Ask for a reason each time',
    address: 'Address',
    colour: 'Colour',
    justification: 'Reason for the record',
    source: 'Ask access from',
    client: 'Program',
    identity_file: 'Key file',
    known_hosts_file: 'Known hosts file',
    client_arguments: 'Arguments of the program',
    forwards: 'Ports forwarded by ssh',
    rdp_file: 'Remote Desktop by this .rdp file',
    gateway: 'Remote Desktop gateway',
    multimon: 'Remote Desktop on all monitors',
    entra_login: 'Log in by Entra',
    forward_agent: 'Let the VM use my agent’s keys',
  },
  renewUpToHint: 'Counted from the first opening on. Without a connection it ends as it would.',
  justificationHint: 'May name {name}, {vm}, {group}, {user}, {account} and {date}.',
  sourceWrong: (text: string) => `“${text}” is no address of a machine like 203.0.113.7, and no network’s name; use one, or automatic.`,
  clientArgumentsHint: 'One a line. Where one names {host}, {port}, {user}, {name} or {vm}, the program is given these alone.',
  forwardsHint: 'One a line, by ssh’s letters: L 8080:localhost:80, R 9000:localhost:3000, D 1080.',
  forwardsWrong: (line: string) =>
    `“${line}” is none: write “L 8080:localhost:80”, “R …” or “D 1080”, an IPv6 address in brackets.`,
  moveUp: 'Move up',
  moveUpHint: 'Alt+↑',
  moveDown: 'Move down',
  moveDownHint: 'Alt+↓',
  reason: 'Reason',
  colours: {
    red: 'red',
    orange: 'orange',
    yellow: 'yellow',
    green: 'green',
    blue: 'blue',
    purple: 'purple',
    grey: 'grey',
  } satisfies Record<Colour, string>,
  access: 'Access for',
  accessHint: 'A shorter limit in the VM’s policy wins.',

  account: 'Account',
  accountUsual: (name: string) => `The default (${name})`,
  accountUsualIsGone: (name: string) => `The default (${name} is not there any more)`,
  accountChoice: (name: string, username: string) => `${name} · ${username}`,
  accountIsGone: 'There is no account of that name any more.',
  favouriteTenantHint: 'Of the VM’s subscription, by its id or domain. Left empty, it is found out.',

  // Accounts
  accounts: 'Accounts',
  accountsOf: (wanting: string[]) =>
    wanting.length > 0 ? `Accounts: ${wanting.join(', ')} ${wanting.length === 1 ? 'has' : 'have'} to sign in` : 'Accounts',
  accountCount: (count: number) => (count === 1 ? '1 account' : `${count} accounts`),
  nobody: 'nobody signed in',
  noAccounts: 'Nobody is signed in with Ajar yet.',
  back: 'Back',
  addAccount: 'Add account',
  defaultAccount: 'Default',
  defaultAccountHint: 'Favourites that name no account act as this one.',
  makeDefault: 'Make default',
  makeDefaultOf: (name: string) => `Make ${name} the default`,
  accountState: (state: AccountState) => accountStates[state],
  method: (method: SignInMethod) => signInMethods[method],
  actsFor: (count: number) => (count === 0 ? 'no favourites' : count === 1 ? '1 favourite' : `${count} favourites`),
  tenant: (tenant: string) => `tenant ${tenant}`,
  keptInKeychain: 'kept in the keychain',
  signInOf: (name: string) => `Sign in to ${name}`,
  signInFor: (favourite: string) => `Sign in to open ${favourite}`,
  signInAgain: 'Sign in again',
  signInAgainOf: (name: string) => `Sign in again to ${name}`,
  azCommand: 'az login',
  copyAzCommand: 'Copy “az login”',
  couldNotBeRead: (names: string[]) => `${names.join(', ')} could not be read: sign in again`,
  azTitle: 'In the Azure CLI',
  azUnread: 'Asking the Azure CLI who is signed in to it',
  azMissing: 'The Azure CLI (az) is not installed. Who uses it needs no other sign-in.',
  azNobody: 'Nobody is signed in to the Azure CLI. After “az login” Ajar uses it by itself.',
  azFailed: (why: string) => `The Azure CLI does not tell who is signed in to it: ${why}`,
  azDefault: 'az’s own choice',
  azAccount: (tenant: string, subscriptions: number) =>
    `tenant ${tenant} · ${subscriptions === 1 ? '1 subscription' : `${subscriptions} subscriptions`}`,
  azIs: (account: string) => `account ${account}`,
  azUse: 'Add',
  azUseOf: (user: string, tenant: string) => `Add ${user} in tenant ${tenant}`,

  // Signing out
  signOut: 'Sign out',
  signOutOf: (name: string) => `Sign out of ${name}`,
  signOutTitle: (name: string) => `Sign out of ${name}?`,
  signOutText: 'Ajar forgets its sign-in, and takes the account out of the settings. Whatever is open in Azure stays open.',
  signOutNaming: (count: number) =>
    count === 1 ? 'The favourite that acts as it stays.' : `The ${count} favourites that act as it stay.`,
  keep: 'Stay signed in',
  signedOutTitle: (name: string) => `Signed out of ${name}`,
  signedOutNothing: 'There was nothing to remove.',
  signedOutRemoved: 'Removed:',
  signedOutRemains: (favourites: string[]) =>
    `${favourites.join(', ')} still ${favourites.length === 1 ? 'names' : 'name'} it: sign in again under that name, or choose another account with “Edit”.`,

  // Signing in
  signIn: 'Sign in',
  theSignIn: 'the sign-in',
  signingIn: 'Signing in',
  signingInTo: (name: string) => `Signing in to ${name}`,
  cancelSignIn: 'Cancel the sign-in',
  dismissSignIn: 'Dismiss the sign-in',
  signInBeginning: 'Asking Azure where to sign in',
  signInBrowser: 'Go on in your browser.',
  signInBrowserText: 'A page has opened there; it waits five minutes. Ajar notices when you are done.',
  didNotOpen: 'It did not open?',
  openPage: 'Open the page',
  openPageAgain: 'Open it again',
  copyAddress: 'Copy the address',
  signInCode: 'Type this code on any device.',
  signInCodeWhere: (until: string) => `It is good until ${until}, on this page:`,
  copyCode: 'Copy the code',
  signedIn: 'Signed in',
  signInBeginsAnew: 'The Ajar that signed in has ended. It begins anew.',
  signedInAs: (who: string) => `Signed in as ${who}.`,
  untilAjarEnds: 'Until Ajar ends: no keychain keeps it.',
  accountCalled: (name: string, inKeychain: boolean) =>
    inKeychain ? `The account is called ${name}; its sign-in is kept in the keychain.` : `The account is called ${name}.`,
  withBrowser: 'Sign in with the browser',
  noBrowser: 'No browser here?',
  withCode: 'Use a code on another device',
  signInLead: 'The page of your organisation opens in your browser, and Ajar never sees your password.',
  signInLeadFor: (favourite: string) => `Once you are signed in, ${favourite} is opened again.`,
  signInCodeHint: 'A code is for a browser on another device. Many organisations allow only the browser of this machine.',
  whereTo: 'Tenant and cloud',
  nameAndWhere: 'Name, tenant and cloud',
  accountName: 'Name of the account',
  accountNameHint: 'Favourites name it by this. Left empty, it is called as its user name begins.',
  accountNameWrong: 'Letters, digits, “-”, “_” and “.”, at most 64, beginning with a letter or digit.',
  tenantField: 'Tenant',
  tenantHint: 'Its id or domain, if the account is a guest there. Left empty, wherever the account belongs.',
  cloudField: 'Cloud',
  cloudUsual: (name: string) => `The usual one (${name})`,
  otherWays: 'Other ways',
  otherWayAz: 'Sign in to the Azure CLI in a terminal; Ajar then uses it by itself.',
  withoutApplication: 'Without an application',
  azInstall: 'How the Azure CLI is installed',
  azInstallUrl: 'https://learn.microsoft.com/cli/azure/install-azure-cli',
  azInstead: 'Or sign in to the Azure CLI in a terminal; Ajar then uses it by itself.',
  otherWayPrincipal: 'An application with a secret or certificate:',
  otherWayPrincipalCommand: 'ajar sign-in --service-principal --tenant T --client-id C',
  otherWayVariables: 'Or set these before Ajar starts:',
  otherWayVariablesNames: 'AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET',
  /** Behind where a port was reached. */
  reachedAt: (endpoint: string) => `Reached at ${endpoint}`,
  copyOf: (text: string) => `Copy ${text}`,

  // The application that signs people in
  applicationTitle: 'Name an application',
  applicationLead: 'To sign in by itself, Ajar needs an application that your organisation has registered in Entra. An administrator does that once, for everybody.',
  applicationId: 'Application (client) ID',
  applicationIdWrong: 'An ID looks like 6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01.',
  applicationIdHint: 'It is stored in config.toml and asked for only once.',
  applicationAsk: 'Don’t have one?',
  applicationAskCopy: 'Copy a message for your administrator',
  applicationGuide: 'How it is registered',
  applicationGuideUrl: 'https://learn.microsoft.com/entra/identity-platform/quickstart-register-app',
  applicationNext: 'Save and sign in',
  changeApplication: 'Change the application',

  copyCommand: 'Copy the command',
  copyCommandOf: (favourite: string) => `Copy the command for ${favourite}`,

  // Rights
  messageForAdministrator: 'Message for administrator',
  messageForAdministratorOf: (name: string) => `Message for administrator about ${name}`,
  messageCopied: 'Copied the message for your administrator',
  messageCopiedHint: 'It names what is missing, and a role that has it.',
  nothingMissing: 'Try again: such a right takes a few minutes to reach everywhere.',
  otherAccount: 'Other account',
  otherAccountOf: (name: string) => `Other account for ${name}`,

  // First start
  tryDemo: 'Try it without Azure',
  demoStarted: 'The demo opens in a window of its own',
  demoStartedHint: 'With an icon of its own in the tray. Quit it there when you have seen enough.',
  usesAz: (user: string) => `Signed in by the Azure CLI as ${user}.`,
  usesAccount: (who: string) => `Signed in as ${who}.`,
  usesOther: (whom: string) => `Favourites act as ${whom}.`,
  otherSignIn: 'Sign in to another account',

  // Empty
  emptyTitle: 'Open a locked‑down VM in one click.',
  emptyText:
    'Type to find it among the VMs that you can see, and press Enter. Ajar asks Azure for access from your address, starts the VM if need be, and opens your client.',

  // Settings
  settingsHint: navigator.platform.startsWith('Mac') ? '⌘ ,' : 'Ctrl ,',
  openFile: 'Open the file',
  copyPath: 'Copy the path',
  settingsLead: 'Everything here is in one file. Change it here or there: each sees at once what the other has done.',
  programs: 'Programs',
  sshProgram: 'SSH',
  rdpProgram: 'Remote Desktop',
  bastionProgram: 'Azure CLI through Azure Bastion',
  ajarItself: 'none: Ajar itself goes through',
  terminalProgram: 'Terminal',
  browserProgram: 'Browser for signing in',
  programFound: 'the one that is found',
  terminalHint: 'One word a line, such as xterm and -e; the command is appended.',
  browserHint: 'One word a line; the address is appended.',
  signingInTitle: 'Signing in',
  clientIdHint: 'Your organisation’s application, by its client ID. Without one, Ajar uses whoever is signed in to the Azure CLI.',
  cloudHint: 'For all that name none. It counts from the next start of Ajar on.',
  cloudBuiltIn: 'Azure',
  defaultAccountIs: (name: string) => `Favourites that name no account act as ${name}.`,
  inheritedTitle: 'What favourites inherit',
  inheritedLead: 'What a favourite does not say, its folder says, then the folder around that, then this.',
  forAll: 'All favourites',
  saysNothing: 'nothing of its own',
  editDefaultsOf: (whom: string) => `Edit what is inherited by ${whom}`,
  inheritedBy: (whom: string) => `Inherited: ${whom}`,
  fieldNames: {
    port: 'Port',
    protocol: 'Opens with',
    user: 'User',
    for: 'Access for',
    account: 'Account',
    cloud: 'Cloud',
    tenant: 'Tenant',
  },
  accessTitle: 'Access',
  onNewAddress: 'When your address changes',
  onNewAddressHint:
    'What is open lets in the address that you had. From the new one access is asked for until the same end; the old one may stay open until then.',
  onNewAddressChoices: {
    ask: 'Tell, and offer to open from the new one',
    request: 'Open from the new one at once',
    leave: 'Nothing',
  } satisfies Record<OnNewAddress, string>,
  notifications: 'Notifications',
  beforeEnd: 'Before access ends',
  beforeEndHint: 'Minutes before the end at which Ajar tells of it; “never” for the end alone.',
  beforeEndUsual: '15, 5, 1',
  beforeEndWrong: 'Up to five numbers of minutes from 1 to 720, such as 15, 5, 1, or “never”.',
  never: 'never',
  networks: 'Networks',
  networksLead: 'An address with a name, which a favourite can ask access from.',
  networkName: 'Name',
  networkNameWrong: 'Letters, digits, “-”, “_” and “.”, at most 64, beginning with a letter, and not “automatic”.',
  networkAddress: 'Address',
  networkAddressWrong: 'One IPv4 address that others see, like 203.0.113.7.',
  addNetwork: 'Add network',
  exchangeTitle: 'Favourites',
  exchangeLead:
    'Take favourites in from another person, or out of what other programs keep of the hosts they open: .rdp files, ssh’s configuration, mRemoteNG, RDCMan. Files can be dropped onto the window, too. Handed on, favourites have no secrets in them, and nothing that is yours alone.',
  importFiles: 'Import…',
  exportFile: 'Export…',
  importTitle: 'Import favourites',
  importReading: 'Reading, and changing nothing…',
  importFound: (file: string, kind: string, count: number) =>
    `${file}: ${kind}. ${count === 0 ? 'Nothing of it can become a favourite.' : count === 1 ? '1 can be a favourite.' : `${count} can be favourites.`}`,
  importRows: 'What can be taken in',
  importChoiceOf: (name: string) => `What to do with ${name}`,
  importChoices: {
    skip: 'Leave mine',
    replace: 'Change mine',
    rename: 'Add as another',
  } satisfies Record<OnConflict, string>,
  importLeave: 'Leave it out',
  importLeftOut: 'What is left out',
  importPersonal: 'These are my own, from another machine',
  importPersonalHint: 'Take in accounts, key files, programs, forwarded ports, the address that access is asked from and what is done after use, too.',
  importOther: 'Other files…',
  importDo: (added: number, replaced: number) =>
    [...(added > 0 ? [`Add ${added}`] : []), ...(replaced > 0 ? [`${added > 0 ? 'change' : 'Change'} ${replaced}`] : [])].join(', '),
  teams: 'Teams',
  teamsLead:
    'Favourites that a team keeps for all of it, in a file that “ajar export” wrote. They lie in a folder of the team’s name, and are changed where the team keeps them. Accounts, clouds, programs, key files and forwarded ports come from no team.',
  teamName: 'Name',
  teamIsThere: 'There is a team of that name. Remove it first to have it read from elsewhere.',
  teamNameWrong: 'Letters, digits, “-” and “_”, at most 32, beginning with a letter or digit.',
  teamFrom: 'Path or address',
  teamFromExample: '/mnt/team/ajar.toml or https://…',
  teamFromWrong: 'The whole path of the file, or its address, which begins with https:// and has no user’s name in it.',
  addTeam: 'Add team',
  removeTeam: (name: string) => `Remove the team ${name}`,
  teamRemoved: (name: string) => `Removed the team ${name}`,
  teamRemovedMore: 'Its file stays as it is.',
  teamCount: (count: number, read: string | null) =>
    [count === 1 ? '1 favourite' : `${count} favourites`, ...(read === null ? [] : [read])].join(' · '),
  teamNotes: (count: number) => (count === 1 ? '1 thing to know of its file' : `${count} things to know of its file`),
  ofTeam: 'team',
  teamUnread: 'could not be read',
  copyToMine: 'Copy to my favourites',
  copiedToMine: (name: string) => `${name} is a favourite of your own now`,
  isOfTeam: (name: string, team: string) => `${name} is a favourite of the team ${team}`,
  isOfTeamMore: 'It is changed where the team keeps it.',
  removeNetwork: (name: string) => `Remove the network ${name}`,
  cloudsTitle: 'Clouds of your own',
  cloudsLead: 'Which hosts get your tokens is written in the file alone, under [clouds].',

  // History
  history: 'History',
  historyHint: navigator.platform.startsWith('Mac') ? '⇧ ⌘ H' : 'Ctrl Shift H',
  historyLead: 'Each opening will stand here: when, from where, as whom, why, and what came of it.',
  readingHistory: 'Reading what was opened…',
  findOpening: 'Name, VM, reason…',
  findOpeningHint: navigator.platform.startsWith('Mac') ? '⌘ F' : 'Ctrl F',
  openingCount: (count: number) => (count === 1 ? '1 entry' : `${number(count)} entries`),
  today: 'Today',
  yesterday: 'Yesterday',
  untilThen: (time: string, length: string | null) => (length === null ? `until ${time}` : `until ${time} (${length})`),
  // A word or number alone on a line would say nothing.
  took: (time: string) => `took\u00a0${time.replaceAll(' ', '\u00a0')}`,
  from: (address: string) => `from\u00a0${address}`,
  as: (account: string) => `as\u00a0${account}`,
  copyOpening: (name: string, time: string) => `Copy the entry of ${name} at ${time}`,
  copyHint: navigator.platform.startsWith('Mac') ? '⌘ C' : 'Ctrl C',
  showAll: 'Show all',
  showOlder: 'Show older ones',
  olderAreMore: (shown: number) => `The newest ${shown} are shown. Older ones are found above, and exported.`,
  export: 'Export…',
  copyAs: (format: HistoryFormat) => `Copy as ${formats[format]}`,
  exported: (count: number, format: HistoryFormat) =>
    `Copied ${count === 1 ? '1 entry' : `${number(count)} entries`} as ${formats[format]}`,
  exportHint: (format: HistoryFormat, isAll: boolean) =>
    `${isAll ? 'All of it' : 'The whole history'} in a file: ajar history --format ${format} > history.${format}`,

  // Footer
  azure: 'Azure',
  otherAjar: 'Another Ajar',
  settings: 'Settings',
  cloud: (name: string, demo: boolean) => (demo ? 'Demo' : (clouds[name] ?? name)),
  vmCount: (count: number) => (count === 1 ? '1 VM' : `${number(count)} VMs`),
  favouriteCount: (count: number) => (count === 1 ? '1 favourite' : `${count} favourites`),

  // The engine itself
  engineSilent: 'Ajar’s engine does not answer.',
  engineSilentAction: 'Close this window and open it again from the tray.',
};

/** What an administrator is asked for who is to register the application. A test of ajar-core's own (`message/account.rs`) holds them to the same text. */
export const applicationMessage = `Please register an application in Entra for Ajar, which opens our VMs by just-in-time access. It needs no secret: people sign in as themselves, and get no more rights than they have.

az ad app create --display-name Ajar --sign-in-audience AzureADMyOrg --public-client-redirect-uris http://localhost \\
   --is-fallback-public-client true --required-resource-accesses '[{"resourceAppId":
   "797f4846-ba00-4fd7-ba43-dac1f8f63013", "resourceAccess": [{"id": "41094075-9dad-400e-a0bd-54e686782033", "type": "Scope"}]}]'

That is: a redirect of the platform “Mobile and desktop applications” to http://localhost, public client flows allowed, and of Azure Service Management the delegated permission user_impersonation. Granting admin consent spares each of us the question.

Please send me its Application (client) ID.
`;
